# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table constraints.json: the form of its rows, of the checks in them, and of the faults that checks find. Private.

Many components check their own settings when the Collector starts (`Validate` in their Go code). Each such check is a
row of _data/catalogue/constraints.json. For example, this row is about the settings of processor batch:

    {"at": "processors.batch", "positive": ["timeout"], "least": 0}

With `processors: {batch: {timeout: -1s}}`, users get this finding at `processors.batch.timeout`:

    error [out-of-range] 'timeout' cannot be negative, and it is -1s. Write a duration such as `10s`.

violated_constraints.py finds the settings that a row is about, and calls its checks. These files read the keys of a
row:

| key | read by | meaning |
|---|---|---|
| `at` | catalogue/constraint_places.py | the path of the settings that the row is about |
| `when`, `around` | row_conditions.py | the row counts if other settings have these values |
| `exact`, `certain`, `built` | row_certainty.py | the versions and pipelines in which the row is certain |
| `signals`, `measured`, `allocated`, `extensible` | violated_constraints.py | what else decides whether it counts |
| `rule` | violated_constraints.py | the rule that reports its faults |
| `fields` | setting_fields.py | the settings that exist there, if the decoder does not show them |
| others, such as `positive` | `CHECKS` and `OF_GIVEN` of each `…_checks.py`, stanza_… and text_patterns.py | a check |
| others, such as `least` | the check that it belongs to | an option of a check, described in the file of the check |

The value of a check's key is its operand: `["timeout"]` is the operand of `positive` above.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from ..catalogue.rows import Row
from ..config.paths import Path
from .rule_definitions import Fault

# The ids of the rules that report the faults, unless a row names another one by its key `rule`.
CONFLICTING_SETTINGS = "conflicting-settings"
FEATURE_GATE = "feature-gate"
IGNORED_SETTING = "ignored-setting"
INVALID_DURATION = "invalid-duration"
INVALID_REGEX = "invalid-regex"
MISSING_FIELD = "missing-field"
OUT_OF_RANGE = "out-of-range"
UNKNOWN_FIELD = "unknown-field"
UNKNOWN_OPERATOR = "unknown-operator"
UNKNOWN_VALUE = "unknown-value"

# The fix for a text that YAML reads as a list or a mapping, such as `[a-z]+` or `level: error`.
QUOTE_FIX = "Put the whole text in single quotes: YAML reads `: ` and a leading `[` or `{` as data."


class RuleFault(NamedTuple):
    """A fault, and the id of the rule that reports it."""

    rule: str
    fault: Fault


RuleFaults = Iterator[RuleFault]


class ConstraintCheck(Protocol):
    """The function behind a key of a row, such as `positive`."""

    def __call__(self, operand: Any, settings: Any, path: Path, row: Row, /) -> RuleFaults:
        """Yield the faults of settings.

        `operand` is the value of the key in the row. `settings` are those that the row is about, and `path` leads to
        them in the config: `("processors", "batch")`. `row` is the whole row, in which a check finds its options.
        """
