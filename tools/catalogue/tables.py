# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins who ships a component with what it says of itself: the rows of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plugins.module_utils._otelcol.catalogue.builds import guessed_type
from plugins.module_utils._otelcol.catalogue.rows import CONTRIB, CORE, OFFICIAL, SECTIONS, Key

from .manifests import Members
from .metadata import Meta, Metadata
from .versions import FIRST, Version, parse_version, ranges, text

Row = dict[str, Any]


class Unadvised(Exception):  # noqa: N818 - what a maintainer reads
    """A component left, and nobody wrote down what to use instead."""


_ORDER = {name: number for number, name in enumerate(SECTIONS)}


def components(members: Members, metadata: Metadata) -> list[Row]:
    """Return one row per module: its type, the one before, stability by version, and where it is."""
    members = {name: {v: keys for v, keys in found.items() if v >= FIRST} for name, found in members.items()}
    shipped = {key for versions in members.values() for modules in versions.values() for key in modules}
    rows = [_row(key, members, metadata) for key in shipped | set(metadata.by_module)]
    return sorted(rows, key=lambda row: (_ORDER[row["section"]], row["type"], row["module"]))


def _row(key: Key, members: Members, metadata: Metadata) -> Row:
    section, module = key
    said = dict(sorted(metadata.by_module.get(key, {}).items()))
    newest = list(said.values())[-1].type if said else guessed_type(module)
    row: Row = {"section": section, "type": newest, "module": module}
    if not said:
        row["guessed"] = True
    row |= _rename(said)
    row["in"] = {
        name: found
        for name, versions in members.items()
        if (found := ranges([v for v in versions if key in versions[v]], sorted(versions)))
    }
    row["stability"] = _stability(said, sorted(metadata.seen.get(repository(module), ())))
    return row


def _rename(said: Mapping[Version, Meta]) -> Row:
    """Return the older type, the first version with the newer one, and whether that still takes the older one."""
    types = list(said.values())
    for (_, before), (version, after) in zip(list(said.items())[:-1], list(said.items())[1:], strict=True):
        if before.type != after.type:
            alias = any(meta.old == before.type for meta in types)
            return {"was": before.type, "since": text(version)} | ({} if alias else {"alias": False})
    return {}


def _stability(said: Mapping[Version, Meta], seen: list[Version]) -> Row:
    """Return signal → level by the version that begins with it; what no source shows gets the signals of both sides."""
    changes: Row = {}
    last: dict[str, str] | None = None
    previous: Version = ()
    for version, meta in said.items():
        now = dict(meta.stability)
        hidden = _hidden(previous, version, seen) if last is not None else None
        if last is not None and hidden and set(now) != set(last) and set(now) | set(last) != set(last):
            changes[text(hidden)] = last = dict(sorted({**last, **now}.items()))
        if now != last:
            changes[text(version)] = last = now
        previous = version
    return changes


def _hidden(previous: Version, version: Version, seen: list[Version]) -> Version | None:
    """Return the first version between two statements if no source shows any version there; minors come one by one."""
    following = (previous[0], previous[1] + 1, 0)
    return following if following < version and not any(previous < other < version for other in seen) else None


def removals(members: Members, rows: Iterable[Row], advice: Iterable[Row]) -> list[Row]:
    """Return what left the official builds for good: the first version without it, and what to use instead.

    Raises Unadvised for one that tools/catalogue/removals.json does not speak of.
    """
    official = [members[name] for name in OFFICIAL]
    known = sorted({version for versions in official for version in versions})
    at: dict[Version, set[Key]] = {v: set().union(*(found.get(v, set()) for found in official)) for v in known}
    types = {(row["section"], row["module"]): row["type"] for row in rows}
    hints = {(hint["section"], hint["folder"]): hint for hint in advice}
    found: dict[Key, Row] = {}
    for section, module in sorted({key for keys in at.values() for key in keys} - at[known[-1]]):
        key = (section, types.get((section, module)) or guessed_type(module))
        if key not in hints:
            raise Unadvised(f"{key[1]} left {section}: say in tools/catalogue/removals.json what to use instead")
        gone = ranges([v for v in known if (section, module) in at[v]], known).rpartition("..")[2]
        later = key not in found or parse_version(found[key]["gone"]) < parse_version(gone)
        if "skip" not in hints[key] and later:
            hint = hints[key]
            row = {"section": section, "type": hint["type"], "gone": gone}
            found[key] = row | {"use": hint["use"], "how": hint["how"]}
    # Of releases whose manifests could not be read, the hint says which one is the first without it.
    for key, hint in hints.items():
        if "gone" in hint:
            found.setdefault(key, {name: hint[name] for name in ("section", "type", "gone", "use", "how")})
    return sorted(found.values(), key=lambda row: (_ORDER[row["section"]], row["type"]))


def builds(members: Members, own: Mapping[str, Version]) -> list[Row]:
    """Return one row per version of the Collector: the builds that have it, and ADOT's versions with it inside."""
    versions = sorted({v for found in members.values() for v in found if v >= FIRST})
    rows: list[Row] = []
    for version in versions:
        row: Row = {"version": text(version), "in": sorted(name for name, found in members.items() if version in found)}
        labels = sorted((label for label, inside in own.items() if inside == version), key=parse_version)
        rows.append(row | ({"adot": labels} if labels else {}))
    return rows


def repository(module: str) -> str:
    """Return which repository a module is from: core, contrib, or neither."""
    return next((name for name in (CORE, CONTRIB) if module.startswith(name)), "")


def gaps(metadata: Metadata, members: Members) -> list[Row]:
    """Return the ranges of released versions of which no source shows the components' metadata."""
    released = sorted({v for name in OFFICIAL for v in members[name] if v >= FIRST})
    found: list[Row] = []
    for name in (CORE, CONTRIB):
        minors = {version[:2] for version in metadata.seen[name]}
        lacking = [version for version in released if version[:2] not in minors]
        for span in ranges(lacking, released).split():
            since, _dots, until = span.partition("..")
            found.append({"module": name, "since": since, "until": until, "why": "no source has the metadata"})
    return found
