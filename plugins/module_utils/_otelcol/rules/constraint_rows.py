# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns a row of constraints.json into its conditions and its checks, so that this is done once for a build. Private.

For example, the row `{"at": "exporters.otlp", "when": {"tls": "*"}, "needs": ["endpoint"]}` has one condition and one
check, `needs` with the operand `["endpoint"]`. constraints.py says what the keys of a row mean. setting_values.py calls
`make_constraint`, and runs the checks on settings.
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
from .constraints import ConstraintCheck
from .given_values import split_key
from .row_conditions import RowCondition, read_conditions

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
    """A row of constraints.json, taken apart into its conditions and checks."""

    constraint_row: Row
    needed_keys: frozenset[str]
    """Where none of these keys is given, the row finds nothing; if this is empty, it may find something anywhere."""
    conditions: tuple[RowCondition, ...]
    """On the settings at the place of the row: its key `when`."""
    surrounding_conditions: tuple[RowCondition, ...]
    """On the settings around the place: its key `around`."""
    checks: list[tuple[ConstraintCheck, Any]]
    """Each check with its operand."""


def make_constraint(row: Row) -> tuple[Constraint, str] | None:
    """Return a row taken apart, and the one key without which it finds nothing, empty if there is no such key.

    Returns None for a row without checks.
    """
    check_names = [name for name in row if name in _CHECK_BY_NAME]
    if not check_names:
        return None
    needs_given_key = all(name in _CHECKS_OF_GIVEN for name in check_names)
    needed_keys = _find_first_keys(row, check_names) if needs_given_key else frozenset[str]()
    only_key = next(iter(needed_keys)) if len(needed_keys) == 1 else ""
    constraint = Constraint(
        constraint_row=row,
        needed_keys=needed_keys,
        conditions=read_conditions(row, "when"),
        surrounding_conditions=read_conditions(row, "around"),
        checks=[(_CHECK_BY_NAME[name], row[name]) for name in check_names],
    )
    return constraint, only_key


def _find_first_keys(row: Row, check_names: list[str]) -> frozenset[str]:
    """Return the first steps of the keys that checks look at: `tls` of `tls.ca_file`; none if one may be any key."""
    keys: set[str] = set()
    for name in check_names:
        operands = [row[name]] if isinstance(row[name], str) else row[name]
        for operand in operands:
            keys.update(split_key(choice)[0] for choice in operand.split("|"))
    return frozenset() if ANY_KEY in keys else frozenset(keys)
