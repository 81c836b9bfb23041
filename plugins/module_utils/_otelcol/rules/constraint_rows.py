# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of constraints.json, each taken apart once for a build: its conditions, and its checks with their operands.

constraints.py says what the keys of a row mean. Private.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..catalogue.rows import ANY, Row
from . import (
    address_checks,
    number_checks,
    presence_checks,
    prometheus_checks,
    regex_checks,
    stanza_flow,
    stanza_operators,
    text_checks,
    text_patterns,
    word_checks,
)
from .constraints import Check, key_steps
from .row_conditions import Condition, conditions_of

# These checks find nothing where none of their keys is given.
_OF_GIVEN = {
    **word_checks.OF_GIVEN,
    **presence_checks.OF_GIVEN,
    **number_checks.OF_GIVEN,
    **regex_checks.OF_GIVEN,
    **text_patterns.OF_GIVEN,
    **text_checks.OF_GIVEN,
    **address_checks.OF_GIVEN,
    **prometheus_checks.OF_GIVEN,
}
_CHECKS = {
    **_OF_GIVEN,
    **word_checks.CHECKS,
    **presence_checks.CHECKS,
    **number_checks.CHECKS,
    **prometheus_checks.CHECKS,
    **stanza_operators.CHECKS,
    **stanza_flow.CHECKS,
}


class Constraint(NamedTuple):
    """A row of the table, taken apart once for a build: its conditions, and its checks with what they ask for.

    Where none of the `keys` is given, it finds nothing; without any it may.
    """

    row: Row
    keys: frozenset[str]
    when: tuple[Condition, ...]
    around: tuple[Condition, ...]
    checks: list[tuple[Check, Any]]


def constraint(row: Row) -> tuple[Constraint, str] | None:
    """Return a row taken apart, and the key without which it finds nothing; None if it has no checks."""
    names = [name for name in row if name in _CHECKS]
    if not names:
        return None
    finds_only_given = all(name in _OF_GIVEN for name in names)
    keys = _first_keys(row, names) if finds_only_given else frozenset[str]()
    checks = [(_CHECKS[name], row[name]) for name in names]
    only_key = next(iter(keys)) if len(keys) == 1 else ""
    return Constraint(row, keys, conditions_of(row), conditions_of(row, "around"), checks), only_key


def _first_keys(row: Row, names: list[str]) -> frozenset[str]:
    """Return the first keys that checks look at; none if one of them is any key."""
    keys: set[str] = set()
    for name in names:
        settings = [row[name]] if isinstance(row[name], str) else row[name]
        for setting in settings:
            keys.update(key_steps(choice)[0] for choice in setting.split("|"))
    return frozenset() if ANY in keys else frozenset(keys)
