# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping, as lines of text for a terminal. Private.

`savings_report.py` has the words that these lines share with the page of `savings_markdown.py`. A rule is one of the
Instrumentation Score (score_rules.py). Example of two lines:

    1. debug logs: below INFO
        logs: 90.0 % of log records, 88.0 % of bytes
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .._otelcol.forecast.forecast_words import format_size
from .._otelcol.otlp_requests import describe_item_count
from .attribute_use import AttributeRow
from .capture_findings import CaptureFindings
from .instrumentation_score import AnsweredRule, Score
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
from .score_rules import RULES


def list_savings_lines(savings: Savings) -> Iterator[str]:
    """Yield everything as a person reads it in a terminal."""
    findings = savings.findings
    captured_items = [
        describe_item_count(signal, amount.item_count) for signal, amount in findings.captured_amounts.items()
    ]
    yield f"savings of {savings.name} from {', '.join(captured_items)}, {format_size(findings.size_bytes)} of JSON"
    for number, reported_proposal in enumerate(savings.reported_proposals, 1):
        yield f"{number}. {reported_proposal.title}"
        yield from (f"    {line}" for line in _list_proposal_lines(findings, reported_proposal))
    yield from (f"less: {line}" for line in describe_smaller_proposals(findings))
    yield "attributes by bytes and by different values:"
    yield from (f"    {_describe_attribute(findings, row)}" for row in findings.attribute_rows)
    yield from (f"not told: {describe_gap(gap)}" for gap in findings.capture_gaps)
    for score in savings.scores:
        yield from _list_score_lines(score)
    yield from _list_unanswered_rules(savings.scores)
    yield from (f"note: {note}" for note in savings.notes)


def _list_proposal_lines(findings: CaptureFindings, reported_proposal: ReportedProposal) -> Iterator[str]:
    """Yield the lines below the title of a proposal."""
    yield from _list_share_lines(findings, reported_proposal)
    if reported_proposal.proposal.detail:
        yield reported_proposal.proposal.detail
    if reported_proposal.pasted_yaml:
        yield f"loses: {KINDS[reported_proposal.proposal.kind].loss}"
        yield from reported_proposal.pasted_yaml.splitlines()


def _list_share_lines(findings: CaptureFindings, reported_proposal: ReportedProposal) -> Iterator[str]:
    """Yield the estimated and the measured shares of each signal."""
    for signal, (item_share, byte_share) in findings.compute_shares(reported_proposal.proposal).items():
        share_texts = [describe_shares(signal, item_share, byte_share)]
        measured_shares = reported_proposal.measured_shares.get(signal)
        if measured_shares:
            measured_words = describe_shares(signal, measured_shares.item_share, measured_shares.json_share)
            share_texts.append(
                f"measured {measured_words}, {format_percent(measured_shares.sent_share)} of bytes as sent"
            )
        yield f"{signal}: {'; '.join(share_texts)}"
    if reported_proposal.why_not_measured:
        yield f"not measured: {reported_proposal.why_not_measured}"


def _describe_attribute(findings: CaptureFindings, row: AttributeRow) -> str:
    """Return the bytes and the values of an attribute in words."""
    at_least = "" if row.are_all_values else "at least "
    share = format_percent(row.size / findings.size_bytes)
    return f"{row.name}: {format_size(row.size)} ({share}), {at_least}{row.values:,} values in {row.occurrences:,}"


def _list_score_lines(score: Score) -> Iterator[str]:
    """Yield the score of a service, and each rule that lowers it."""
    yield _describe_score(score)
    yield from (
        f"    {answered_rule.rule.id} not kept: {_describe_unkept_rule(answered_rule)}"
        for answered_rule in score.list_rules(RuleOutcome.BROKEN)
    )


def _list_unanswered_rules(scores: Iterable[Score]) -> Iterator[str]:
    """Yield each rule that is not answered, once for all services of which the reason is the same."""
    services_of_rules: dict[AnsweredRule, list[str]] = {}
    for score in scores:
        for answered_rule in score.list_rules(RuleOutcome.UNANSWERED):
            services_of_rules.setdefault(answered_rule, []).append(score.service or "telemetry without service.name")
    for answered_rule, service_names in services_of_rules.items():
        yield f"{answered_rule.rule.id} not answered for {', '.join(service_names)}: {answered_rule.answer.reason}"


def _describe_score(score: Score) -> str:
    """Return the score of a service in words, with how many rules it is of."""
    name = score.service or "telemetry without service.name"
    answered_count = len(RULES) - len(score.list_rules(RuleOutcome.UNANSWERED))
    of_rules = f"from {answered_count} of {len(RULES)} rules"
    if score.points is None:
        return f"instrumentation of {name}: no score: the capture answers no rule"
    return f"instrumentation of {name}: {score.points:.0f} of 100, {score.category}, {of_rules}"


def _describe_unkept_rule(answered_rule: AnsweredRule) -> str:
    """Return what a rule asks for, and why a service does not keep it."""
    return f"{answered_rule.rule.requirement} ({answered_rule.rule.impact.lower()}): {answered_rule.answer.reason}"
