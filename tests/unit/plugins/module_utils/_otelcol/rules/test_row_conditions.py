# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each notation of a condition, with values that meet it and values that do not."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.row_conditions import (
    has_required_values,
    read_conditions,
)

from tests.support.cases import cases

NOT_GIVEN = object()


def is_met(condition_text: str, value: Any) -> bool:
    conditions = read_conditions({"when": {"tls.mode": condition_text}})
    return has_required_values(conditions, {"tls": {} if value is NOT_GIVEN else {"mode": value}})


@cases(
    "condition_text, meeting_values, other_values",
    ("a|b", ["a", "b", ["c", "a"]], ["A", "c", "", None, ["c"], {}, NOT_GIVEN]),
    ("a|", ["a", "", None, [], {}, NOT_GIVEN], ["b", ["b"], {"a": 1}]),
    ("!a", ["b", "A", "", None, ["b"], {}, NOT_GIVEN], ["a", ["b", "a"]]),
    ("~a", ["a", "A"], ["b", ["A"]]),
    ("*", ["a", False, 0, ["a"], {"a": 1}], ["", None, [], {}, NOT_GIVEN]),
    ("!*", ["", NOT_GIVEN], ["a", False, None, [], {}]),
    ("{}", [{}, {"a": 1}, "{}"], ["", None, [], NOT_GIVEN]),
    ("null", [None, "null"], ["", {}, NOT_GIVEN]),
    ("true", [True, "true"], [False, "True", None, NOT_GIVEN]),
    ("false", [False], [True, None, NOT_GIVEN]),
    ("!false", [True, "", NOT_GIVEN], [False, None]),
    ("!0", [1, "", NOT_GIVEN], [0, None]),
)
def test_a_condition_says_what_a_setting_has_to_be(
    condition_text: str, meeting_values: list[Any], other_values: list[Any]
) -> None:
    assert [value for value in meeting_values if not is_met(condition_text, value)] == []
    assert [value for value in other_values if is_met(condition_text, value)] == []


@cases("condition_text", "a", "!a", "*", "!*", "a|")
def test_a_variable_meets_no_condition(condition_text: str) -> None:
    assert not is_met(condition_text, "${env:MODE}")
    assert not is_met(condition_text, {"a": "${env:MODE}"})
