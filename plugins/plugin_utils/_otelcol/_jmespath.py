# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library jmespath, and expressions that users write. Controller only. Private."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ...module_utils._otelcol.errors import Problem


def library() -> Any:
    """Return the library. Raises Problem if the controller lacks it."""
    try:
        return importlib.import_module("jmespath")
    except ImportError as error:
        fix = f"Run: {sys.executable} -m pip install jmespath"
        raise Problem("the Python library jmespath is missing on the controller", fix=fix) from error


def check(expression: str, where: str) -> None:
    """Raise Problem if an expression is invalid."""
    jmespath = library()
    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        fix = "See https://jmespath.org for the language."
        raise Problem(f"invalid JMESPath: {error}", asked=expression, where=where, fix=fix) from error
    except RecursionError as error:
        wrong = f"this JMESPath of {len(expression)} characters nests too deep"
        raise Problem(wrong, where=where, fix="Write it with fewer levels.") from error
