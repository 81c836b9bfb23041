# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath's search in objects, for expressions of the user and of tables. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._kube.live.libraries import import_library
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Problem

Search = Callable[[str, Any], Any]


def compile_search(ready_expressions: dict[str, str]) -> Search:
    """Return JMESPath's search. Raises Problem if an expression of `ready_expressions` is invalid."""
    jmespath = import_library("jmespath")
    compiled_expressions: dict[str, Any] = {}
    for kind, expression in ready_expressions.items():
        if not isinstance(expression, str):
            wrong = f"an expression is text, not {mask_and_clean(str(expression))}"
            raise Problem(wrong, where=f"until.{kind}", fix="See https://jmespath.org for the language.")
        try:
            compiled_expressions[expression] = _compile_expression(jmespath, expression)
        except jmespath.exceptions.JMESPathError as error:
            fix = "See https://jmespath.org for the language."
            raise Problem(f"invalid JMESPath: {error}", asked=expression, where=f"until.{kind}", fix=fix) from error

    def search(expression: str, data: Any) -> Any:
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

    jmespath 1.0.0 empties a part of its full cache in a way that Python 3.11 and later refuse with a TypeError.
    """
    jmespath.parser.Parser.purge()
    return jmespath.compile(expression)
