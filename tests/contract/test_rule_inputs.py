# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules read of a subject and of its deployment is set by production code, and what is set is read by a rule."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache

import pytest

from .source import files, nodes, text, tree

RULES = "plugins/module_utils/_otelcol/rules"
SUBJECT = f"{RULES}/subject.py"
# What sets fields of a class beside a call with its name: a changed copy, and keywords that are collected beforehand.
COPIES = {"replace"}


@cache
def fields(name: str) -> tuple[str, ...]:
    """Return the fields of a class, in their order."""
    (found,) = (node for node in tree(SUBJECT).body if isinstance(node, ast.ClassDef) and node.name == name)
    return tuple(str(getattr(item.target, "id", "")) for item in found.body if isinstance(item, ast.AnnAssign))


def named(node: ast.AST) -> str:
    """Return the last name of an expression: `deployment` for `subject.deployment`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def holders(module_nodes: Iterable[ast.AST], name: str) -> set[str]:
    """Return the names that hold an instance of a class in a module: arguments, and what is assigned of a field."""
    found = {name.lower()}
    for node in module_nodes:
        if isinstance(node, ast.arg) and node.annotation and name in ast.unparse(node.annotation):
            found.add(node.arg)
        if isinstance(node, ast.ClassDef) and node.name == name:
            found.add("self")
        if isinstance(node, (ast.Assign, ast.NamedExpr)) and named(node.value) == name.lower():
            found.update(named(target) for target in targets(node))
    return found


def targets(node: ast.Assign | ast.NamedExpr) -> list[ast.expr]:
    """Return what an assignment sets: `a` and `b` of `a = b = 1`."""
    return node.targets if isinstance(node, ast.Assign) else [node.target]


@cache
def read(name: str) -> set[str]:
    """Return the fields of a class that the rules read."""
    found = set()
    for path in files(f"{RULES}/*.py"):
        held = holders(nodes(path), name)
        for node in nodes(path):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and named(node.value) in held:
                found.add(node.attr)
    return found & set(fields(name))


def given(call: ast.Call, name: str) -> Iterator[str]:
    """Yield the fields that a call sets: in their order, or by their names."""
    yield from fields(name)[: len(call.args)]
    yield from (keyword.arg for keyword in call.keywords if keyword.arg)


def spread(call: ast.Call, module_nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the keys of dictionaries of a module, if a call takes keywords that another function collects."""
    if any(keyword.arg is None for keyword in call.keywords):
        for node in module_nodes:
            if isinstance(node, ast.Dict):
                yield from (str(key.value) for key in node.keys if isinstance(key, ast.Constant))


@cache
def set_by_production(name: str) -> set[str]:
    """Return the fields of a class that any plugin sets."""
    found: set[str] = set()
    for path in files("plugins/*.py"):
        made = [call for call in calls(path) if named(call.func) == name]
        for call in made:
            found.update(given(call, name), spread(call, nodes(path)))
        if made or f"{name.lower()}(" in text(path):
            found.update(set_in_copies(path))
    return found & set(fields(name))


def calls(path: str) -> list[ast.Call]:
    return [node for node in nodes(path) if isinstance(node, ast.Call)]


def set_in_copies(path: str) -> Iterator[str]:
    """Yield the fields that a file sets in changed copies."""
    for call in calls(path):
        if named(call.func) in COPIES:
            yield from (keyword.arg for keyword in call.keywords if keyword.arg)


@pytest.mark.parametrize("name", ["Deployment", "Subject"])
def test_what_rules_read_is_set_and_what_is_set_is_read(name: str) -> None:
    assert (read(name) - set_by_production(name), set_by_production(name) - read(name)) == (set(), set())
    assert set(fields(name)) - read(name) == set(), "no rule reads these fields: remove them"


def test_the_fields_are_found_in_the_sources() -> None:
    assert {"mode", "replicas", "asks_for_storage"} <= read("Deployment") & set_by_production("Deployment")
    assert {"config", "printers_by_exporter", "variable_names"} <= read("Subject") & set_by_production("Subject")
    assert "nobody" not in set_by_production("Deployment")
