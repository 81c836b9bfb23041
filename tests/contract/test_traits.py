# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a type of component is stands in one table: of types that the catalogue knows, and repeated in no other file."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol import traits
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import SECTIONS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.traits import kind_of

from .source import files, nodes
from .test_catalogue_data import TABLES

TABLE = "plugins/module_utils/_otelcol/traits.py"

# What is called with the types that it is about: the decorator of a rule, and a row of a table.
ABOUT_TYPES = {"about", "HostRow"}
# Two processors have the names of parts of a record.
PARTS_OF_RECORDS = {"attributes", "resource"}


def kinds_by_section() -> dict[str, set[str]]:
    """Return the types of each section in any version of any build, without underscores."""
    found: dict[str, set[str]] = {section: set() for section in SECTIONS}
    for row in (*TABLES["components"], *TABLES["removals"]):
        found[row["section"]].update(kind_of(row[key]) for key in ("type", "was") if row.get(key))
    return found


KINDS = kinds_by_section()


def texts_of(value: ast.AST) -> list[str]:
    """Return the items of a collection that consists of texts alone."""
    if not isinstance(value, (ast.List, ast.Set, ast.Tuple)):
        return []
    texts = [item.value for item in value.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return texts if len(texts) == len(value.elts) else []


def lists_types(value: ast.AST) -> bool:
    """Whether a value lists two or more types of one section and nothing else: they have a trait in common."""
    kinds = {kind_of(text) for text in texts_of(value)}
    if kinds == PARTS_OF_RECORDS:
        return False
    return len(kinds) > 1 and any(kinds <= known for known in KINDS.values())


def type_lists(found: Iterable[ast.AST]) -> Iterator[int]:
    """Yield the lines of lists of types, but for those that say what a rule or a row is about."""
    named_types = {id(inner) for node in found if names_its_types(node) for inner in ast.walk(node)}
    for node in found:
        if isinstance(node, ast.expr) and id(node) not in named_types and lists_types(node):
            yield node.lineno


def names_its_types(node: ast.AST) -> bool:
    """Whether a node says which types a rule or a row of a table is about."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ABOUT_TYPES


def test_no_other_file_lists_the_types_that_have_a_trait() -> None:
    listed = {path: list(type_lists(nodes(path))) for path in files("plugins/*.py") if path != TABLE}
    assert len(listed) > 1
    assert {path: lines for path, lines in listed.items() if lines} == {}


@pytest.mark.parametrize(
    "text",
    [
        'A = ("debug", "logging")',
        'A: tuple[str, ...] = ("forward", "round_robin")',
        'A = frozenset(("hostmetrics", "kubelet_stats"))',
        'A = {"extensions": ("pprof", "zpages")}',
        'def prints(kind): return kind in {"debug", "logging"}',
    ],
)
def test_a_list_of_types_would_be_noticed(text: str) -> None:
    assert list(type_lists(list(ast.walk(ast.parse(text))))) == [1]


@pytest.mark.parametrize(
    "text",
    [
        'A = ("debug",)',
        'A = ("queue_batch", "queuebatch")',
        'A = ("debug", "info")',
        'A = {"debug": 1, "logging": 2}',
        'A = ("attributes", "resource")',
        'A = HostRow(("mysql", "redis"), 1)',
    ],
)
def test_other_tables_are_none(text: str) -> None:
    assert list(type_lists(list(ast.walk(ast.parse(text))))) == []


@pytest.mark.parametrize(("section", "kind"), traits.list_known_types())
def test_each_row_is_about_a_type_that_a_release_had(section: str, kind: str) -> None:
    assert kind in KINDS[section]
    assert traits.traits_of(section, kind)


def test_each_trait_belongs_to_a_type() -> None:
    having = {trait for section, kind in traits.list_known_types() for trait in traits.traits_of(section, kind)}
    assert having == set(traits.Trait)


def test_no_observer_and_no_storage_of_the_catalogue_is_forgotten() -> None:
    for kind in KINDS["extensions"]:
        if kind.endswith("observer"):
            assert traits.Trait.STANDS_ALONE in traits.traits_of("extensions", kind), kind
