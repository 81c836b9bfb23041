# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of constraints.json, each taken apart once for a build: its conditions, and its checks with their operands.

constraints.py says what the keys of a row mean. Private.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..catalogue.rows import ANY_KEY, Row
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
from .constraints import Check, split_key
from .row_conditions import Condition, read_conditions

# These checks find nothing where none of their keys is given.
_CHECKS_OF_GIVEN = {
    **word_checks.OF_GIVEN,
    **presence_checks.OF_GIVEN,
    **number_checks.OF_GIVEN,
    **regex_checks.OF_GIVEN,
    **text_patterns.OF_GIVEN,
    **text_checks.OF_GIVEN,
    **address_checks.OF_GIVEN,
    **prometheus_checks.OF_GIVEN,
}
_CHECK_BY_NAME = {
    **_CHECKS_OF_GIVEN,
    **word_checks.CHECKS,
    **presence_checks.CHECKS,
    **number_checks.CHECKS,
    **prometheus_checks.CHECKS,
    **stanza_operators.CHECKS,
    **stanza_flow.CHECKS,
}


class Constraint(NamedTuple):
    """A row of the table, taken apart once for a build: its conditions, and its checks with what they ask for.

    Where none of the `needed_keys` is given, it finds nothing; without any it may.
    """

    constraint_row: Row
    needed_keys: frozenset[str]
    conditions: tuple[Condition, ...]
    surrounding_conditions: tuple[Condition, ...]
    checks: list[tuple[Check, Any]]


def make_constraint(row: Row) -> tuple[Constraint, str] | None:
    """Return a row taken apart, and the key without which it finds nothing; None if it has no checks."""
    check_names = [name for name in row if name in _CHECK_BY_NAME]
    if not check_names:
        return None
    needs_given_key = all(name in _CHECKS_OF_GIVEN for name in check_names)
    keys = _find_first_keys(row, check_names) if needs_given_key else frozenset[str]()
    checks = [(_CHECK_BY_NAME[name], row[name]) for name in check_names]
    only_key = next(iter(keys)) if len(keys) == 1 else ""
    return Constraint(row, keys, read_conditions(row), read_conditions(row, "around"), checks), only_key


def _find_first_keys(row: Row, check_names: list[str]) -> frozenset[str]:
    """Return the first keys that checks look at; none if one of them is any key."""
    keys: set[str] = set()
    for name in check_names:
        operands = [row[name]] if isinstance(row[name], str) else row[name]
        for operand in operands:
            keys.update(split_key(choice)[0] for choice in operand.split("|"))
    return frozenset() if ANY_KEY in keys else frozenset(keys)
