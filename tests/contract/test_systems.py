# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/systems.md names inputs, objects and tests that exist, and explains what it does not offer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import mapping_at
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from .role import OPTIONS, RECIPES, ROOT, request

NONE = "Not offered"
NOTHING = "\N{EN DASH}"
PAGE = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
# The part of a page about one article, with the inventories that it names before its table.
PARTS = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}
_CODE = re.compile(r"`([^`]+)`")
_INVENTORY = re.compile(r"\(\.\./(inventories/\w+)\)")
_OBJECT = re.compile(r"(?P<kind>config|[A-Z]\w+)/(?P<name>[\w.-]+)(?: (?P<path>[^=]+)(?:=(?P<value>.*))?)?$")
SPECS = [
    _documents.read_yaml(path)["argument_specs"]["main"]["options"] for path in ROOT.glob("roles/*/meta/*specs.yml")
]
VARIABLES = {name for spec in SPECS for name in spec} | {"otel_collectors", "otel_instrumentations"}
ACTIONS = {path.stem for folder in ("plugins/modules", "playbooks") for path in (ROOT / folder).glob("*.[py]*")}


class Row(NamedTuple):
    """A point of an article."""

    part: str
    point: str
    input: str
    object: str
    test: str


def rows() -> Iterator[Row]:
    for title, part in PARTS.items():
        lines = [line for line in part.splitlines() if line.startswith("| ")][1:]
        for line in lines:
            yield Row(title, *(cell.strip() for cell in line.strip("|").split(" | ")))


ROWS = list(rows())
OFFERED = [row for row in ROWS if not row.input.startswith(NONE)]


def name_of(row: Row) -> str:
    return row.point


@cache
def objects(part: str) -> list[dict[str, Any]]:
    """Return what the inventories of a part render to, each config as an object of kind `config`."""
    found: list[dict[str, Any]] = []
    for folder in _INVENTORY.findall(PARTS[part]):
        files = sorted([*ROOT.glob(f"{folder}/group_vars/all.yml"), *ROOT.glob(f"{folder}/group_vars/all/*.yml")])
        variables = {key: value for path in files for key, value in _documents.read_yaml(path).items()}
        planned = _render.judge_request(request(variables))
        found += _render.build_bundle(planned)["manifests"]
        found += [
            {"kind": "config", "metadata": {"name": one.collector.name}, **one.composed_config.config}
            for one in planned
        ]
    return found


def values(item: Any, path: str) -> Iterator[Any]:
    """Yield what a dotted path leads to; each item of a list is tried, and a key may have dots of its own."""
    if isinstance(item, list):
        for one in item:
            yield from values(one, path)
    elif not path:
        yield item
    elif isinstance(item, dict):
        for key, value in item.items():
            if path == key or path.startswith(f"{key}."):
                yield from values(value, path[len(key) + 1 :])


def is_there(part: str, code: str) -> bool:
    """Return whether a field of an object is in what the inventories render to."""
    match = _OBJECT.match(code)
    assert match, code
    named = [
        item for item in objects(part) if (item["kind"], item["metadata"]["name"]) == (match["kind"], match["name"])
    ]
    found = [value for item in named for value in values(item, match["path"] or "")]
    return bool(found) if match["value"] is None else match["value"] in map(str, found)


def is_input(code: str) -> bool:
    """Return whether text is an input: an option, a variable, a recipe with its options, a playbook or a module."""
    given = yaml.safe_load(code)
    name, value = next(iter(given.items())) if isinstance(given, dict) else (given, None)
    if name in RECIPES:
        return set(value or {}) <= set(RECIPES[name]["options"])
    return name in OPTIONS or name in VARIABLES or name.removeprefix("o11y.opentelemetry.") in ACTIONS


def test_it_has_every_article_and_enough_points() -> None:
    assert len(PARTS) == 5
    assert len(OFFERED) >= 150
    assert len({(row.part, row.point) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", [row for row in ROWS if row not in OFFERED], ids=name_of)
def test_what_is_not_offered_has_a_reason(row: Row) -> None:
    assert re.match(rf"{NONE}[^:]*: \w.{{20,}}", row.input)
    assert (row.object, row.test) == (NOTHING, NOTHING)


@pytest.mark.parametrize("row", OFFERED, ids=name_of)
def test_its_input_exists(row: Row) -> None:
    first = _CODE.findall(row.input.partition(";")[0])
    assert [code for code in first if re.match(r"\w+(: |$)", code) and not is_input(code)] == []
    named = [code for code in first if code.startswith("o11y.opentelemetry.")]
    assert [code for code in named if not is_input(code)] == []


@pytest.mark.parametrize("row", OFFERED, ids=name_of)
def test_its_object_is_rendered(row: Row) -> None:
    named = [code for code in _CODE.findall(row.object) if _OBJECT.match(code)]
    assert [code for code in named if not is_there(row.part, code)] == []


@pytest.mark.parametrize("row", OFFERED, ids=name_of)
def test_its_test_exists(row: Row) -> None:
    paths = _CODE.findall(row.test)
    assert paths and [path for path in paths if not (ROOT / path).exists()] == []


def test_what_is_not_there_would_be_noticed() -> None:
    part = next(iter(PARTS))
    assert not is_there(part, "DaemonSet/opentelemetry-collector-agent spec.none")
    assert not is_there(part, "Service/opentelemetry-collector spec.ports.port=1")
    assert not is_there(part, "config/none")
    assert mapping_at(objects(part)[-1], "service", "pipelines")
    assert not is_input("otlp_ingest: {none: 1}")
    assert not is_input("none: true")
