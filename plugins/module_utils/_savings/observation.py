# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping of a capture: all that is found in one pass, and the shares of it. Private.

`_savings.py` of plugin_utils calls this file. Each record goes to the files that look at one sort of records, such as
`log_use.py` and `span_use.py`. A proposal says what is worth dropping, and a kind of proposals is untold if the capture
cannot say anything about it (proposals.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._otelcol.errors import Problem
from .._otelcol.otlp_requests import MALFORMED_ERRORS
from .attribute_use import AttributeRow, AttributeUse
from .captured_records import NO_AMOUNT, Amount, ReadableValues, Record, read_resources
from .log_use import LogUse
from .metric_use import CapturedMetrics
from .proposals import SavingProposal, UntoldKind
from .removal_options import is_free_of_expansion
from .repeated_records import RepeatedRecords
from .service_summary import ServiceSummary, add_spans
from .span_use import SpanUse

MOST_PROPOSALS_OF_KIND = 10
"""So many proposals of a kind are told, those with most bytes."""
MOST_ATTRIBUTE_ROWS = 10
"""So many attributes are listed by bytes, and as many by values."""


@dataclass(frozen=True)
class SavingsWishes:
    """What a user wants: names of attributes that are never proposed, and the least share of bytes, in percent."""

    kept: frozenset[str] = frozenset()
    least_percent: float = 1.0
    samples: bool = False
    """Whether the config samples traces already."""


@dataclass(frozen=True)
class CaptureFindings:
    """What a capture has, and what of it is worth dropping, with most bytes first."""

    captured_amounts: Mapping[str, Amount]
    """What came in, by signal."""
    proposals: tuple[SavingProposal, ...]
    smaller_count: int
    """How many more proposals there are, which are not told."""
    untold_kinds: tuple[UntoldKind, ...]
    attribute_rows: tuple[AttributeRow, ...]
    summary_by_service: Mapping[str, ServiceSummary]
    """What is counted of each service, by its name; that of telemetry without `service.name` is empty."""
    unseen_names: tuple[str, ...] = ()
    """Names of attributes that the user keeps and that nothing has."""

    @property
    def size_bytes(self) -> int:
        """The bytes of all signals."""
        return sum(amount.size_bytes for amount in self.captured_amounts.values())

    def compute_shares(self, proposal: SavingProposal) -> dict[str, tuple[float, float]]:
        """Return which share of items and of bytes a proposal removes, by signal, from 0 to 1."""
        return {
            signal: (
                _divide_or_zero(amount.item_count, self.captured_amounts[signal].item_count),
                _divide_or_zero(amount.size_bytes, self.captured_amounts[signal].size_bytes),
            )
            for signal, amount in proposal.removed_amounts.items()
        }


@dataclass
class _CaptureUses:
    """All that looks at the records of a capture."""

    attribute_use: AttributeUse
    span_use: SpanUse
    captured_metrics: CapturedMetrics
    log_use: LogUse
    repeated_records: RepeatedRecords = field(default_factory=RepeatedRecords)
    summary_by_service: dict[str, ServiceSummary] = field(default_factory=lambda: defaultdict(ServiceSummary))
    captured_amounts: dict[str, Amount] = field(default_factory=lambda: defaultdict(lambda: NO_AMOUNT))

    def add_request(self, signal: str, request: Mapping[str, Any]) -> None:
        """Look at a request."""
        add_by_signal: Mapping[str, Callable[[Record], None]]
        add_by_signal = {
            "traces": self.span_use.add_record,
            "metrics": self.captured_metrics.add_record,
            "logs": self.log_use.add_record,
        }
        for resource, records in read_resources(signal, request):
            item_count = sum(record.items for record in records)
            self.captured_amounts[signal] = self.captured_amounts[signal].plus(item_count, resource.size_bytes)
            self.attribute_use.add_resource(resource, signal)
            service_summary = self.summary_by_service[resource.service_name]
            service_summary.add_resource(resource)
            for record in records:
                self.attribute_use.add_record(record)
                add_by_signal[signal](record)
                self.repeated_records.add_record(record)
                service_summary.add_record(record)

    def find_outcomes(self) -> Iterator[SavingProposal | UntoldKind]:
        """Yield what is worth dropping."""
        for signal_use in (
            self.attribute_use,
            self.span_use,
            self.captured_metrics,
            self.log_use,
            self.repeated_records,
        ):
            yield from signal_use.find_outcomes()


def observe_capture(
    requests: Iterable[tuple[str, Mapping[str, Any]]], readable: ReadableValues, wishes: SavingsWishes
) -> CaptureFindings:
    """Return what is found in the requests of a capture, each with its signal. Raises Problem for one not of OTLP."""
    all_uses = _CaptureUses(
        AttributeUse(wishes.kept),
        SpanUse(readable, wishes.samples),
        CapturedMetrics(readable, wishes.kept),
        LogUse(readable),
    )
    for request_number, (signal, request) in enumerate(requests, 1):
        try:
            all_uses.add_request(signal, request)
        except MALFORMED_ERRORS as error:
            wrong = f"request {request_number:,} of the capture is JSON, but not of OTLP"
            raise Problem(wrong, fix="Capture it again, or remove the line of this request.") from error
    add_spans(all_uses.span_use.rows, all_uses.summary_by_service)
    return _collect_findings(
        all_uses.captured_amounts,
        all_uses.find_outcomes(),
        all_uses.attribute_use.list_rows(),
        all_uses.summary_by_service,
        wishes,
    )


def _collect_findings(
    came_by_signal: Mapping[str, Amount],
    outcomes: Iterable[SavingProposal | UntoldKind],
    attribute_rows: list[AttributeRow],
    services: Mapping[str, ServiceSummary],
    wishes: SavingsWishes,
) -> CaptureFindings:
    proposals: list[SavingProposal] = []
    untold: dict[UntoldKind, None] = {}
    for outcome in outcomes:
        if isinstance(outcome, SavingProposal):
            proposals.append(_without_unsafe_option(outcome))
        else:
            untold[outcome] = None
    total_size = sum(amount.size_bytes for amount in came_by_signal.values())
    large_proposals = [
        proposal
        for proposal in proposals
        if 100 * _divide_or_zero(proposal.size_bytes, total_size) >= wishes.least_percent
    ]
    told_proposals = tuple(_select_largest(large_proposals))
    return CaptureFindings(
        dict(came_by_signal),
        told_proposals,
        len(proposals) - len(told_proposals),
        tuple(untold),
        tuple(_select_top_attributes(attribute_rows)),
        dict(services),
        tuple(sorted(wishes.kept - {row.name for row in attribute_rows})),
    )


def _select_largest(proposals: list[SavingProposal]) -> Iterator[SavingProposal]:
    """Yield proposals by their bytes, some of each kind."""
    counts_by_kind = Counter[str]()
    for proposal in sorted(proposals, key=lambda proposal: (-proposal.size_bytes, proposal.kind, proposal.subject)):
        counts_by_kind[proposal.kind] += 1
        if counts_by_kind[proposal.kind] <= MOST_PROPOSALS_OF_KIND:
            yield proposal


def _without_unsafe_option(proposal: SavingProposal) -> SavingProposal:
    """Return a proposal without an option that a config would expand."""
    if proposal.option is None or is_free_of_expansion(proposal.option):
        return proposal
    return replace(proposal, option=None, detail="no option: a config would expand what the name has")


def _select_top_attributes(rows: list[AttributeRow]) -> Iterator[AttributeRow]:
    """Yield the attributes with most bytes, and then those with most values."""
    rows_by_values = sorted(rows, key=lambda row: (-row.values, row.name))
    yield from dict.fromkeys((*rows[:MOST_ATTRIBUTE_ROWS], *rows_by_values[:MOST_ATTRIBUTE_ROWS]))


def _divide_or_zero(removed: float, total: float) -> float:
    return removed / total if total else 0.0
