# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping, as Markdown. Private.

`savings_report.py` has the words that this page shares with the lines of `savings_lines.py`. A rule is one of the
Instrumentation Score (score_rules.py). Example of a row:

    | 1 | `debug logs: below INFO` | logs: 90.0 % of log records, 88.0 % of bytes |  |
"""

from __future__ import annotations

from collections.abc import Iterator

from .._otelcol.rules.report_model import format_markdown_code
from .capture_findings import CaptureFindings
from .instrumentation_score import Score
from .proposals import KINDS
from .rule_answer import RuleOutcome
from .savings_report import (
    ReportedProposal,
    Savings,
    describe_gap,
    describe_shares,
    describe_smaller_proposals,
    format_percent,
)


def build_savings_markdown(savings: Savings) -> str:
    """Return everything for a pull request or a wiki: a table of proposals, their options, and a table of scores.

    An empty line, `""`, ends each table and each list.
    """
    findings = savings.findings
    lines = [f"### Savings of {format_markdown_code(savings.name)}", ""]
    lines += ["| | proposal | estimated | measured |", "|---|---|---|---|"]
    lines += [
        _build_proposal_row(findings, number, reported_proposal)
        for number, reported_proposal in enumerate(savings.reported_proposals, 1)
    ]
    lines += ["", *(f"- {format_markdown_code(line)}" for line in describe_smaller_proposals(findings)), ""]
    for number, reported_proposal in enumerate(savings.reported_proposals, 1):
        lines += _list_option_lines(number, reported_proposal)
    lines += [f"- not told: {format_markdown_code(describe_gap(gap))}" for gap in findings.capture_gaps]
    lines += ["", "| service | score | not kept | not answered |", "|---|---|---|---|"]
    lines += [_build_score_row(score) for score in savings.scores]
    lines += ["", *(f"- {format_markdown_code(note)}" for note in savings.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _build_proposal_row(findings: CaptureFindings, number: int, reported_proposal: ReportedProposal) -> str:
    """Return the row of a proposal: its shares by signal, or why they were not measured."""
    estimated_shares = []
    for signal, (item_share, byte_share) in findings.compute_shares(reported_proposal.proposal).items():
        estimated_shares.append(f"{signal}: {describe_shares(signal, item_share, byte_share)}")
    measured_shares = []
    for signal in reported_proposal.proposal.removed_amounts:
        shares = reported_proposal.measured_shares.get(signal)
        if shares:
            share_words = describe_shares(signal, shares.item_share, shares.json_share)
            measured_shares.append(f"{signal}: {share_words}, {format_percent(shares.sent_share)} as sent")
    measured_cell = "; ".join(measured_shares) or reported_proposal.why_not_measured
    title_cell = format_markdown_code(reported_proposal.title)
    return f"| {number} | {title_cell} | {'; '.join(estimated_shares)} | {measured_cell} |"


def _list_option_lines(number: int, reported_proposal: ReportedProposal) -> Iterator[str]:
    """Yield what a user pastes to follow a proposal, and what is lost."""
    if reported_proposal.pasted_yaml:
        yield f"Option of {number}. {KINDS[reported_proposal.proposal.kind].loss}"
        yield ""
        # Four spaces make code of any text; a fence ends where the text has one.
        for line in reported_proposal.pasted_yaml.splitlines():
            yield f"    {line}"
        yield ""


def _build_score_row(score: Score) -> str:
    """Return the row of a service: its score, and the rules that lower it or have no answer."""
    points = "none" if score.points is None else f"{score.points:.0f} {score.category}"
    unkept_rules = ", ".join(answered_rule.rule.id for answered_rule in score.list_rules(RuleOutcome.BROKEN))
    unanswered_rules = ", ".join(answered_rule.rule.id for answered_rule in score.list_rules(RuleOutcome.UNANSWERED))
    return f"| {format_markdown_code(score.service or '-')} | {points} | {unkept_rules} | {unanswered_rules} |"
