# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on a host runs with Python 3.8: its syntax, and what its standard library had then."""

from __future__ import annotations

import ast
import collections.abc
from collections.abc import Iterator
from functools import cache

import pytest

from .source import imports, text, tree

DOORS = tuple(f"plugins/modules/{name}.py" for name in ("host_apply", "host_check", "host_diagnose", "host_wave"))
# What came after 3.8. Annotations do not count: `from __future__ import annotations` leaves them unread.
LATER_METHODS = {"removeprefix", "removesuffix", "readlink", "is_relative_to", "with_stem", "hardlink_to", "bit_count"}
LATER_MODULES = {"zoneinfo", "graphlib", "tomllib"}
LATER_NAMES = {"pairwise", "batched", "cache", "aclosing", "chdir", "StrEnum", "Self", "ParamSpec", "TypeAlias", "lcm"}
# What Python 3.8 does not index where it is evaluated, such as in a name for a type.
NOT_INDEXED = {"list", "dict", "tuple", "set", "frozenset", "type", *collections.abc.__all__}


@cache
def on_a_host() -> list[str]:
    """Return the files that the modules bring to a host."""
    found, todo = [], [*DOORS]
    while todo:
        path = todo.pop()
        if path not in found:
            found.append(path)
            todo += [f"{name}.py" for name in map(_own, imports(path)) if name.startswith("plugins/")]
    return sorted(found)


def _own(module: str) -> str:
    """Return a module of this collection as a path; a module imports it by its full name."""
    full = "ansible_collections.o11y.opentelemetry."
    return module[len(full) :].replace(".", "/") if module.startswith(full) else module


def too_new(path: str) -> Iterator[str]:
    """Yield what Python 3.8 does not have."""
    found = tree(path)
    lazy = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in found.body)
    if not lazy:
        yield "no `from __future__ import annotations`"
    annotations = set(_annotations(found))
    for node in ast.walk(found):
        if id(node) not in annotations and (what := _later(node)):
            yield f"{what} in line {getattr(node, 'lineno', 0)}"


def _annotations(found: ast.AST) -> Iterator[int]:
    """Yield the nodes of annotations."""
    for node in ast.walk(found):
        for name in ("annotation", "returns"):
            note = getattr(node, name, None)
            if isinstance(note, ast.AST):
                yield from map(id, ast.walk(note))


def _later(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        is_of_os = (
            isinstance(node.value, ast.Name) and node.value.id == "os"
        )  # `os.readlink` is old, `Path.readlink` is not
        return node.attr if node.attr in LATER_METHODS and not is_of_os else ""
    if isinstance(node, ast.alias):
        return node.name if node.name in LATER_NAMES | LATER_MODULES else ""
    if isinstance(node, ast.Call):
        return "strict of zip" if any(word.arg == "strict" for word in node.keywords) else ""
    return _later_form(node)


def _later_form(node: ast.AST) -> str:
    """Return a type that is indexed, or joined by `|`, where it is evaluated."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return f"{node.value.id}[…]" if node.value.id in NOT_INDEXED else ""
    is_union = isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
    return "`|` of a dict or a type" if is_union and not ast.unparse(node).startswith(("os.", "fcntl.")) else ""


@pytest.mark.parametrize("path", on_a_host())
def test_a_file_that_runs_on_a_host_runs_with_python_38(path: str) -> None:
    ast.parse(text(path), feature_version=(3, 8))
    assert list(too_new(path)) == []


def test_files_of_the_host_and_no_others_are_brought() -> None:
    rooms = {path.split("/")[2] for path in on_a_host() if path.startswith("plugins/module_utils/")}
    assert rooms == {"_host_change", "_otelcol"}
    third = {
        name for path in on_a_host() for name in imports(path) if name.startswith(("yaml", "jmespath", "ansible."))
    }
    assert third == {"ansible.module_utils.basic"}


def test_what_is_too_new_is_noticed() -> None:
    assert list(too_new("plugins/module_utils/_otelcol/config/masking.py"))
