# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From clones to the text of every generated file: JSON with one row per line, so that diffs show single facts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plugins.module_utils._otelcol.config.layers import parse_version

from . import manifests, tables
from .clones import Clone, clones
from .metadata import Meta, Metadata, read
from .removals import removals
from .tables import Row
from .versions import FIRST, text

HERE = Path(__file__).parent
HAND_KEPT = ("ports", "references")
_RELEASES = "opentelemetry-collector-releases"
_SOURCES = (
    _RELEASES,
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "opentelemetry-ecosystem-explorer",
    "aws-otel-collector",
    "redhat-opentelemetry-collector",
)


def generate(folder: Path) -> dict[str, str]:
    """Return the text of every generated file by its name, from the clones in a folder."""
    found = {name: clones(folder, name) for name in _SOURCES}
    adot = found["aws-otel-collector"][0]
    members = manifests.upstream(found[_RELEASES][0])
    members["adot"], inside = manifests.adot(adot)
    members["redhat"] = manifests.redhat(found["redhat-opentelemetry-collector"][0], FIRST)
    core, contrib = found["opentelemetry-collector"][0], found["opentelemetry-collector-contrib"][0]
    metadata = read(core, contrib, (adot, inside), found["opentelemetry-ecosystem-explorer"])
    for row in _hand("overrides"):
        stability = tuple(sorted(row["stability"].items()))
        statement = Meta(row["type"], row.get("old", ""), stability)
        version = parse_version(row["version"]) if "version" in row else FIRST
        metadata.add((row["section"], row["module"]), version, statement, weak=True)
    rows = tables.components(members, metadata)
    return {
        "components.json": rows_text(rows),
        "builds.json": rows_text(tables.builds(members, inside)),
        "providers.json": rows_text(manifests.schemes(found[_RELEASES][0], members)),
        "removals.json": rows_text(removals(members, rows, _hand("removals"))),
        "provenance.json": _provenance(found, metadata, members, rows),
    }


def rows_text(rows: Iterable[Row]) -> str:
    """Return rows as a JSON list with one row per line."""
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


def tidy(path: Path) -> str:
    """Return what a table that people keep by hand looks like when its rows are in their form."""
    return rows_text(json.loads(path.read_text(encoding="utf-8")))


def _provenance(found: dict[str, list[Clone]], metadata: Metadata, members: manifests.Members, rows: list[Row]) -> str:
    sources = [{"repository": name, **clone.state()} for name, items in found.items() for clone in items]
    newest = {name: text(max(versions)) for name, versions in sorted(members.items())}
    lines = {
        "sources": sources,
        "newest": newest,
        "gaps": tables.gaps(metadata, members),
        "guessed": [{"section": row["section"], "module": row["module"]} for row in rows if row.get("guessed")],
        "by_hand": [{key: row[key] for key in ("section", "module", "source")} for row in _hand("overrides")],
    }
    body = ",\n".join(f"{json.dumps(key)}: {_value(value)}" for key, value in lines.items())
    return "{\n" + body + "\n}\n"


def _value(value: Any) -> str:
    return rows_text(value).rstrip("\n") if isinstance(value, list) and value else json.dumps(value)


def _hand(name: str) -> list[Row]:
    rows: list[Row] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return rows
