# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping, as data: the result of module pipeline_savings, whose page describes the keys. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from .capture_findings import CaptureFindings
from .instrumentation_score import Score
from .proposals import KINDS
from .savings_report import ReportedProposal, Savings


class CapturedData(TypedDict):
    """How much the capture has of a signal."""

    items: int
    bytes: int


class EstimatedData(TypedDict):
    """Which share of a signal a proposal removes by the capture alone, without a Collector."""

    items_percent: float
    bytes_percent: float


class ProposalData(TypedDict):
    """A proposal. `estimated` and `measured` are by signal."""

    kind: str
    subject: str
    detail: str
    loses: str
    estimated: Mapping[str, EstimatedData]
    measured: Mapping[str, Mapping[str, float]]
    """As real Collectors have shown it; empty if nothing was measured."""
    not_measured: str
    """Why nothing was measured; empty if something was."""
    option: Mapping[str, Any]
    """What a user pastes into a collector of the inventory; empty if no option follows the proposal."""


class GapData(TypedDict):
    """What the capture does not show about a kind of proposals."""

    kind: str
    why: str


class RuleData(TypedDict):
    """A rule of the Instrumentation Score, as a service keeps it."""

    impact: str
    kept: bool | None
    """None if the capture cannot say it."""
    why: str


class ScoreData(TypedDict):
    """The score of a service, with its rules by their ids."""

    service: str
    score: float | None
    category: str
    rules: Mapping[str, RuleData]


class SavingsData(TypedDict):
    """The result of module pipeline_savings, as far as it is about the capture."""

    captured: Mapping[str, CapturedData]
    proposals: list[ProposalData]
    attributes: list[dict[str, Any]]
    """The fields of `AttributeRow`."""
    not_told: list[GapData]
    scores: list[ScoreData]
    notes: list[str]


def build_savings_data(savings: Savings) -> SavingsData:
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


def _build_proposal_data(findings: CaptureFindings, reported_proposal: ReportedProposal) -> ProposalData:
    """Return a proposal with its estimated and its measured shares."""
    proposal = reported_proposal.proposal
    estimated_shares: dict[str, EstimatedData] = {}
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


def _build_score_data(score: Score) -> ScoreData:
    """Return the score of a service with its rules by their ids."""
    rule_rows: dict[str, RuleData] = {}
    for answered_rule in score.answered_rules:
        answer = answered_rule.answer
        rule_rows[answered_rule.rule.id] = {
            "impact": answered_rule.rule.impact,
            "kept": answer.outcome.value,
            "why": answer.reason,
        }
    points = None if score.points is None else round(score.points, 2)
    return {"service": score.service, "score": points, "category": score.category, "rules": rule_rows}
