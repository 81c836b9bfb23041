# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Instrumentation Score of a service: the weight of the rules that it keeps, of all that are answered. Private.

`score_rules.py` has the rules, and answers each of them from what a capture has of a service. A rule that the capture
cannot answer does not count. Example: with one rule of impact Normal (20) broken and five of Important (30) kept, the
score is 100 * 150 / 170.

Source: the specification of the Instrumentation Score, version 0.1, at github.com/instrumentation-score/spec: the
weights of impacts, the formula and the categories.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .captured_records import ReadableValues
from .rule_answer import RuleAnswer, RuleOutcome
from .score_rules import RULES, ScoreRule
from .service_summary import ServiceSummary

WEIGHTS = {"Critical": 40, "Important": 30, "Normal": 20, "Low": 10}
"""The weight of each impact that a rule may have."""


class _Category(NamedTuple):
    """The name of a category, and the points from which a score is of it."""

    least_points: int
    name: str


# The best category first.
CATEGORIES = (
    _Category(90, "Excellent"),
    _Category(75, "Good"),
    _Category(50, "Needs Improvement"),
    _Category(0, "Poor"),
)


@dataclass(frozen=True)
class AnsweredRule:
    """A rule, and what the capture says of it for a service."""

    rule: ScoreRule
    answer: RuleAnswer


@dataclass(frozen=True)
class Score:
    """The score of a service."""

    service: str
    """The name of the service; empty for telemetry without service.name."""
    points: float | None
    """From 0 to 100; None if the capture answers no rule."""
    answered_rules: tuple[AnsweredRule, ...]

    @property
    def category(self) -> str:
        """The category of the score; empty without a score."""
        if self.points is None:
            return ""
        return next(category.name for category in CATEGORIES if self.points >= category.least_points)

    def list_rules(self, outcome: RuleOutcome) -> list[AnsweredRule]:
        """Return the rules with an outcome, such as those that are broken."""
        return [answered_rule for answered_rule in self.answered_rules if answered_rule.answer.outcome is outcome]


def compute_score(service: str, summary: ServiceSummary, readable: ReadableValues) -> Score:
    """Return the score of a service by the formula of the specification, over the rules that are answered."""
    answered_rules = tuple(AnsweredRule(rule, rule.answer_for_service(summary, readable)) for rule in RULES)
    kept_weight = 0
    answered_weight = 0
    for answered_rule in answered_rules:
        weight = WEIGHTS[answered_rule.rule.impact]
        if answered_rule.answer.outcome is RuleOutcome.KEPT:
            kept_weight += weight
        if answered_rule.answer.outcome is not RuleOutcome.UNANSWERED:
            answered_weight += weight
    points = 100 * kept_weight / answered_weight if answered_weight else None
    return Score(service, points, answered_rules)
