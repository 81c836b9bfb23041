# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a row of constraints.json apart into its conditions and its checks, once for each build. Private.

For example, the row `{"at": "exporters.file", "when": {"append": "true"}, "none": ["rotation"]}` has one condition,
`append` has to be true, and one check: the function of the key `none`, with the operand `["rotation"]`. It finds
nothing in settings without the key `rotation`, so violated_constraints.py need not look at them. constraints.py has the
keys of rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..catalogue.constraint_places import KeyedConstraint
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

# The checks that find nothing where none of the keys in their operand is given.
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


class CheckWithOperand(NamedTuple):
    """A check of a row, and the value of its key in the row."""

    check: ConstraintCheck
    operand: Any


class Constraint(NamedTuple):
    """A row of constraints.json, taken apart into its conditions and checks."""

    constraint_row: Row
    needed_keys: frozenset[str]
    """Where none of these keys is given, the row finds nothing; if this is empty, it may find something anywhere."""
    conditions: tuple[RowCondition, ...]
    """Those of the key `when`: on the settings that the row is about."""
    outer_conditions: tuple[RowCondition, ...]
    """Those of the key `around`: on the settings that these are a part of."""
    checks: list[CheckWithOperand]


def make_constraint(row: Row) -> KeyedConstraint[Constraint] | None:
    """Return a row taken apart, as a `ConstraintMaker` of build_facts.py; None for a row without checks."""
    check_names = [name for name in row if name in _CHECK_BY_NAME]
    if not check_names:
        return None
    needs_given_key = all(name in _CHECKS_OF_GIVEN for name in check_names)
    needed_keys = _find_first_keys(row, check_names) if needs_given_key else frozenset[str]()
    # ConstraintPlaces indexes rows by it, so that most rows are not even looked at.
    only_key = next(iter(needed_keys)) if len(needed_keys) == 1 else ""
    constraint = Constraint(
        constraint_row=row,
        needed_keys=needed_keys,
        conditions=read_conditions(row, "when"),
        outer_conditions=read_conditions(row, "around"),
        checks=[CheckWithOperand(_CHECK_BY_NAME[name], row[name]) for name in check_names],
    )
    return KeyedConstraint(constraint, only_key)


def _find_first_keys(row: Row, check_names: list[str]) -> frozenset[str]:
    """Return the first steps of the keys that checks look at: `tls` of `tls.ca_file`; none if one may be any key.

    The operand of a check is a key, a list of keys, or a mapping by keys. A key may be alternatives: `ca_file|ca_pem`.
    """
    first_keys: set[str] = set()
    for name in check_names:
        operand = row[name]
        keys = [operand] if isinstance(operand, str) else operand
        for key in keys:
            first_keys.update(split_key(alternative)[0] for alternative in key.split("|"))
    return frozenset() if ANY_KEY in first_keys else frozenset(first_keys)
