# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Instrumentation Score of a service: how many of the rules that a capture can answer its telemetry keeps. Private.

Source: the specification of the Instrumentation Score, version 0.1, at github.com/instrumentation-score/spec: the
weights of impacts, the formula and the categories. A rule that a capture cannot answer does not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .captured_records import ReadableValues
from .score_rules import RULES, ScoreRule, ScoreVerdict
from .service_facts import ServiceFacts

WEIGHTS = {"Critical": 40, "Important": 30, "Normal": 20, "Low": 10}
# The least points of each category, the best first.
CATEGORIES = ((90, "Excellent"), (75, "Good"), (50, "Needs Improvement"), (0, "Poor"))


@dataclass(frozen=True)
class AnsweredRule:
    """A rule and what it says of a service."""

    rule: ScoreRule
    verdict: ScoreVerdict


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
        return next(name for least_points, name in CATEGORIES if self.points >= least_points)

    def list_rules(self, kept: bool | None) -> list[AnsweredRule]:
        """Return the rules with a verdict: True for kept ones, False for broken ones, None for unanswered ones."""
        return [answered_rule for answered_rule in self.answered_rules if answered_rule.verdict.is_kept is kept]


def compute_score(service: str, facts: ServiceFacts, readable: ReadableValues) -> Score:
    """Return the score of a service by the formula of the specification, over the rules that are answered."""
    answered_rules = tuple(AnsweredRule(rule, rule.answer_for_service(facts, readable)) for rule in RULES)
    possible_weight = _sum_weights(
        answered_rule.rule for answered_rule in answered_rules if answered_rule.verdict.is_kept is not None
    )
    reached_weight = _sum_weights(
        answered_rule.rule for answered_rule in answered_rules if answered_rule.verdict.is_kept
    )
    return Score(service, 100 * reached_weight / possible_weight if possible_weight else None, answered_rules)


def _sum_weights(rules: Iterable[ScoreRule]) -> int:
    """Return the weights of rules together."""
    return sum(WEIGHTS[rule.impact] for rule in rules)
