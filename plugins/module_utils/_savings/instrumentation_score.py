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

from .captured_records import Readable
from .score_rules import RULES, Rule, Verdict
from .service_facts import ServiceFacts

WEIGHTS = {"Critical": 40, "Important": 30, "Normal": 20, "Low": 10}
# The least points of each category, the best first.
CATEGORIES = ((90, "Excellent"), (75, "Good"), (50, "Needs Improvement"), (0, "Poor"))


@dataclass(frozen=True)
class Answered:
    """A rule and what it says of a service."""

    rule: Rule
    verdict: Verdict


@dataclass(frozen=True)
class Score:
    """The score of a service, from 0 to 100; None if no rule is answered."""

    service: str
    points: float | None
    answered: tuple[Answered, ...]

    @property
    def category(self) -> str:
        """The category of the score; empty without a score."""
        if self.points is None:
            return ""
        return next(name for least, name in CATEGORIES if self.points >= least)

    def of(self, kept: bool | None) -> list[Answered]:
        """Return the rules with a verdict."""
        return [answered for answered in self.answered if answered.verdict.kept is kept]


def score_of(service: str, facts: ServiceFacts, readable: Readable) -> Score:
    """Return the score of a service by the formula of the specification, over the rules that are answered."""
    answered = tuple(Answered(rule, rule.answer(facts, readable)) for rule in RULES)
    possible = _weight_of(one.rule for one in answered if one.verdict.kept is not None)
    reached = _weight_of(one.rule for one in answered if one.verdict.kept)
    return Score(service, 100 * reached / possible if possible else None, answered)


def _weight_of(rules: Iterable[Rule]) -> int:
    """Return the weights of rules together."""
    return sum(WEIGHTS[rule.impact] for rule in rules)
