# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes that keep every file readable: a reader opens one file to follow one thing. Tests are as long as they need.

The sizes leave room for names and steps: ten lines that say what they do are better than five dense ones.

An exception has a reason, and goes when the file shrinks.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
import yaml

from .source import files, functions, text, tree

FILE, FUNCTION, MODULE, TASKS, TEMPLATE = 500, 60, 30, 40, 60

LARGE: dict[str, str] = {}
LONG: dict[str, str] = {}

PYTHON = files("plugins/*.py", "tests/*.py", "tools/*.py")
MODULES = files("plugins/modules/*.py")
DOCS = ("DOCUMENTATION", "EXAMPLES", "RETURN")


def lines(path: str) -> int:
    return len(text(path).splitlines())


def documented(path: str) -> int:
    """Return how many lines the documentation of a plugin has."""
    return sum(
        (node.end_lineno or 0) - node.lineno + 1
        for node in tree(path).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in DOCS
    )


def code(path: str) -> int:
    """Return how many lines of code a module has after its documentation."""
    last = max(
        (node.end_lineno or 0)
        for node in tree(path).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in DOCS
    )
    return sum(bool(line.strip()) for line in text(path).splitlines()[last:])


def test_a_python_file_fits_on_a_few_screens() -> None:
    long = {path: lines(path) for path in files("plugins/*.py", "tools/*.py") if lines(path) > FILE}
    long = {path: size - (documented(path) if path.startswith("plugins/") else 0) for path, size in long.items()}
    long = {path: size for path, size in long.items() if size > FILE and path not in LARGE}
    assert long == {}, "split them, or give a reason in LARGE"


def test_a_function_fits_on_one_screen() -> None:
    long = [
        f"{path}:{node.name}"
        for path in PYTHON
        for node in functions(tree(path))
        if (node.end_lineno or 0) - node.lineno >= FUNCTION
    ]
    assert [name for name in long if name not in LONG] == []


def test_a_module_is_a_doorway() -> None:
    assert {path: code(path) for path in MODULES if code(path) > MODULE} == {}


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        ("roles/*/tasks/*.yml", TASKS),
        ("roles/*/handlers/*.yml", TASKS),
        (":(glob)playbooks/*.yml", TASKS),
        ("playbooks/plays/*.yml", TASKS),
        ("playbooks/tasks/*.yml", TASKS),
        ("roles/*/recipes/*.j2", TEMPLATE),
    ],
)
def test_other_files_are_short(pattern: str, most: int) -> None:
    assert {path: lines(path) for path in files(pattern) if lines(path) > most} == {}


def test_exceptions_are_still_needed() -> None:
    assert [path for path in LARGE if path not in PYTHON or lines(path) <= FILE] == []
    assert all(reason.endswith(".") for reason in (*LARGE.values(), *LONG.values()))


# What holds steps. The rows of any other list may be a table.
STEPS = {"", "tasks", "pre_tasks", "post_tasks", "handlers", "roles", "block", "rescue", "always"}


def is_table(key: str, node: yaml.SequenceNode) -> bool:
    """Whether a list has several rows with the same keys."""
    names = [[name.value for name, _value in item.value] for item in node.value if isinstance(item, yaml.MappingNode)]
    alike = len(names) == len(node.value) and all(row == names[0] for row in names)
    return key not in STEPS and not node.flow_style and len(names) > 1 and alike


def in_braces(node: yaml.Node | None, key: str = "", is_row: bool = False) -> Iterator[int]:
    """Yield the line of each mapping in braces that has a key, and is no row of a table."""
    if isinstance(node, yaml.MappingNode):
        if node.flow_style and node.value and not is_row:
            yield node.start_mark.line + 1
        for name, value in node.value:
            yield from in_braces(value, name.value)
    elif isinstance(node, yaml.SequenceNode):
        table = is_table(key, node)
        for item in node.value:
            yield from in_braces(item, key, table)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("- name: Show it\n  vars: {a: 1}\n", [2]),
        ("- {name: Show it, debug: a}\n- {name: Show more, debug: b}\n", [1, 2]),
        ("- hosts: all\n  tasks:\n    - {name: Show it}\n    - {name: Show more}\n", [3, 4]),
        ("- block: [{name: Show it}]\n", [1]),
        ("- include_role:\n    apply: {tags: [a]}\n", [2]),
        ("- loop:\n    - {a: 1}\n", [2]),
        ("- loop:\n    - {a: 1}\n    - {b: 1}\n", [2, 3]),
        ("- loop:\n    - {a: 1}\n    - {a: 2}\n  when: a != {}\n  vars: {}\n  tags: [a]\n", []),
        ('- name: "{{ {1: 2} }}"  # {a: 1}\n', []),
    ],
)
def test_what_is_in_braces(written: str, found: list[int]) -> None:
    assert list(in_braces(yaml.compose(written))) == found


def test_tasks_are_in_block_style() -> None:
    """A task in braces saves lines, and is read one word after the other."""
    paths = files("roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "playbooks/*.yml")
    found = [f"{path}:{line}" for path in paths for line in in_braces(yaml.compose(text(path)))]
    assert found == []
