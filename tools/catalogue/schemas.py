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

from plugins.module_utils._otelcol.catalogue.version_ranges import is_within
from plugins.module_utils._otelcol.config.layers import parse_version

from . import fields_facts as facts
from . import manifests
from .clones import clones
from .generate import rows_text
from .release_files import Release, UnknownSchema
from .setting_trees import SettingTree, added_settings, component_tree
from .versions import after, text


class _Neighbours(NamedTuple):
    """The releases around one, which is both of them if its own settings are known."""

    before: str
    following: str


def added_by_release(releases: Sequence[Release], module: str, read: str) -> dict[str, list[str]]:
    """Return the releases at which a module's settings are known, each with what it adds to those of `read`.

    A release between two known ones may have what either of them has. Releases of NEIGHBOURS are only compared.
    """
    trees = _trees_by_release(releases, module)
    if read not in trees:
        return {}
    added: dict[str, set[str]] = {}
    for version, tree in trees.items():
        added[version] = {".".join(path) for path in added_settings(trees[read], tree)}
    result = {}
    for release in releases:
        around = _neighbours(release.version, list(trees))
        if around and release.version not in facts.NEIGHBOURS:
            result[release.version] = sorted(added[around.before] | added[around.following])
    return result


def _trees_by_release(releases: Iterable[Release], module: str) -> dict[str, SettingTree]:
    """Return a module's settings by release; a release that does not show them is left out."""
    trees: dict[str, SettingTree] = {}
    for release in releases:
        with suppress(UnknownSchema):
            trees[release.version] = component_tree(release, module)
    return trees


def _neighbours(version: str, known: Sequence[str]) -> _Neighbours | None:
    """Return of releases in order the last one up to a version, and the first one from it on; None without both."""
    number = parse_version(version)
    before = [other for other in known if parse_version(other) <= number]
    following = [other for other in known if parse_version(other) >= number]
    return _Neighbours(before[-1], following[0]) if before and following else None


def widened_row(row: Mapping[str, Any], releases: Sequence[Release], module: str, read: str) -> dict[str, Any]:
    """Return a row of fields.json, whose settings were read at a release, for all releases at which they are known."""
    result = {key: value for key, value in row.items() if key != "more"}
    added = added_by_release(releases, module, read)
    if not added:
        return result
    versions = list(added)
    result["exact"] = f"{versions[0]}..{after(versions[-1])}"
    more = {f"{version}..{after(version)}": paths for version, paths in added.items() if paths}
    if more:
        result["more"] = more
    return result


def main(arguments: list[str] | None = None) -> None:
    """Write for which releases each row of fields.json holds."""
    parser = argparse.ArgumentParser(prog="python -m tools.catalogue.schemas", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder with the clones that README.md lists")
    parser.add_argument("--modules", type=Path, required=True, help="Go's module cache: `go env GOMODCACHE`")
    parser.add_argument("releases", nargs="+", help="releases in order, such as 0.155.0 0.156.0")
    given = parser.parse_args(arguments)
    releases = _releases(given.sources, given.modules, given.releases)
    modules = _modules_of_components()
    rows = json.loads(facts.TARGET.read_text(encoding="utf-8"))
    facts.TARGET.write_text(rows_text([_updated_row(row, releases, modules) for row in rows]), encoding="utf-8")


def _releases(sources: Path, cache: Path, versions: Iterable[str]) -> list[Release]:
    """Return these releases and their neighbours, in order. Raises Missing without a clone of the core or of ADOT."""
    core, adot = clones(sources, "opentelemetry-collector")[0], clones(sources, "aws-otel-collector")[0]
    _members, inside = manifests.adot(adot)
    adot_tags = {text(version): tag for tag, version in inside.items()}
    releases: list[Release] = []
    for version in sorted({*versions, *facts.NEIGHBOURS}, key=parse_version):
        vendored = [(adot, adot_tags[version])] if version in adot_tags else ()
        releases.append(Release(version, core, cache, vendored, releases))
    return releases


def _modules_of_components() -> dict[str, str]:
    """Return the module of each component, such as `receivers/otlp`."""
    components = json.loads(facts.TARGET.with_name("components.json").read_text(encoding="utf-8"))
    return {f"{row['section']}/{row['type']}": row["module"] for row in components}


def _updated_row(row: dict[str, Any], releases: Sequence[Release], modules: Mapping[str, str]) -> dict[str, Any]:
    """Return a row for all releases for which it holds; the row itself if it is not of the decoder that was asked."""
    name = f"{row.get('section')}/{row.get('type')}"
    if name not in modules or "doubt" in row:
        return row
    read = facts.READ_AT.get(name, facts.READ)
    is_later_answer = not is_within(row["exact"], read)
    return row if is_later_answer else widened_row(row, releases, modules[name], read)


if __name__ == "__main__":
    main()
