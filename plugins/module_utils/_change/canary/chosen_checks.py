# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of one change: those of canary_checks.py that the user has not left out, and the user's own. Private.

The user writes both to the list `change.judge`: a text such as `log_errors` leaves out the check of that name, and a
mapping with `id`, `find` and `text` is a check of the user's own. `live/canary.py` runs the checks. For example:

    judge: [log_errors, {id: slow, find: "exports[?queue_percent > `50`]", text: "{about}: its queue is half full"}]
    → all checks but `log_errors`, and the check `slow`
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..._diagnose.diagnose_checks import Check
from ..._otelcol.errors import Problem, suggest_word
from .canary_checks import CHECK_NAMES, CHECKS

# The keys that a user's own check may have, and those that it must have. `grows` is the growing field.
_CHECK_KEYS = ("id", "find", "text", "fix", "grows")
_NEEDED_KEYS = ("id", "find", "text")
_judge_problem = partial(Problem, asked="Judge the change", where="change.judge")


def choose_checks(judge: Sequence[Any], compiles: Callable[[str], Any] = lambda _find: None) -> tuple[Check, ...]:
    """Return the checks that `judge` leaves, with the user's own. Raises Problem for an invalid entry of `judge`.

    `compiles` takes an expression, and raises Problem if it is no JMESPath. By default, expressions are not tried.
    """
    left_out_names = [name for name in judge if isinstance(name, str)]
    for name in left_out_names:
        if name not in CHECK_NAMES:
            raise _judge_problem(
                f"'{name}' is not a check{suggest_word(name, CHECK_NAMES)}",
                fix=f"The checks are {', '.join(CHECK_NAMES)}.",
            )
    own_checks = [_build_own_check(row, compiles) for row in judge if not isinstance(row, str)]
    _refuse_duplicate_ids(own_checks)
    kept_checks = [check for check in CHECKS if check.id not in left_out_names]
    return (*kept_checks, *own_checks)


def _refuse_duplicate_ids(own_checks: Sequence[Check]) -> None:
    """Raise Problem if two checks have one name."""
    counts = Counter([*CHECK_NAMES, *(check.id for check in own_checks)])
    for check in own_checks:
        if counts[check.id] > 1:
            raise _judge_problem(f"there are two checks '{check.id}'", fix="Rename yours.")


def _build_own_check(row: Any, compiles: Callable[[str], Any]) -> Check:
    """Return a user's own check, given an entry of `judge`. Raises Problem if the entry is no valid check."""
    fix = "Write a row with `id`, `find` and `text`, and the names of checks to leave out to `skip_checks`."
    if not _is_check_row(row):
        raise _judge_problem(f"{json.dumps(row, default=str)} is neither a name nor a row", fix=fix)
    where = f"change.judge: {row['id']}"
    for key in map(str, row):
        if key not in _CHECK_KEYS:
            raise _judge_problem(f"a row has no '{key}'{suggest_word(key, _CHECK_KEYS)}", where=where, fix=fix)
    message_template, fix_template = row["text"], str(row.get("fix") or "")
    _refuse_bad_braces((message_template, fix_template), where)
    compiles(row["find"])
    return Check(
        id=row["id"],
        find_expression=row["find"],
        message_template=message_template,
        fix_template=fix_template,
        growing_field=str(row.get("grows") or ""),
    )


def _refuse_bad_braces(templates: Sequence[str], where: str) -> None:
    """Raise Problem for a text in which a brace does not belong to a {field}."""
    try:
        for template in templates:
            list(string.Formatter().parse(template))
    except ValueError as error:
        raise _judge_problem(str(error), where=where, fix="Write {{ and }} for braces.") from error


def _is_check_row(row: Any) -> bool:
    """Return whether a row has the texts that a check needs."""
    if not isinstance(row, Mapping):
        return False
    return all(isinstance(row.get(key), str) for key in _NEEDED_KEYS)
