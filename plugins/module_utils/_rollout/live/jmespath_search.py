# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath's search in objects, for expressions of the user and of tables. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._kube.live.api_errors import library
from ..._otelcol.config.masking import quoted
from ..._otelcol.errors import Problem

Search = Callable[[str, Any], Any]


def checked_search(until: dict[str, str]) -> Search:
    """Return JMESPath's search. Raises Problem if an expression of `until` is invalid."""
    jmespath = library("jmespath")
    compiled: dict[str, Any] = {}
    for kind, expression in until.items():
        if not isinstance(expression, str):
            wrong = f"an expression is text, not {quoted(str(expression))}"
            raise Problem(wrong, where=f"until.{kind}", fix="See https://jmespath.org for the language.")
        try:
            compiled[expression] = _compiled(jmespath, expression)
        except jmespath.exceptions.JMESPathError as error:
            fix = "See https://jmespath.org for the language."
            raise Problem(f"invalid JMESPath: {error}", asked=expression, where=f"until.{kind}", fix=fix) from error

    def search(expression: str, data: Any) -> Any:
        if expression not in compiled:
            compiled[expression] = _compiled(jmespath, expression)
        try:
            return compiled[expression].search(data)
        # Functions of jmespath raise more than its own errors, such as contains() of a number in a text.
        except (jmespath.exceptions.JMESPathError, ArithmeticError, TypeError, ValueError) as error:
            wrong = f"the expression does not fit the object: {error}"
            raise Problem(wrong, asked=expression, fix="Correct the expression.") from error

    return search


def _compiled(jmespath: Any, expression: str) -> Any:
    """Return a compiled expression.

    jmespath 1.0.0 empties a part of its full cache in a way that Python 3.11 and later refuse with a TypeError.
    """
    jmespath.parser.Parser.purge()
    return jmespath.compile(expression)
