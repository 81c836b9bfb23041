# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suppressions in comments: which lines, rules and files they are for, and what is wrong with them."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import Finding
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.suppressing_comments import (
    read_suppressing_comments,
    split_by_suppressions,
)

from ...helpers import cases


def finding(line: int, rule: str = "bad-thing", file: str = "f") -> Finding:
    return Finding(Position(file, line, 1), "a.b", rule, "error", "bad")


@cases(
    "text, lines",
    ("a: 1  # o11y: ignore bad-thing so be it\nb: 1", [1]),
    ("  # o11y: ignore bad-thing so be it\nb: 1", [1, 2]),
    ("#o11y:ignore bad-thing so be it\nb: 1", [1, 2]),
    ("a: 1 # first # o11y: ignore bad-thing so be it", [1]),
    ("a: '#o11y'", []),
    ("a: x#o11y: ignore bad-thing no comment", []),
    ("a: 1 # o11y: ignored", []),
)
def test_a_comment_is_for_its_line_or_the_next(text: str, lines: list[int]) -> None:
    found = [finding(line) for line in (1, 2, 3)]
    kept, accepted, wrong = split_by_suppressions(found, read_suppressing_comments({"f": text}), ["bad-thing"])
    assert [(one.position.line, reason) for one, reason in accepted] == [(line, "so be it") for line in lines]
    assert len(kept) == 3 - len(lines)
    assert wrong == []


def test_a_comment_is_for_its_rule_and_its_file() -> None:
    given = read_suppressing_comments({"f": "a: 1 # o11y: ignore bad-thing x"})
    kept, accepted, wrong = split_by_suppressions(
        [finding(1, "other"), finding(1, file="g")], given, ["bad-thing", "other"]
    )
    assert (len(kept), accepted) == (2, [])
    assert [(one.rule, one.severity, str(one.position)) for one in wrong] == [("unused-suppression", "info", "f:1:6")]


@cases(
    "comment, message",
    ("bad-thing", "rule 'bad-thing' is ignored here without a reason"),
    ("bad-things x", "there is no rule 'bad-things'; did you mean 'bad-thing'?"),
    ("", "there is no rule ''"),
)
def test_a_comment_that_says_too_little_accepts_nothing(comment: str, message: str) -> None:
    kept, _accepted, wrong = split_by_suppressions(
        [finding(1)], read_suppressing_comments({"f": f"a: 1 # o11y: ignore {comment}"}), ["bad-thing"]
    )
    assert len(kept) == 1
    assert [(one.rule, one.severity, one.message) for one in wrong] == [("wrong-suppression", "warning", message)]
