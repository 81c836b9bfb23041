# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library jmespath, and expressions that users write. Controller only. Private.

Checks of diagnoses and tests of configs use the library as it is. Expressions of users' own rules (`_user_rules.py`)
are bounded: they may do a limited number of steps (`Budget` of user_rules.py), and raise Undecided if a config does not
fit them. An example: `build_bounded_search("length(spans)")` returns a function that returns 2 for
`{"spans": [{}, {}]}`, and raises `Undecided("length() does not take null; guard it, …")` for `{}`.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache, lru_cache
from typing import Any

from ...module_utils._otelcol.errors import Problem, suggest_word
from ...module_utils._otelcol.rules.user_rules import Budget, Expression, Undecided

# So many expressions stay parsed: more than all checks of diagnoses.
_CACHE_SIZE = 1_000


def load_library() -> Any:
    """Return the library. Raises Problem if the controller lacks it."""
    try:
        jmespath = importlib.import_module("jmespath")
    except ImportError as error:
        fix = f"Run: {sys.executable} -m pip install jmespath"
        raise Problem("the Python library jmespath is missing on the controller", fix=fix) from error
    # jmespath 1.0.0 empties a part of its full cache in a way that Python 3.11 and later refuse with a TypeError.
    jmespath.parser.Parser.purge()
    return jmespath


@lru_cache(_CACHE_SIZE)
def parse_expression(expression: str) -> Any:
    """Return an expression whose method `search` takes data. One that is invalid raises an error of the library.

    A diagnosis searches with the same checks for each collector, and to parse them takes longer than to search.
    """
    return load_library().compile(expression)


def check_expression(expression: str, where: str) -> None:
    """Raise Problem if an expression is invalid."""
    jmespath = load_library()
    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        fix = "See https://jmespath.org for the language."
        raise Problem(f"invalid JMESPath: {error}", asked=expression, where=where, fix=fix) from error
    except RecursionError as error:
        wrong = f"this JMESPath of {len(expression)} characters nests too deep"
        raise Problem(wrong, where=where, fix="Write it with fewer levels.") from error


# The limits of an expression of a rule: its characters, the steps that it may take for a config, and the items of a
# list in between. They bound time and memory, since what could multiply its input is not allowed: multiselects, `join`,
# `to_string`.
_LONGEST_EXPRESSION = 1_000
_MOST_STEPS = 100_000
_LONGEST_LIST = 10_000
# What multiplies its input, by the library's name, as people write it.
_MULTIPLYING_NODES = {"multi_select_list": "[a, b]", "multi_select_dict": "{a: b}"}
_ALLOWED_FUNCTIONS = (
    "abs", "avg", "ceil", "contains", "ends_with", "floor", "keys", "length", "map", "max", "max_by", "min", "min_by",
    "not_null", "reverse", "sort", "sort_by", "starts_with", "sum", "to_array", "to_number", "type", "values",
)  # fmt: skip


def build_bounded_search(expression: str) -> Expression:
    """Return a function that computes an expression with bounded time and memory. Raises Problem if it is invalid.

    The function raises Undecided, with a reason that quotes no value, where the expression fits no value or takes too
    long.
    """
    if len(expression) > _LONGEST_EXPRESSION:
        raise Problem(f"the expression has more than {_LONGEST_EXPRESSION} characters", fix="Write several rules.")
    check_expression(expression, "")
    jmespath = load_library()
    tree = jmespath.compile(expression).parsed
    _check_nodes(tree)
    interpreter_class = _bounded_interpreter_class()

    def compute(value: Any, budget: Budget) -> Any:
        try:
            return interpreter_class(budget).visit(tree, value)
        except jmespath.exceptions.JMESPathTypeError as error:
            wrong = f"{error.function_name}() does not take {error.actual_type}"
            raise Undecided(f"{wrong}; guard it, such as `x && {error.function_name}(x)`") from None
        except jmespath.exceptions.JMESPathError as error:
            raise Undecided(type(error).__name__) from None
        except RecursionError:
            raise Undecided("the expression nests too deep") from None
        except TypeError:  # such as `timeout > 5` where a timeout is a text
            raise Undecided("it compares or searches values of different types") from None
        except (ArithmeticError, ValueError):  # such as ceil() of a number that is too large, or a step of 0
            raise Undecided("a function or a slice does not take one of its numbers") from None

    return compute


def _check_nodes(tree: Any) -> None:
    """Raise Problem for a part of an expression that could multiply its input, or a function that does not exist."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        kind, name = node["type"], node.get("value")
        if kind in _MULTIPLYING_NODES:
            wrong = f"a rule cannot use `{_MULTIPLYING_NODES[kind]}`, which could multiply its input without end"
            raise Problem(wrong, fix="Write the conditions with `&&` and `||`, or several rules.")
        if kind == "function_expression" and name not in _ALLOWED_FUNCTIONS:
            wrong = f"a rule cannot use the function '{name}'{suggest_word(str(name), _ALLOWED_FUNCTIONS)}"
            raise Problem(wrong, fix=f"Functions: {', '.join(_ALLOWED_FUNCTIONS)}.")
        nodes += [child for child in node["children"] if isinstance(child, dict)]


@cache
def _bounded_interpreter_class() -> Any:
    """Return the library's interpreter with limits; a new instance counts anew."""

    library_interpreter: Any = importlib.import_module("jmespath.visitor").TreeInterpreter

    class BoundedInterpreter(library_interpreter):  # type: ignore[misc]  # the library is imported late
        def __init__(self, budget: Budget) -> None:
            super().__init__()
            self.steps_left, self.budget = _MOST_STEPS, budget

        def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
            self.steps_left -= 1
            self.budget.spend_steps(1)
            answer = super().visit(node, *args, **kwargs)
            if self.steps_left < 0 or (isinstance(answer, list) and len(answer) > _LONGEST_LIST):
                raise Undecided(f"it takes more than {_MOST_STEPS} steps, or a list of more than {_LONGEST_LIST} items")
            return answer

    return BoundedInterpreter
