# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many ways lead through a function: each is something that a reader has to hold in mind.

radon counts them: branches, loops and handlers as ruff does, and also comprehensions with their conditions, conditional
expressions, boolean operators and lambdas. A dense line is no simpler than the loop that it stands for.

It counts each `assert` as a way too, since one may end the function. A list of asserts reads from top to bottom all the
same, so a test function may have a few more. What a test calls, such as a helper or a fixture, may not.
"""

from __future__ import annotations

import ast
from functools import cache

from radon.complexity import cc_visit_ast
from radon.visitors import Function

from .source import files, tree

MOST = 10
MOST_OF_TEST = 15


@cache
def complexities() -> dict[str, int]:
    """Return the complexity of each function, by path and name."""
    return {
        f"{path}:{block.fullname}": block.complexity
        for path in files("plugins/*.py", "tests/*.py", "tools/*.py", "molecule/*.py")
        for block in cc_visit_ast(tree(path))
        if isinstance(block, Function)
    }


def is_test(name: str) -> bool:
    """Whether a name of `complexities` is that of a test: `tests/unit/test_a.py:test_b`."""
    path, _colon, function = name.rpartition(":")
    return path.startswith(("tests/", "molecule/")) and function.startswith("test_")


def most_ways(name: str) -> int:
    """Return how many ways may lead through a function."""
    return MOST_OF_TEST if is_test(name) else MOST


def test_a_function_has_few_ways_through_it() -> None:
    above = {name: ways for name, ways in complexities().items() if ways > most_ways(name)}
    assert above == {}, "write them with named steps"


def test_a_test_may_have_more_asserts_and_nothing_else_may() -> None:
    assert most_ways("tests/unit/test_a.py:test_b") == MOST_OF_TEST
    assert most_ways("tests/unit/test_a.py:helper") == most_ways("tools/a.py:test_b") == MOST


def test_comprehensions_conditionals_and_operators_count() -> None:
    dense = "def f(rows): return [row for row in rows if row and rows] if rows else None"
    (block,) = cc_visit_ast(ast.parse(dense))
    assert block.complexity == 5
