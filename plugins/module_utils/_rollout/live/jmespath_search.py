# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath's search in objects, for expressions of the user and of tables. Private.

The user gives expressions in the option `until` of module rollout_wait: when an object of a kind counts as ready. They
are compiled before anything else happens, so that a mistake in one ends the task at once. Expressions of tables, such
as CHECKS of canary_checks.py, and of users' own checks are compiled when they are first searched with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..._kube.live.libraries import import_library
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Problem

# Takes an expression and the data to search in, and returns what JMESPath finds; None for nothing.
Search = Callable[[str, Any], Any]


def compile_search(ready_expressions: Mapping[str, str] | None = None) -> Search:
    """Return JMESPath's search, which raises Problem for an expression that does not fit its data.

    `ready_expressions` is the option `until`: expressions by the kind of object. A task without this option searches
    with expressions of tables alone. Raises Problem if an expression of the user is invalid.
    """
    jmespath = import_library("jmespath")
    compiled_expressions: dict[str, Any] = {}
    for kind, expression in (ready_expressions or {}).items():
        if not isinstance(expression, str):
            wrong = f"an expression is text, not {mask_and_clean(str(expression))}"
            raise Problem(wrong, where=f"until.{kind}", fix="See https://jmespath.org for the language.")
        try:
            compiled_expressions[expression] = _compile_expression(jmespath, expression)
        except jmespath.exceptions.JMESPathError as error:
            fix = "See https://jmespath.org for the language."
            raise Problem(f"invalid JMESPath: {error}", asked=expression, where=f"until.{kind}", fix=fix) from error

    def search(expression: str, data: Any) -> Any:
        """Return what an expression finds in some data. One of a table is compiled at its first search."""
        if expression not in compiled_expressions:
            compiled_expressions[expression] = _compile_expression(jmespath, expression)
        try:
            return compiled_expressions[expression].search(data)
        # Functions of jmespath raise more than its own errors, such as contains() of a number in a text.
        except (jmespath.exceptions.JMESPathError, ArithmeticError, TypeError, ValueError) as error:
            wrong = f"the expression does not fit the object: {error}"
            raise Problem(wrong, asked=expression, fix="Correct the expression.") from error

    return search


def _compile_expression(jmespath: Any, expression: str) -> Any:
    """Return a compiled expression.

    jmespath 1.0.0 keeps what it has compiled in a cache, and empties a part of the full cache in a way that Python 3.11
    and later refuse with a TypeError. So the cache is emptied first and never gets full; `compile_search` keeps the
    compiled expressions itself.
    """
    jmespath.parser.Parser.purge()
    return jmespath.compile(expression)
