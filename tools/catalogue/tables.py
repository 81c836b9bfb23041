# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the rows of components.json and builds.json, and the gaps in provenance.json.

Two sources are joined: which build ships a module (`manifests.py`), and what the module's metadata states
(`metadata.py`). They disagree at times: a module may be shipped without metadata, or described and never shipped.
tools/catalogue/README.md describes the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

from plugins.module_utils._otelcol.catalogue.builds import guessed_type
from plugins.module_utils._otelcol.catalogue.rows import CONTRIB, CORE, OFFICIAL, SECTIONS, Key
from plugins.module_utils._otelcol.config.layers import Version, parse_version

from .manifests import Members
from .metadata import Meta, Metadata
from .versions import FIRST, ranges, text

Row = dict[str, Any]


def components(members: Members, metadata: Metadata) -> list[Row]:
    """Return one row for each module that a build ships or that has metadata, by section, type and module.

    A row has the newest type, the older type if there was one, the ranges of versions in which each build has the
    module, and its stability. Builds older than FIRST count for nothing.
    """
    judged = {build: _since_first(versions) for build, versions in members.items()}
    shipped = {key for versions in judged.values() for keys in versions.values() for key in keys}
    rows = [_component_row(key, judged, metadata) for key in shipped | set(metadata.by_module)]
    return sorted(rows, key=_place_of_component)


def _since_first(versions: Mapping[Version, set[Key]]) -> dict[Version, set[Key]]:
    """Return the versions that the catalogue judges, with their modules."""
    return {version: keys for version, keys in versions.items() if version >= FIRST}


def _place_of_component(row: Row) -> tuple[int, str, str]:
    """Return what orders the rows of components."""
    return SECTIONS.index(row["section"]), row["type"], row["module"]


def _component_row(key: Key, members: Members, metadata: Metadata) -> Row:
    """Return the row of a module. The order of its keys is that of the table's file."""
    section, module = key
    statements = dict(sorted(metadata.by_module.get(key, {}).items()))
    row: Row = {"section": section, "type": _newest_type(module, statements), "module": module}
    if not statements:
        row["guessed"] = True
    row |= _rename(statements)
    row["in"] = _ranges_by_build(key, members)
    row["stability"] = _stability(statements, metadata.seen.get(repository(module), set()))
    return row


def _newest_type(module: str, statements: Mapping[Version, Meta]) -> str:
    """Return the type that the newest statement has, or a guess from the folder's name without any statement."""
    if not statements:
        return guessed_type(module)
    return statements[max(statements)].type


def _rename(statements: Mapping[Version, Meta]) -> Row:
    """Return the keys of the first rename: the older type, and the first version with the newer one.

    `alias: false` says that no version names the older type as deprecated, so the Collector refuses it.
    """
    deprecated = {meta.old for meta in statements.values()}
    for (_version, older), (version, newer) in pairwise(statements.items()):
        if older.type == newer.type:
            continue
        rename: Row = {"was": older.type, "since": text(version)}
        if older.type not in deprecated:
            rename["alias"] = False
        return rename
    return {}


def _ranges_by_build(key: Key, members: Members) -> Row:
    """Return the ranges of versions in which each build has a module; a build that never had it is left out."""
    by_build: Row = {}
    for build, versions in members.items():
        having = [version for version, keys in versions.items() if key in keys]
        if having:
            by_build[build] = ranges(having, sorted(versions))
    return by_build


def _stability(statements: Mapping[Version, Meta], seen: Collection[Version]) -> Row:
    """Return the level of each signal, by the version that begins with these levels.

    Statements are in the order of versions. If a later one has signals that the one before lacks, and no source shows
    the versions between them, the signals of both hold there: no version is judged by a guess.
    """
    changes: Row = {}
    levels: dict[str, str] | None = None
    previous: Version = ()
    for version, meta in statements.items():
        stated = dict(meta.stability)
        if levels is not None and stated.keys() - levels.keys():
            unseen = _first_unseen(previous, version, seen)
            if unseen:
                levels = dict(sorted((levels | stated).items()))
                changes[text(unseen)] = levels
        if stated != levels:
            levels = stated
            changes[text(version)] = levels
        previous = version
    return changes


def _first_unseen(previous: Version, version: Version, seen: Collection[Version]) -> Version | None:
    """Return the first minor version after `previous`; None if that is not before `version`.

    None too if a source shows any version between the two: then the component had no other statement there.
    """
    following = (previous[0], previous[1] + 1, 0)
    if following >= version:
        return None
    if any(previous < other < version for other in seen):
        return None
    return following


def builds(members: Members, own: Mapping[str, Version]) -> list[Row]:
    """Return one row for each version of the Collector: the builds that have it, and ADOT's versions with it inside.

    `own` has the version of the Collector inside each version of ADOT.
    """
    versions = sorted({version for by_version in members.values() for version in by_version if version >= FIRST})
    return [_build_row(version, members, own) for version in versions]


def _build_row(version: Version, members: Members, own: Mapping[str, Version]) -> Row:
    """Return the row of a version of the Collector; `adot` is left out if no version of ADOT has it inside."""
    row: Row = {"version": text(version)}
    row["in"] = sorted(build for build, versions in members.items() if version in versions)
    labels = [label for label, inside in own.items() if inside == version]
    if labels:
        row["adot"] = sorted(labels, key=parse_version)
    return row


def repository(module: str) -> str:
    """Return the prefix of the repository that has a module, CORE or CONTRIB; empty text for any other."""
    for prefix in (CORE, CONTRIB):
        if module.startswith(prefix):
            return prefix
    return ""


def gaps(metadata: Metadata, members: Members) -> list[Row]:
    """Return the ranges of released versions of which no source shows the components' metadata, by repository.

    A patch release counts as seen if any release of its minor version is.
    """
    released = sorted({version for build in OFFICIAL for version in members[build] if version >= FIRST})
    rows: list[Row] = []
    for prefix in (CORE, CONTRIB):
        minors = {version[:2] for version in metadata.seen[prefix]}
        lacking = [version for version in released if version[:2] not in minors]
        for span in ranges(lacking, released).split():
            since, _dots, until = span.partition("..")
            rows.append({"module": prefix, "since": since, "until": until, "why": "no source has the metadata"})
    return rows
