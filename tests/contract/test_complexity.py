# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many ways lead through a function: each is something that a reader has to hold in mind.

radon counts them: branches, loops and handlers as ruff does, and also comprehensions with their conditions, conditional
expressions, boolean operators and lambdas. A dense line is no simpler than the loop that it stands for.
"""

from __future__ import annotations

import ast
from functools import cache

from radon.complexity import cc_visit_ast
from radon.visitors import Function

from .source import files, tree

MOST = 15

# Functions that are above the limit, as complex as they may be. The list only shrinks: write a function anew with
# named steps, then delete its row.
ABOVE: dict[str, int] = {}


@cache
def complexities() -> dict[str, int]:
    """Return the complexity of each function, by path and name."""
    return {
        f"{path}:{block.fullname}": block.complexity
        for path in files("plugins/*.py", "tests/*.py", "tools/*.py", "molecule/*.py")
        for block in cc_visit_ast(tree(path))
        if isinstance(block, Function)
    }


def test_a_function_has_few_ways_through_it() -> None:
    above = {name: ways for name, ways in complexities().items() if ways > ABOVE.get(name, MOST)}
    assert above == {}, f"write them with named steps, so that each has at most {MOST}"


def test_the_list_of_complex_functions_only_shrinks() -> None:
    assert [name for name in ABOVE if complexities().get(name, 0) <= MOST] == [], "delete these rows"


def test_comprehensions_conditionals_and_operators_count() -> None:
    dense = "def f(rows): return [row for row in rows if row and rows] if rows else None"
    (block,) = cc_visit_ast(ast.parse(dense))
    assert block.complexity == 5
