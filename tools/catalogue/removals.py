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

from plugins.module_utils._otelcol.catalogue.builds import guess_type
from plugins.module_utils._otelcol.catalogue.rows import OFFICIAL_BUILDS, SECTION_ORDER, Key, Module
from plugins.module_utils._otelcol.config.collector_versions import Version, parse_version

from .manifests import ModulesByBuild
from .versions import describe_ranges

Row = dict[str, Any]


class MissingAdvice(Exception):  # noqa: N818 - what a maintainer reads
    """A component left the official builds, and no hint says what to use instead."""


def list_removals(modules_by_build: ModulesByBuild, rows: Iterable[Row], hint_rows: Iterable[Row]) -> list[Row]:
    """Return one row for each component that left all official builds for good, by section and type.

    `rows` are those of components.json, `hint_rows` the hints. Of modules with one type, the row has the version at
    which the last one left. Raises MissingAdvice for a component without a hint.
    """
    shipped_modules = _list_official_modules(modules_by_build)
    types_by_module = {(row["section"], row["module"]): row["type"] for row in rows}
    hints_by_key = {(hint["section"], hint["folder"]): hint for hint in hint_rows}
    removals_by_key: dict[Key, Row] = {}
    for module in _list_departed(shipped_modules):
        section, path = module
        key = (section, types_by_module.get(module) or guess_type(path))
        if key not in hints_by_key:
            raise MissingAdvice(f"{key[1]} left {section}: say in tools/catalogue/removals.json what to use instead")
        if "skip" in hints_by_key[key]:
            continue
        row = _build_removal(hints_by_key[key], _find_first_version_without(module, shipped_modules))
        if key not in removals_by_key or _is_later(row, removals_by_key[key]):
            removals_by_key[key] = row
    for key, row in _list_hand_kept_removals(hints_by_key).items():
        removals_by_key.setdefault(key, row)
    return sorted(removals_by_key.values(), key=_removal_order)


def _list_hand_kept_removals(hints_by_key: Mapping[Key, Row]) -> dict[Key, Row]:
    """Return the rows of hints that say themselves which version is the first without the component."""
    return {key: _build_removal(hint, hint["gone"]) for key, hint in hints_by_key.items() if "gone" in hint}


def _list_official_modules(modules_by_build: ModulesByBuild) -> dict[Version, set[Module]]:
    """Return the modules that any official build ships, by version in order."""
    shipped_modules: dict[Version, set[Module]] = {}
    for build in OFFICIAL_BUILDS:
        for version, modules in modules_by_build[build].items():
            shipped_modules.setdefault(version, set()).update(modules)
    return dict(sorted(shipped_modules.items()))


def _list_departed(shipped_modules: Mapping[Version, set[Module]]) -> list[Module]:
    """Return the modules that some version has and the newest one lacks, in order."""
    ever_shipped = {module for modules in shipped_modules.values() for module in modules}
    return sorted(ever_shipped - shipped_modules[max(shipped_modules)])


def _find_first_version_without(module: Module, shipped_modules: Mapping[Version, set[Module]]) -> str:
    """Return the version that ends the last range of versions with a module."""
    versions_with_module = [version for version, modules in shipped_modules.items() if module in modules]
    _since, _dots, end_version = describe_ranges(versions_with_module, list(shipped_modules)).rpartition("..")
    return end_version


def _build_removal(hint: Row, first_version_without: str) -> Row:
    """Return the row that a hint and the first version without the component make."""
    return {
        "section": hint["section"],
        "type": hint["type"],
        "gone": first_version_without,
        "use": hint["use"],
        "how": hint["how"],
    }


def _is_later(row: Row, other_row: Row) -> bool:
    """Whether the component of a row left after that of another one."""
    return parse_version(row["gone"]) > parse_version(other_row["gone"])


def _removal_order(row: Row) -> tuple[int, str]:
    """Return the key by which the rows of removals are sorted."""
    return SECTION_ORDER.index(row["section"]), row["type"]
