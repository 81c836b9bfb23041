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

from plugins.module_utils._otelcol.catalogue.builds import guess_type
from plugins.module_utils._otelcol.catalogue.rows import (
    CONTRIB_PREFIX,
    CORE_PREFIX,
    OFFICIAL_BUILDS,
    SECTION_ORDER,
    Key,
)
from plugins.module_utils._otelcol.catalogue.version_ranges import format_version
from plugins.module_utils._otelcol.config.collector_versions import Version, parse_version

from .manifests import ModulesByBuild
from .metadata import Metadata, Statement
from .versions import FIRST_VERSION, describe_ranges

Row = dict[str, Any]


def list_component_rows(modules_by_build: ModulesByBuild, metadata: Metadata) -> list[Row]:
    """Return one row for each module that a build ships or that has metadata, by section, type and module.

    A row has the newest type, the older type if there was one, the ranges of versions in which each build has the
    module, and its stability. Builds older than FIRST_VERSION count for nothing.
    """
    judged_modules = {build: _keep_judged(versions) for build, versions in modules_by_build.items()}
    shipped_modules = {key for versions in judged_modules.values() for keys in versions.values() for key in keys}
    rows = [
        _make_component_row(key, judged_modules, metadata)
        for key in shipped_modules | set(metadata.statements_by_module)
    ]
    return sorted(rows, key=_component_order)


def _keep_judged(versions: Mapping[Version, set[Key]]) -> dict[Version, set[Key]]:
    """Return the versions that the catalogue judges, with their modules."""
    return {version: keys for version, keys in versions.items() if version >= FIRST_VERSION}


def _component_order(row: Row) -> tuple[int, str, str]:
    """Return the key by which the rows of components are sorted."""
    return SECTION_ORDER.index(row["section"]), row["type"], row["module"]


def _make_component_row(key: Key, modules_by_build: ModulesByBuild, metadata: Metadata) -> Row:
    """Return the row of a module. The order of its keys is that of the table's file."""
    section, module = key
    statements = dict(sorted(metadata.statements_by_module.get(key, {}).items()))
    row: Row = {"section": section, "type": _find_newest_type(module, statements), "module": module}
    if not statements:
        row["guessed"] = True
    row |= _find_rename(statements)
    row["in"] = _ranges_by_build(key, modules_by_build)
    row["stability"] = _list_stability(statements, metadata.versions_by_prefix.get(find_repository(module), set()))
    return row


def _find_newest_type(module: str, statements: Mapping[Version, Statement]) -> str:
    """Return the type that the newest statement has, or a guess from the folder's name without any statement."""
    if not statements:
        return guess_type(module)
    return statements[max(statements)].type


def _find_rename(statements: Mapping[Version, Statement]) -> Row:
    """Return the keys of the first rename: the older type, and the first version with the newer one.

    `alias: false` says that no version names the older type as deprecated, so the Collector refuses it.
    """
    deprecated_types = {statement.old_name for statement in statements.values()}
    for (_version, older), (version, newer) in pairwise(statements.items()):
        if older.type == newer.type:
            continue
        rename: Row = {"was": older.type, "since": format_version(version)}
        if older.type not in deprecated_types:
            rename["alias"] = False
        return rename
    return {}


def _ranges_by_build(key: Key, modules_by_build: ModulesByBuild) -> Row:
    """Return the ranges of versions in which each build has a module; a build that never had it is left out."""
    by_build: Row = {}
    for build, versions in modules_by_build.items():
        versions_with_module = [version for version, keys in versions.items() if key in keys]
        if versions_with_module:
            by_build[build] = describe_ranges(versions_with_module, sorted(versions))
    return by_build


def _list_stability(statements: Mapping[Version, Statement], seen_versions: Collection[Version]) -> Row:
    """Return the level of each signal, by the version that begins with these levels.

    Statements are in the order of versions. If a later one has signals that the one before lacks, and no source shows
    the versions between them, the signals of both hold there: no version is judged by a guess.
    """
    changes: Row = {}
    levels: dict[str, str] | None = None
    previous: Version = ()
    for version, statement in statements.items():
        stated_levels = dict(statement.stability)
        if levels is not None and stated_levels.keys() - levels.keys():
            unseen_version = _find_first_unseen(previous, version, seen_versions)
            if unseen_version:
                levels = dict(sorted((levels | stated_levels).items()))
                changes[format_version(unseen_version)] = levels
        if stated_levels != levels:
            levels = stated_levels
            changes[format_version(version)] = levels
        previous = version
    return changes


def _find_first_unseen(previous: Version, version: Version, seen_versions: Collection[Version]) -> Version | None:
    """Return the first minor version after `previous`; None if that is not before `version`.

    None too if a source shows any version between the two: then the component had no other statement there.
    """
    following_version = (previous[0], previous[1] + 1, 0)
    if following_version >= version:
        return None
    if any(previous < seen_version < version for seen_version in seen_versions):
        return None
    return following_version


def list_build_rows(modules_by_build: ModulesByBuild, collector_of_adot: Mapping[str, Version]) -> list[Row]:
    """Return one row for each version of the Collector: the builds that have it, and ADOT's versions with it inside.

    `collector_of_adot` has the version of the Collector inside each version of ADOT.
    """
    versions = sorted(
        {version for by_version in modules_by_build.values() for version in by_version if version >= FIRST_VERSION}
    )
    return [_make_build_row(version, modules_by_build, collector_of_adot) for version in versions]


def _make_build_row(
    version: Version, modules_by_build: ModulesByBuild, collector_of_adot: Mapping[str, Version]
) -> Row:
    """Return the row of a version of the Collector; `adot` is left out if no version of ADOT has it inside."""
    row: Row = {"version": format_version(version)}
    row["in"] = sorted(build for build, versions in modules_by_build.items() if version in versions)
    labels = [label for label, collector_version in collector_of_adot.items() if collector_version == version]
    if labels:
        row["adot"] = sorted(labels, key=parse_version)
    return row


def find_repository(module: str) -> str:
    """Return the prefix of the repository of a module, CORE_PREFIX or CONTRIB_PREFIX; empty text for any other."""
    for prefix in (CORE_PREFIX, CONTRIB_PREFIX):
        if module.startswith(prefix):
            return prefix
    return ""


def list_gaps(metadata: Metadata, modules_by_build: ModulesByBuild) -> list[Row]:
    """Return the ranges of released versions of which no source shows the components' metadata, by repository.

    A patch release counts as seen if any release of its minor version is.
    """
    released_versions = sorted(
        {version for build in OFFICIAL_BUILDS for version in modules_by_build[build] if version >= FIRST_VERSION}
    )
    rows: list[Row] = []
    for prefix in (CORE_PREFIX, CONTRIB_PREFIX):
        seen_minors = {version[:2] for version in metadata.versions_by_prefix[prefix]}
        unseen_versions = [version for version in released_versions if version[:2] not in seen_minors]
        for span in describe_ranges(unseen_versions, released_versions).split():
            since, _dots, until = span.partition("..")
            rows.append({"module": prefix, "since": since, "until": until, "why": "no source has the metadata"})
    return rows
