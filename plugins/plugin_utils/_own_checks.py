# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that a user adds to the diagnosis: rows of the option `checks`. Controller only. Private."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._diagnose.diagnose_checks import SEVERITIES, STAGES, Check
from ..module_utils._otelcol.errors import Problem, near
from ._otelcol import _jmespath

_KEYS = ("id", "find", "message", "fix", "severity", "stage")
_SEVERITY, _STAGE = "warning", "own"


def own_check(item: Any) -> Check:
    """Return a check of a user. Raises Problem if it is invalid, with its id as the place."""
    if not _has_texts(item):
        raise Problem(f"'{item}' is not a check", where="checks", fix="Write `id`, `find` and `message`.")
    where = f"checks: {item['id']}"
    for key in item:
        if key not in _KEYS:
            raise Problem(f"a check has no '{key}'{near(str(key), _KEYS)}", where=where)
    severity = item.get("severity") or _SEVERITY
    stage = item.get("stage") or _STAGE
    _check_choice(severity, SEVERITIES, where)
    _check_choice(stage, STAGES, where)
    message, fix = item["message"], str(item.get("fix") or "")
    _check_format((message, fix), where)
    _jmespath.check(item["find"], where)
    return Check(item["id"], item["find"], message, fix, stage, severity)


def _has_texts(item: Any) -> bool:
    """Whether a check has all that it needs, as text."""
    if not isinstance(item, Mapping):
        return False
    return all(isinstance(item.get(key), str) for key in ("id", "find", "message"))


def _check_choice(value: Any, known: Sequence[str], where: str) -> None:
    if value not in known:
        raise Problem(f"'{value}' is not one of {', '.join(known)}", where=where)


def _check_format(texts: Sequence[str], where: str) -> None:
    """Raise Problem for a text whose braces are no fields."""
    try:
        for text in texts:
            list(string.Formatter().parse(text))
    except ValueError as error:
        fix = "Write {{ and }} for braces."
        raise Problem(f"its message cannot be rendered: {error}", where=where, fix=fix) from error
