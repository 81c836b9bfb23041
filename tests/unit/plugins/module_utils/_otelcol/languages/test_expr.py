# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of log operators; tests/integration/values.yml asks the real Collector for the same."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.expr import find_expression_fault

from tests.support.growth import SLOW, measure_growth


@pytest.mark.parametrize(
    ("text", "start", "why"),
    [
        ("body == 'a", 8, "does not end"),
        ("body = 'a'", 5, "`==` does"),
        ("body ===", 7, "`==` does"),
        ("body startsWit 'a'", 0, "missing after `body`"),
        ("(body == 'a'", 0, "`(` is never closed"),
        ("body == 'a')", 11, "`)` closes nothing"),
        ("[1, 2)", 5, "`)` closes nothing"),
        ("a == 1 &&", 7, "nothing follows `&&`"),
        ("body matches", 5, "nothing follows `matches`"),
        (r"body matches '\d+'", 14, "is no escape"),
        ("a @ b", 2, "no meaning"),
        ("a =~ b", 3, "no meaning"),
        ("true and 5", 5, "`and` takes a truth value, not a number"),
        ("body matches 5", 5, "`matches` takes text, not a number"),
        ("len(body) > 'x'", 10, "two values of a type, not a number and text"),
        ("len(5) == 1", 4, "`len` takes text here, not a number"),
        ("split(body)[0] == 'a'", 0, "takes 2 to 3 values, not 1"),
        ("1 in 2", 2, "looks into a list"),
        ("-'a' == 5", 0, "takes a number, not text"),
        ("not body matches 'a'", 9, "`matches` takes text, not a truth value"),
        ("5 ? a : b", 0, "a condition is a truth value"),
        ("body > nil", 5, "not nil"),
        ("a == b .", 8, "missing at the end"),
        ("a && && b", 5, "cannot stand here"),
        ("a[1, 2]", 3, "cannot stand here"),
        ("foo(,)", 4, "cannot stand here"),
        ("body not matches '('", 17, "Go refuses"),
        (r"body matches '\\d(' and true", 13, "Go refuses"),
    ],
)
def test_what_is_not_compiled(text: str, start: int, why: str) -> None:
    found = find_expression_fault(text)
    assert found
    assert (found.start, why in found.reason, found.is_regex_fault) == (start, True, "Go" in why)


@pytest.mark.parametrize("text", ["5", "'x'", "len(body)", "body == 1 ? 'a' : 'b'"])
def test_what_is_no_truth_value(text: str) -> None:
    assert find_expression_fault(text) is None
    assert find_expression_fault(text, must_be_truth_value=True) == (
        0,
        "this is no truth value; compare it with something",
        False,
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "true", "not a", "attributes.in == 1", "a.matches", "a?.b ?? 'c'", "body | len() > 3", "a ? b : c"),
        *("body in ['a', \"b\"] && {'a': 1, b: 2}.a == 1", "filter([1,2], # > 1) != []", ".5 < 1.5e-3", "1..3 == []"),
        *(r"body matches `\d+` || body matches '^\\d'", "body matches '(' + ')'", r"'it\'s' == body", "body == b'x'"),
        *("let x = 1; x == 1", "if a { true } else { false }", "a // it's", "a /* ( */", "é == 'ß'", "any(a, .b == 1)"),
        *("body matches ('(' + ')')", "a?.[0] == 1", "a ?: b", "$env['X'] != nil"),
    ],
)
def test_what_is_not_judged_or_right(text: str) -> None:
    assert find_expression_fault(text) is None


@pytest.mark.parametrize("part", ["(", "a = ", "'\\", "/*", "a.", "matches '('+", "`", "let x = 1;"])
def test_the_time_is_linear(part: str) -> None:
    assert measure_growth(find_expression_fault, part * 5_000, part * 20_000) < SLOW


@pytest.mark.parametrize(
    ("part", "end"), [("not ", "true"), ("!", "true"), ("-", "1"), ("1 ** ", "1"), ("1^", "1"), ("(", "1")]
)
def test_what_nests_too_deep_is_not_judged(part: str, end: str) -> None:
    closing = ")" * 3_000 if part == "(" else ""
    assert find_expression_fault(part * 3_000 + end + closing) is None


def test_what_nests_less_deep_is_judged() -> None:
    broken = find_expression_fault("-" * 15 + "1 ** " * 15 + "true")
    assert broken
    assert "`**` takes a number" in broken.reason
    assert find_expression_fault(" and ".join(["not not true"] * 100) + " and 5")
