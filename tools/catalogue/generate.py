# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the text of every file that is generated from clones: JSON with one row per line, so that diffs show facts.

`python -m tools.catalogue` calls `generate_texts`, and writes the files or compares them with those that are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from plugins.module_utils._otelcol.catalogue.version_ranges import format_version
from plugins.module_utils._otelcol.config.collector_versions import parse_version

from . import manifests, tables
from .clones import Clone, find_clones
from .metadata import Metadata, Statement, read_metadata
from .removals import list_removals
from .tables import Row
from .versions import FIRST_VERSION

TOOL_FOLDER = Path(__file__).parent
HAND_KEPT_TABLES = ("ports", "references")
_RELEASES = "opentelemetry-collector-releases"
_CORE = "opentelemetry-collector"
_CONTRIB = "opentelemetry-collector-contrib"
_EXPLORER = "opentelemetry-ecosystem-explorer"
_ADOT = "aws-otel-collector"
_REDHAT = "redhat-opentelemetry-collector"
# In the order of provenance.json.
_REPOSITORIES = (_RELEASES, _CORE, _CONTRIB, _EXPLORER, _ADOT, _REDHAT)


class Clones(NamedTuple):
    """The clones that the tables are made from: the first one of each repository, and all of the explorer."""

    releases: Clone
    core: Clone
    contrib: Clone
    adot: Clone
    redhat: Clone
    explorer_clones: list[Clone]
    """In the order in which they are read: what a later one states takes precedence."""
    clones_by_repository: Mapping[str, list[Clone]]
    """All clones in the folder by the name of the repository, for provenance.json."""


def _find_all_clones(folder: Path) -> Clones:
    """Return the clones in a folder. Raises MissingClone for a repository that has none."""
    by_repository = {name: find_clones(folder, name) for name in _REPOSITORIES}
    return Clones(
        releases=by_repository[_RELEASES][0],
        core=by_repository[_CORE][0],
        contrib=by_repository[_CONTRIB][0],
        adot=by_repository[_ADOT][0],
        redhat=by_repository[_REDHAT][0],
        explorer_clones=by_repository[_EXPLORER],
        clones_by_repository=by_repository,
    )


def generate_texts(folder: Path) -> dict[str, str]:
    """Return the text of every generated file by its name, from the clones in a folder."""
    repository_clones = _find_all_clones(folder)
    # Distribution → version of the Collector inside → modules.
    modules_by_build = manifests.read_upstream_modules(repository_clones.releases)
    # Release tag of ADOT → version of the Collector inside.
    modules_by_build["adot"], collector_of_tag = manifests.read_adot_modules(repository_clones.adot)
    modules_by_build["redhat"] = manifests.read_redhat_modules(repository_clones.redhat, FIRST_VERSION)
    metadata = read_metadata(
        repository_clones.core,
        repository_clones.contrib,
        (repository_clones.adot, collector_of_tag),
        repository_clones.explorer_clones,
    )
    _add_overrides(metadata)
    rows = tables.list_component_rows(modules_by_build, metadata)
    return {
        "components.json": rows_text(rows),
        "builds.json": rows_text(tables.list_build_rows(modules_by_build, collector_of_tag)),
        "providers.json": rows_text(manifests.list_scheme_rows(repository_clones.releases, modules_by_build)),
        "removals.json": rows_text(list_removals(modules_by_build, rows, _read_hand_kept("removals"))),
        "provenance.json": _provenance_text(repository_clones.clones_by_repository, metadata, modules_by_build, rows),
    }


def _add_overrides(metadata: Metadata) -> None:
    """Add what overrides.json states of modules of which no source says enough.

    These statements are weak: where a source states something of the same module and version, that stays. A row
    without `version` is about FIRST_VERSION, from which on the tables judge.
    """
    for row in _read_hand_kept("overrides"):
        version = parse_version(row["version"]) if "version" in row else FIRST_VERSION
        stability = tuple(sorted(row["stability"].items()))
        statement = Statement(row["type"], row.get("old", ""), stability)
        metadata.add_statement((row["section"], row["module"]), version, statement, weak=True)


def rows_text(rows: Iterable[Row]) -> str:
    """Return rows as a JSON list with one row per line."""
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


def tidy_table(path: Path) -> str:
    """Return what a table that people keep by hand looks like when its rows are in their form."""
    return rows_text(json.loads(path.read_text(encoding="utf-8")))


def _provenance_text(
    by_repository: Mapping[str, list[Clone]],
    metadata: Metadata,
    modules_by_build: manifests.ModulesByBuild,
    rows: list[Row],
) -> str:
    """Return the text of provenance.json: what the tables were made from, and what in them is not from a source.

    Its keys: `sources`, the newest commit of each clone; `newest`, the newest version of each distribution; `gaps`, the
    versions whose metadata no source shows; `guessed`, the modules whose type is a guess from the name of their folder;
    `by_hand`, the rows of overrides.json.
    """
    sources = [
        {"repository": name, **clone.describe_snapshot()}
        for name, repository_clones in by_repository.items()
        for clone in repository_clones
    ]
    newest = {name: format_version(max(versions)) for name, versions in sorted(modules_by_build.items())}
    provenance = {
        "sources": sources,
        "newest": newest,
        "gaps": tables.list_gaps(metadata, modules_by_build),
        "guessed": [{"section": row["section"], "module": row["module"]} for row in rows if row.get("guessed")],
        "by_hand": [{key: row[key] for key in ("section", "module", "source")} for row in _read_hand_kept("overrides")],
    }
    entries_text = ",\n".join(f"{json.dumps(key)}: {_value_text(value)}" for key, value in provenance.items())
    return "{\n" + entries_text + "\n}\n"


def _value_text(value: Any) -> str:
    """Return a value of provenance.json as JSON: a list with one item per line, anything else on one line."""
    return rows_text(value).rstrip("\n") if isinstance(value, list) and value else json.dumps(value)


def _read_hand_kept(name: str) -> list[Row]:
    """Return the rows of a file in this folder that people keep by hand, by its name without `.json`."""
    rows: list[Row] = json.loads((TOOL_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return rows
