# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping of a capture: all that is found in one pass over its requests. Private.

`_savings.py` of plugin_utils calls `observe_capture`. Each record goes to the files that look at one sort of records,
such as `log_use.py` and `span_use.py`. In the end, each of them yields its outcomes: proposals, and gaps, which say
what the capture does not show about a kind of proposals (proposals.py). The report has the proposals that save most.

    request ─ Resource ─┬─ AttributeUse ──────────────────────────┐
                        └─ Record ─┬─ AttributeUse                │
                                   ├─ SpanUse, CapturedMetrics    ├─ outcomes ─ CaptureFindings
                                   │  or LogUse, by its signal    │
                                   ├─ RepeatedRecords ────────────┘
                                   └─ ServiceSummary ─ scores (instrumentation_score.py)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._otelcol.errors import Problem
from .._otelcol.otlp_requests import MALFORMED_ERRORS
from .attribute_use import AttributeRow, AttributeUse
from .capture_findings import CaptureFindings, divide_or_zero
from .captured_records import NO_AMOUNT, Amount, ReadableValues, Record, read_resources
from .log_use import LogUse
from .metric_use import CapturedMetrics
from .proposals import CaptureGap, SavingProposal
from .removal_options import is_free_of_expansion
from .repeated_records import RepeatedRecords
from .service_summary import ServiceSummary, add_spans
from .span_use import SpanUse

MOST_PROPOSALS_OF_KIND = 10
"""So many proposals of a kind are in the report, those with most bytes."""
MOST_ATTRIBUTE_ROWS = 10
"""So many attributes are listed by bytes, and as many by values."""


@dataclass(frozen=True)
class SavingsWishes:
    """What a user wants of the proposals, and what the config does already."""

    kept: frozenset[str] = frozenset()
    """Names of attributes that are never proposed."""
    least_percent: float = 1.0
    """The least share of bytes that a proposal must save."""
    is_sampled: bool = False
    """Whether the config samples traces already."""


def observe_capture(
    requests: Iterable[tuple[str, Mapping[str, Any]]], readable: ReadableValues, wishes: SavingsWishes
) -> CaptureFindings:
    """Return what is found in the requests of a capture, each with its signal. Raises Problem for one not of OTLP."""
    observation = _Observation(readable, wishes)
    for request_number, (signal, request) in enumerate(requests, 1):
        try:
            observation.add_request(signal, request)
        except MALFORMED_ERRORS as error:
            wrong = f"request {request_number:,} of the capture is JSON, but not of OTLP"
            raise Problem(wrong, fix="Capture it again, or remove the line of this request.") from error
    return observation.build_findings()


class _Observation:
    """What is counted of a capture. Each request is added, and `build_findings` is called in the end."""

    def __init__(self, readable: ReadableValues, wishes: SavingsWishes) -> None:
        self._wishes = wishes
        self._attribute_use = AttributeUse(wishes.kept)
        self._span_use = SpanUse(readable, is_sampled=wishes.is_sampled)
        self._metrics = CapturedMetrics(readable, wishes.kept)
        self._log_use = LogUse(readable)
        self._repeated_records = RepeatedRecords()
        self._summary_by_service: dict[str, ServiceSummary] = defaultdict(ServiceSummary)
        self._captured_amounts: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)

    def add_request(self, signal: str, request: Mapping[str, Any]) -> None:
        """Count the resources and records of a request."""
        add_to_signal: Callable[[Record], None] = {
            "traces": self._span_use.add_record,
            "metrics": self._metrics.add_record,
            "logs": self._log_use.add_record,
        }[signal]
        for resource, records in read_resources(signal, request):
            item_count = sum(record.item_count for record in records)
            self._captured_amounts[signal] = self._captured_amounts[signal].plus(item_count, resource.size_bytes)
            self._attribute_use.add_resource(resource, signal)
            service_summary = self._summary_by_service[resource.service_name]
            service_summary.add_resource(resource)
            for record in records:
                self._attribute_use.add_record(record)
                add_to_signal(record)
                self._repeated_records.add_record(record)
                service_summary.add_record(record)

    def build_findings(self) -> CaptureFindings:
        """Return what was found: the proposals that save most, and what the capture does not show."""
        # Only now are all spans known, among which the parent of a span may be.
        add_spans(self._span_use.rows, self._summary_by_service)
        attribute_rows = self._attribute_use.list_rows()
        all_proposals: list[SavingProposal] = []
        capture_gaps: list[CaptureGap] = []
        for outcome in self._find_outcomes():
            if isinstance(outcome, SavingProposal):
                all_proposals.append(_without_unsafe_option(outcome))
            else:
                capture_gaps.append(outcome)
        captured_bytes = sum(amount.size_bytes for amount in self._captured_amounts.values())
        reported_proposals = _select_largest_proposals(all_proposals, captured_bytes, self._wishes.least_percent)
        return CaptureFindings(
            captured_amounts=dict(self._captured_amounts),
            proposals=tuple(reported_proposals),
            smaller_count=len(all_proposals) - len(reported_proposals),
            capture_gaps=tuple(dict.fromkeys(capture_gaps)),
            attribute_rows=tuple(_select_top_attributes(attribute_rows)),
            summary_by_service=dict(self._summary_by_service),
            unseen_names=tuple(sorted(self._wishes.kept - {row.name for row in attribute_rows})),
        )

    def _find_outcomes(self) -> Iterator[SavingProposal | CaptureGap]:
        yield from self._attribute_use.find_outcomes()
        yield from self._span_use.find_outcomes()
        yield from self._metrics.find_outcomes()
        yield from self._log_use.find_outcomes()
        yield from self._repeated_records.find_outcomes()


def _select_largest_proposals(
    all_proposals: Iterable[SavingProposal], captured_bytes: int, least_percent: float
) -> list[SavingProposal]:
    """Return the proposals that save enough, by their bytes, at most ten of each kind."""
    reported_proposals = []
    counts_by_kind = Counter[str]()
    # The kind and the subject make the order the same in each run, also for proposals with equal bytes.
    for proposal in sorted(all_proposals, key=lambda proposal: (-proposal.size_bytes, proposal.kind, proposal.subject)):
        if 100 * divide_or_zero(proposal.size_bytes, captured_bytes) < least_percent:
            continue
        counts_by_kind[proposal.kind] += 1
        if counts_by_kind[proposal.kind] <= MOST_PROPOSALS_OF_KIND:
            reported_proposals.append(proposal)
    return reported_proposals


def _without_unsafe_option(proposal: SavingProposal) -> SavingProposal:
    """Return a proposal without an option that a config would expand, such as one with `${env:TOKEN}` in a name."""
    if proposal.option is None or is_free_of_expansion(proposal.option):
        return proposal
    return replace(proposal, option=None, detail="no option: a config would expand what the name has")


def _select_top_attributes(rows: Sequence[AttributeRow]) -> Iterator[AttributeRow]:
    """Yield the attributes with most bytes, and then those with most values. `rows` are sorted by their bytes."""
    rows_by_values = sorted(rows, key=lambda row: (-row.values, row.name))
    yield from dict.fromkeys((*rows[:MOST_ATTRIBUTE_ROWS], *rows_by_values[:MOST_ATTRIBUTE_ROWS]))
