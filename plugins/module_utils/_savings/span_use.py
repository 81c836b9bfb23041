# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans that are worth dropping: health checks, those without children and errors, plain traces. Private.

A leaf is a span without children. A plain trace has no error and is not slow. `observation.py` adds each span to
`SpanUse`, and asks it for proposals in the end (see proposals.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .._otelcol.config.masking import conceal_secrets
from .._otelcol.forecast.text_templates import make_template
from . import proposals
from .captured_records import (
    INTERNAL,
    NO_AMOUNT,
    Amount,
    ReadableValues,
    Record,
    decode_attribute_text,
    has_error_status,
    read_span_kind,
)
from .ottl_texts import build_template_pattern, quote_literal
from .proposals import SavingProposal, UntoldKind
from .removal_options import RecipeOption, RemovalOption, build_filter_option, build_noise_recipe

# Paths at which orchestrators and load balancers ask whether a program is well. Source: the conventions of Kubernetes,
# Spring Boot, Quarkus, MicroProfile Health and Envoy.
_HEALTH_PATHS = (
    "/health /healthz /health/live /health/ready /healthcheck /livez /live /liveness /readyz /ready /readiness /ping"
    " /_health /q/health /q/health/live /q/health/ready /actuator/health /actuator/health/liveness"
    " /actuator/health/readiness"
)
HEALTH_PATHS = frozenset(_HEALTH_PATHS.split())
PATH_ATTRIBUTES = ("url.path", "http.target")
"""What recipe `drop_noise` compares with its `probe_paths`."""
MOST_SPANS = 500_000
"""So many spans are put together to traces."""
SLOW_MS = 2000
"""Traces of this duration are slow. It is the default of `slow_ms` of recipe `tail_sampling`."""
REST_PERCENT = 10
"""The share of other traces that the recipe keeps by default."""
_LEAST_TRACES = 30
"""With fewer traces, a share of them says nothing."""
_LEAST_SPANS_OF_NAME = 10
_NANOSECONDS_PER_MS = 1_000_000


class SpanRow(NamedTuple):
    """What is kept of a span. Numbers stand for ids, since they take less room: equal ids have equal numbers.

    `start_nanoseconds` and `end_nanoseconds` are in nanoseconds since 1970.
    """

    trace_number: int
    span_number: int
    parent_number: int
    """0 for a span without a parent."""
    service: str
    name: str
    kind: str
    has_failed: bool
    start_nanoseconds: int
    end_nanoseconds: int
    size_bytes: int


@dataclass
class Trace:
    """The spans of a trace together."""

    amount: Amount = NO_AMOUNT
    has_failed: bool = False
    start_nanoseconds: int = 0
    end_nanoseconds: int = 0

    def add_span(self, span: SpanRow) -> None:
        """Add a span. If it has no start, that of the trace stays as it is."""
        if span.start_nanoseconds:
            self.start_nanoseconds = min(self.start_nanoseconds or span.start_nanoseconds, span.start_nanoseconds)
        self.end_nanoseconds = max(self.end_nanoseconds, span.end_nanoseconds)
        self.has_failed |= span.has_failed
        self.amount = self.amount.plus(1, span.size_bytes)

    @property
    def is_plain(self) -> bool:
        """Whether it has no error, and is not slow. A trace whose spans have no start is not known to be slow."""
        is_slow = (
            bool(self.start_nanoseconds)
            and self.end_nanoseconds - self.start_nanoseconds >= SLOW_MS * _NANOSECONDS_PER_MS
        )
        return not self.has_failed and not is_slow


class SpanUse:
    """The spans of a capture. `samples` is whether the config samples traces already."""

    def __init__(self, readable: ReadableValues, samples: bool = False) -> None:
        self._readable, self._samples = readable, samples
        self._health_amounts: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
        self.rows: list[SpanRow] = []
        self._left_out = 0

    def add_record(self, record: Record) -> None:
        """Count a span."""
        path = self._read_url_path(record)
        if path in HEALTH_PATHS:
            self._health_amounts[path] = self._health_amounts[path].plus(1, record.size)
        if len(self.rows) < MOST_SPANS:
            self.rows.append(self._build_span_row(record))
        else:
            self._left_out += 1

    def _read_url_path(self, record: Record) -> str:
        _holder, attributes = record.holders[0]
        url_paths = (attributes.get(name, "") for name in PATH_ATTRIBUTES if self._readable.can_read(name))
        return decode_attribute_text(next(filter(None, url_paths), ""))

    def _build_span_row(self, record: Record) -> SpanRow:
        span = record.body
        parent_id, span_name = span.get("parentSpanId") or "", str(span.get("name") or "")
        return SpanRow(
            trace_number=hash(span.get("traceId")),
            span_number=hash(span.get("spanId")),
            parent_number=hash(parent_id) if parent_id.strip("0") else 0,
            service=record.resource.service_name,
            name=make_template(span_name) if self._readable.is_masked else conceal_secrets(span_name),
            kind=read_span_kind(span),
            has_failed=has_error_status(span),
            start_nanoseconds=int(span.get("startTimeUnixNano") or 0),
            end_nanoseconds=int(span.get("endTimeUnixNano") or 0),
            size_bytes=record.size,
        )

    def find_outcomes(self) -> Iterator[SavingProposal | UntoldKind]:
        """Yield the proposals about spans, and the kinds that the capture cannot tell."""
        yield from self._propose_health_checks()
        yield from self._propose_leaf_spans()
        yield from self._report_failing_spans()
        yield from self._propose_sampling()
        if self._left_out:
            reason = f"{self._left_out:,} spans after the first {MOST_SPANS:,} were not looked at"
            yield from (
                UntoldKind(kind, reason)
                for kind in (proposals.LEAF_SPANS, proposals.PLAIN_TRACES, proposals.REPEATED_ERRORS)
            )

    def _propose_health_checks(self) -> Iterator[SavingProposal | UntoldKind]:
        masked_attributes = [name for name in PATH_ATTRIBUTES if not self._readable.can_read(name)]
        if masked_attributes and self.rows:
            shown_names = " and ".join(masked_attributes)
            yield UntoldKind(
                proposals.HEALTH_CHECKS,
                f"{shown_names} are masked. Capture with `capture_keep: [{', '.join(masked_attributes)}]`",
            )
        if self._health_amounts:
            paths = sorted(self._health_amounts)
            removed = _sum_amounts(self._health_amounts.values())
            yield SavingProposal(
                proposals.HEALTH_CHECKS, ", ".join(paths), {"traces": removed}, build_noise_recipe(probe_paths=paths)
            )

    def _propose_leaf_spans(self) -> Iterator[SavingProposal | UntoldKind]:
        """Yield names of internal spans, none of which has children or an error."""
        parent_spans = {(span.trace_number, span.parent_number) for span in self.rows if span.parent_number}
        amounts_by_name: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
        needed_names: set[str] = set()
        for span in self.rows:
            amounts_by_name[span.name] = amounts_by_name[span.name].plus(1, span.size_bytes)
            has_children = (span.trace_number, span.span_number) in parent_spans
            if has_children or span.has_failed or span.kind != INTERNAL or not span.parent_number:
                needed_names.add(span.name)
        for name, amount in amounts_by_name.items():
            if name not in needed_names and amount.item_count >= _LEAST_SPANS_OF_NAME:
                yield SavingProposal(proposals.LEAF_SPANS, name, {"traces": amount}, self._build_span_filter(name))
        if self._readable.other_pod_count and self.rows:
            yield UntoldKind(
                proposals.LEAF_SPANS, "other pods get spans of the same traces: children may be among them"
            )

    def _build_span_filter(self, name: str) -> RemovalOption | None:
        """Return the option that drops internal spans of a name; None for a masked name with too few words."""
        is_internal = "span.kind == SPAN_KIND_INTERNAL"
        if not self._readable.is_masked:
            return build_filter_option(
                "leaf_spans", "traces", "span", f"{is_internal} and span.name == {quote_literal(name)}"
            )
        pattern = build_template_pattern(name)
        if not pattern:
            return None
        return build_filter_option(
            "leaf_spans", "traces", "span", f"{is_internal} and IsMatch(span.name, {quote_literal(pattern)})"
        )

    def _report_failing_spans(self) -> Iterator[SavingProposal | UntoldKind]:
        """Yield names of spans that fail again and again: no option drops them without a loss."""
        amounts_by_name: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
        for span in self.rows:
            if span.has_failed:
                amounts_by_name[span.name] = amounts_by_name[span.name].plus(1, span.size_bytes)
        for name, amount in amounts_by_name.items():
            if amount.item_count >= _LEAST_SPANS_OF_NAME:
                detail = "no option drops failed spans: correct what fails"
                yield SavingProposal(proposals.REPEATED_ERRORS, name, {"traces": amount}, None, detail)

    def _propose_sampling(self) -> Iterator[SavingProposal | UntoldKind]:
        traces: dict[int, Trace] = defaultdict(Trace)
        for span in self.rows:
            traces[span.trace_number].add_span(span)
        plain_traces = [trace.amount for trace in traces.values() if trace.is_plain]
        if self._samples and traces:
            yield UntoldKind(proposals.PLAIN_TRACES, "the config samples traces already")
        elif traces and len(traces) < _LEAST_TRACES:
            yield UntoldKind(
                proposals.PLAIN_TRACES, f"the capture has {len(traces)} traces, and {_LEAST_TRACES} are needed"
            )
        elif plain_traces:
            plain_amount = _sum_amounts(plain_traces)
            removed_percent = 100 - REST_PERCENT
            removed = Amount(
                plain_amount.item_count * removed_percent // 100, plain_amount.size_bytes * removed_percent // 100
            )
            option = RecipeOption(recipe="tail_sampling", options={"slow_ms": SLOW_MS, "rest_percent": REST_PERCENT})
            subject = f"{len(plain_traces):,} of {len(traces):,} traces"
            yield SavingProposal(proposals.PLAIN_TRACES, subject, {"traces": removed}, option)


def _sum_amounts(amounts: Iterable[Amount]) -> Amount:
    total = NO_AMOUNT
    for amount in amounts:
        total = total.plus(*amount)
    return total
