# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping, as data. Private."""

from __future__ import annotations

from typing import Any

from .instrumentation_score import Score
from .observation import Found
from .proposals import KINDS
from .told_savings import Savings, Told


def savings_data(savings: Savings) -> dict[str, Any]:
    """Return everything as a task result and as a file of JSON have it."""
    found = savings.found
    return {
        "captured": {signal: {"items": came.items, "bytes": came.size} for signal, came in found.came.items()},
        "proposals": [_proposal_data(found, told) for told in savings.told],
        "attributes": [row._asdict() for row in found.attributes],
        "not_told": [{"kind": untold.kind, "why": untold.why} for untold in found.untold],
        "scores": [_score_data(score) for score in savings.scores],
        "notes": list(savings.notes),
    }


def _proposal_data(found: Found, told: Told) -> dict[str, Any]:
    """Return a proposal with its estimated and its measured shares."""
    proposal = told.proposal
    estimated = {}
    for signal, (items, size) in found.shares(proposal).items():
        estimated[signal] = {"items_percent": round(100 * items, 2), "bytes_percent": round(100 * size, 2)}
    return {
        "kind": proposal.kind,
        "subject": proposal.subject,
        "detail": proposal.detail,
        "loses": KINDS[proposal.kind].loses,
        "estimated": estimated,
        "measured": {signal: shares.as_dict() for signal, shares in told.measured.items()},
        "not_measured": told.why_not_measured,
        "option": dict(told.pasted),
    }


def _score_data(score: Score) -> dict[str, Any]:
    """Return the score of a service with its rules by their ids."""
    rules = {}
    for answered in score.answered:
        verdict = answered.verdict
        rules[answered.rule.id] = {"impact": answered.rule.impact, "kept": verdict.kept, "why": verdict.why}
    points = None if score.points is None else round(score.points, 2)
    return {"service": score.service, "score": points, "category": score.category, "rules": rules}
