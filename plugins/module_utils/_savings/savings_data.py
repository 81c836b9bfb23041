# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping, as data: the result of module pipeline_savings, whose page describes the keys. Private."""

from __future__ import annotations

from typing import Any

from .capture_findings import CaptureFindings
from .instrumentation_score import Score
from .proposals import KINDS
from .savings_report import ReportedProposal, Savings


def build_savings_data(savings: Savings) -> dict[str, Any]:
    """Return everything as a task result and as a file of JSON have it."""
    findings = savings.findings
    return {
        "captured": {
            signal: {"items": amount.item_count, "bytes": amount.size_bytes}
            for signal, amount in findings.captured_amounts.items()
        },
        "proposals": [
            _build_proposal_data(findings, reported_proposal) for reported_proposal in savings.reported_proposals
        ],
        "attributes": [row._asdict() for row in findings.attribute_rows],
        "not_told": [{"kind": gap.kind, "why": gap.reason} for gap in findings.capture_gaps],
        "scores": [_build_score_data(score) for score in savings.scores],
        "notes": list(savings.notes),
    }


def _build_proposal_data(findings: CaptureFindings, reported_proposal: ReportedProposal) -> dict[str, Any]:
    """Return a proposal with its estimated and its measured shares."""
    proposal = reported_proposal.proposal
    estimated_shares = {}
    for signal, (item_share, byte_share) in findings.compute_shares(proposal).items():
        estimated_shares[signal] = {
            "items_percent": round(100 * item_share, 2),
            "bytes_percent": round(100 * byte_share, 2),
        }
    return {
        "kind": proposal.kind,
        "subject": proposal.subject,
        "detail": proposal.detail,
        "loses": KINDS[proposal.kind].loss,
        "estimated": estimated_shares,
        "measured": {signal: shares.as_dict() for signal, shares in reported_proposal.measured_shares.items()},
        "not_measured": reported_proposal.why_not_measured,
        "option": dict(reported_proposal.pasted_options),
    }


def _build_score_data(score: Score) -> dict[str, Any]:
    """Return the score of a service with its rules by their ids."""
    rule_rows = {}
    for answered_rule in score.answered_rules:
        answer = answered_rule.answer
        rule_rows[answered_rule.rule.id] = {
            "impact": answered_rule.rule.impact,
            "kept": answer.outcome.value,
            "why": answer.reason,
        }
    points = None if score.points is None else round(score.points, 2)
    return {"service": score.service, "score": points, "category": score.category, "rules": rule_rows}
