# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For which releases the settings of each component in fields.json hold, by their `config.schema.yaml`.

A schema alone does not prove what a component's decoder takes. Two equal schemas prove that an answer of the decoder
for one release holds for the other. A row whose answer was read at 0.158.0 becomes:

    {"section": "receivers", "type": "otlp", …, "exact": "0.155.0..0.160.0", "more": {"0.159.0..0.160.0": ["http.new"]}}

`exact` covers the releases whose settings are known, and `more` lists what some of them add.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from plugins.module_utils._otelcol.catalogue.version_ranges import format_version, is_in_ranges
from plugins.module_utils._otelcol.config.collector_versions import parse_version

from . import fields_facts as facts
from . import manifests
from .clones import find_clones
from .generate import rows_text
from .release_files import Release, UnknownSchema
from .setting_trees import SettingTree, build_component_tree, find_added_settings
from .versions import following_release


class _KnownReleases(NamedTuple):
    """The nearest releases with known settings around a release. It is both of them if its own settings are known."""

    before: str
    after: str


def find_added_by_release(releases: Sequence[Release], module: str, read_version: str) -> dict[str, list[str]]:
    """Return the releases at which a module's settings are known, each with what it adds to those of `read_version`.

    A release between two known ones may have what either of them has. The releases of NEIGHBOURS in fields_facts.py
    count as known ones, and are left out of the result.
    """
    trees = _read_trees_by_release(releases, module)
    if read_version not in trees:
        return {}
    added_paths: dict[str, set[str]] = {}
    for version, tree in trees.items():
        added_paths[version] = {".".join(path) for path in find_added_settings(trees[read_version], tree)}
    added_by_release: dict[str, list[str]] = {}
    for release in releases:
        known_releases = _find_known_releases(release.version, list(trees))
        if known_releases and release.version not in facts.NEIGHBOURS:
            either_paths = added_paths[known_releases.before] | added_paths[known_releases.after]
            added_by_release[release.version] = sorted(either_paths)
    return added_by_release


def widen_row(row: Mapping[str, Any], releases: Sequence[Release], module: str, read_version: str) -> dict[str, Any]:
    """Return a row of fields.json, whose settings were read at a release, for all releases at which they are known."""
    widened = {key: value for key, value in row.items() if key != "more"}
    added_paths = find_added_by_release(releases, module, read_version)
    if not added_paths:
        return widened
    versions = list(added_paths)
    widened["exact"] = f"{versions[0]}..{following_release(versions[-1])}"
    paths_by_range = {
        f"{version}..{following_release(version)}": paths for version, paths in added_paths.items() if paths
    }
    if paths_by_range:
        widened["more"] = paths_by_range
    return widened


def main(arguments: list[str] | None = None) -> None:
    """Write for which releases each row of fields.json holds."""
    parser = argparse.ArgumentParser(prog="python -m tools.catalogue.schemas", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder with the clones that README.md lists")
    parser.add_argument("--modules", type=Path, required=True, help="Go's module cache: `go env GOMODCACHE`")
    parser.add_argument("releases", nargs="+", help="releases in order, such as 0.155.0 0.156.0")
    options = parser.parse_args(arguments)
    releases = _load_releases(options.sources, options.modules, options.releases)
    modules = _read_component_modules()
    rows = json.loads(facts.FIELDS_FILE.read_text(encoding="utf-8"))
    facts.FIELDS_FILE.write_text(rows_text([_update_row(row, releases, modules) for row in rows]), encoding="utf-8")


def _read_trees_by_release(releases: Iterable[Release], module: str) -> dict[str, SettingTree]:
    """Return a module's settings by release; a release that does not show them is left out."""
    trees: dict[str, SettingTree] = {}
    for release in releases:
        with suppress(UnknownSchema):
            trees[release.version] = build_component_tree(release, module)
    return trees


def _find_known_releases(version: str, known_versions: Sequence[str]) -> _KnownReleases | None:
    """Return the last known release up to a version, and the first one from it on; None without both.

    `known_versions` are in order.
    """
    number = parse_version(version)
    earlier_versions = [known_version for known_version in known_versions if parse_version(known_version) <= number]
    later_versions = [known_version for known_version in known_versions if parse_version(known_version) >= number]
    if not earlier_versions or not later_versions:
        return None
    return _KnownReleases(earlier_versions[-1], later_versions[0])


def _load_releases(sources: Path, cache: Path, versions: Iterable[str]) -> list[Release]:
    """Return these releases and their neighbours, in order.

    Raises MissingClone without a clone of the core or of ADOT.
    """
    core, adot = find_clones(sources, "opentelemetry-collector")[0], find_clones(sources, "aws-otel-collector")[0]
    _members, collector_of_tag = manifests.read_adot_modules(adot)
    adot_tags = {format_version(version): tag for tag, version in collector_of_tag.items()}
    releases: list[Release] = []
    for version in sorted({*versions, *facts.NEIGHBOURS}, key=parse_version):
        vendored_clones = [(adot, adot_tags[version])] if version in adot_tags else ()
        # Each release gets the list of all. It reads the list only later, when the loop has filled it.
        releases.append(Release(version, core, cache, vendored_clones, releases))
    return releases


def _read_component_modules() -> dict[str, str]:
    """Return the module of each component, such as `receivers/otlp`."""
    components = json.loads(facts.FIELDS_FILE.with_name("components.json").read_text(encoding="utf-8"))
    return {f"{row['section']}/{row['type']}": row["module"] for row in components}


def _update_row(row: dict[str, Any], releases: Sequence[Release], modules: Mapping[str, str]) -> dict[str, Any]:
    """Return a row for all releases for which it holds.

    Return the row as it is if its component has no known module, if its settings are in doubt, or if a decoder of
    another release was asked for it than for most rows.
    """
    name = f"{row.get('section')}/{row.get('type')}"
    if name not in modules or "doubt" in row:
        return row
    read_version = facts.READ_AT.get(name, facts.READ_RELEASE)
    was_asked_elsewhere = not is_in_ranges(row["exact"], read_version)
    return row if was_asked_elsewhere else widen_row(row, releases, modules[name], read_version)


if __name__ == "__main__":
    main()
