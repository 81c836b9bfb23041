# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture says of a rule of the Instrumentation Score for a service. Private.

Example: of rule RES-001, "resources have service.instance.id", the answer may be
`RuleAnswer(RuleOutcome.BROKEN, "missing in 1 of 2 resources")`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from .captured_records import ReadableValues
from .service_summary import ServiceSummary


class RuleOutcome(Enum):
    """Whether a service keeps a rule, as `kept` of a task result has it."""

    KEPT = True
    BROKEN = False
    UNANSWERED = None
    """The capture cannot say it."""


class RuleAnswer(NamedTuple):
    """What a capture says of a rule for a service."""

    outcome: RuleOutcome
    reason: str = ""
    """Why the rule is broken, or not answered; empty if it is kept."""


KEPT = RuleAnswer(RuleOutcome.KEPT)
NO_SPANS = RuleAnswer(RuleOutcome.UNANSWERED, "the capture has no spans of it")
NO_METRICS = RuleAnswer(RuleOutcome.UNANSWERED, "the capture has no metrics of it")

# Answers a rule for a service, by what was counted of it and by what masks leave readable.
AnswerRule = Callable[[ServiceSummary, ReadableValues], RuleAnswer]


def broken(reason: str) -> RuleAnswer:
    """Return the answer that a service breaks a rule."""
    return RuleAnswer(RuleOutcome.BROKEN, reason)


def unanswered(reason: str) -> RuleAnswer:
    """Return the answer that the capture cannot say whether a service keeps a rule."""
    return RuleAnswer(RuleOutcome.UNANSWERED, reason)
