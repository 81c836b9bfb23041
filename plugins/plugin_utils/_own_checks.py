# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that a user adds to the diagnosis: rows of the option `checks`. Controller only. Private.

A row has an expression of JMESPath over the facts of a collector, and a message with fields of what that finds.
`_diagnose.py` calls `parse_own_check`. For example (docs/diagnose.md has more):

    {id: old-image, find: "pods[?image == 'a:1']", message: "pod {name} runs {image}", fix: "Update it."}
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._diagnose.diagnose_checks import SEVERITIES, STAGES, Check
from ..module_utils._otelcol.errors import Problem, suggest_word
from ._otelcol import _jmespath

_CHECK_KEYS = ("id", "find", "message", "fix", "severity", "stage")
_DEFAULT_SEVERITY = "warning"
# The stage of checks that come after those of this collection.
_DEFAULT_STAGE = "own"
# What may stand after `!` in a field. Source: the format string syntax of Python.
_CONVERSIONS = (None, "a", "r", "s")


def parse_own_check(row: Any) -> Check:
    """Return a check of a user. Raises Problem if it is invalid, with its id as the place."""
    if not _has_required_texts(row):
        raise Problem(f"'{row}' is not a check", where="checks", fix="Write `id`, `find` and `message`.")
    place = f"checks: {row['id']}"
    for key in row:
        if key not in _CHECK_KEYS:
            raise Problem(f"a check has no '{key}'{suggest_word(str(key), _CHECK_KEYS)}", where=place)
    severity = row.get("severity") or _DEFAULT_SEVERITY
    stage = row.get("stage") or _DEFAULT_STAGE
    _check_choice(severity, SEVERITIES, place)
    _check_choice(stage, STAGES, place)
    message, fix = row["message"], str(row.get("fix") or "")
    _check_format((message, fix), place)
    _jmespath.check_expression(row["find"], place)
    return Check(
        id=row["id"],
        find_expression=row["find"],
        message_template=message,
        fix_template=fix,
        stage=stage,
        severity=severity,
    )


def _has_required_texts(row: Any) -> bool:
    """Whether a check has all that it needs, as text."""
    if not isinstance(row, Mapping):
        return False
    return all(isinstance(row.get(key), str) for key in ("id", "find", "message"))


def _check_choice(value: Any, choices: Sequence[str], place: str) -> None:
    """Raise Problem for a value that is none of the choices."""
    if value not in choices:
        raise Problem(f"'{value}' is not one of {', '.join(choices)}", where=place)


def _check_format(texts: Sequence[str], place: str) -> None:
    """Raise Problem for a text whose braces are no fields, or whose conversion Python does not have."""
    for text in texts:
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            fix = "Write {{ and }} for braces."
            raise Problem(f"its message cannot be rendered: {error}", where=place, fix=fix) from error
        for _literal, _field_name, _format_spec, conversion in parts:
            if conversion not in _CONVERSIONS:
                problem = f"its text '{text}' has the conversion '!{conversion}', which there is not"
                raise Problem(problem, where=place, fix="Use !s, !r or !a, or none.")
