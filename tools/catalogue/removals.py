# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the rows of removals.json in the catalogue: what left the official builds, and what to use instead.

Manifests say what left and when. A maintainer says in removals.json beside this file what to use instead; each row
there is a hint. A hint with `skip` keeps a component out of the table, such as one that was renamed. A hint with `gone`
has the first version without the component, for one whose manifests could not be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plugins.module_utils._otelcol.catalogue.builds import guessed_type
from plugins.module_utils._otelcol.catalogue.rows import OFFICIAL, SECTIONS, Key, Module
from plugins.module_utils._otelcol.config.layers import Version, parse_version

from .manifests import Members
from .versions import ranges

Row = dict[str, Any]


class Unadvised(Exception):  # noqa: N818 - what a maintainer reads
    """A component left the official builds, and no hint says what to use instead."""


def removals(members: Members, rows: Iterable[Row], advice: Iterable[Row]) -> list[Row]:
    """Return one row for each component that left all official builds for good, by section and type.

    `rows` are those of components.json, `advice` the hints. Of modules with one type, the row has the version at which
    the last one left. Raises Unadvised for a component without a hint.
    """
    shipped = _official_modules(members)
    types = {(row["section"], row["module"]): row["type"] for row in rows}
    hints = {(hint["section"], hint["folder"]): hint for hint in advice}
    removed: dict[Key, Row] = {}
    for module in _departed(shipped):
        section, path = module
        key = (section, types.get(module) or guessed_type(path))
        if key not in hints:
            raise Unadvised(f"{key[1]} left {section}: say in tools/catalogue/removals.json what to use instead")
        if "skip" in hints[key]:
            continue
        row = _removal(hints[key], _first_version_without(module, shipped))
        if key not in removed or _is_later(row, removed[key]):
            removed[key] = row
    for key, row in _removals_by_hand(hints).items():
        removed.setdefault(key, row)
    return sorted(removed.values(), key=_place_of_removal)


def _removals_by_hand(hints: Mapping[Key, Row]) -> dict[Key, Row]:
    """Return the rows of hints that say themselves which version is the first without the component."""
    return {key: _removal(hint, hint["gone"]) for key, hint in hints.items() if "gone" in hint}


def _official_modules(members: Members) -> dict[Version, set[Module]]:
    """Return the modules that any official build ships, by version in order."""
    shipped: dict[Version, set[Module]] = {}
    for build in OFFICIAL:
        for version, modules in members[build].items():
            shipped.setdefault(version, set()).update(modules)
    return dict(sorted(shipped.items()))


def _departed(shipped: Mapping[Version, set[Module]]) -> list[Module]:
    """Return the modules that some version has and the newest one lacks, in order."""
    ever = {module for modules in shipped.values() for module in modules}
    return sorted(ever - shipped[max(shipped)])


def _first_version_without(module: Module, shipped: Mapping[Version, set[Module]]) -> str:
    """Return the version that ends the last range of versions with a module."""
    having = [version for version, modules in shipped.items() if module in modules]
    _since, _dots, until = ranges(having, list(shipped)).rpartition("..")
    return until


def _removal(hint: Row, gone: str) -> Row:
    """Return the row that a hint and the first version without the component make."""
    return {
        "section": hint["section"],
        "type": hint["type"],
        "gone": gone,
        "use": hint["use"],
        "how": hint["how"],
    }


def _is_later(row: Row, other: Row) -> bool:
    """Whether the component of a row left after that of another one."""
    return parse_version(row["gone"]) > parse_version(other["gone"])


def _place_of_removal(row: Row) -> tuple[int, str]:
    """Return what orders the rows of removals."""
    return SECTIONS.index(row["section"]), row["type"]
