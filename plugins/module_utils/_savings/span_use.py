# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans that are worth dropping: health checks, those without children and errors, plain traces. Private.

`observation.py` adds each span to `SpanUse`, and asks it for proposals in the end (see proposals.py). Each analysis is
a function of its own: health checks, leaf spans (spans without children), failing spans, and plain traces (traces
without an error that are not slow).

Example: 40 internal spans named `cache lookup` have no children, and none has failed. The proposal is a processor
`filter/leaf_spans` that drops internal spans of this name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from . import proposals
from .captured_records import NO_AMOUNT, Amount, ReadableValues, Record
from .ottl_texts import build_template_pattern, quote_literal
from .proposals import CaptureGap, SavingProposal
from .record_enumerations import INTERNAL
from .record_json import decode_attribute_text
from .removal_options import RecipeOption, RemovalOption, build_filter_option, build_noise_recipe
from .span_rows import SLOW_MS, SpanRow, Trace, read_span_row

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
REST_PERCENT = 10
"""The share of plain traces that recipe `tail_sampling` keeps by default."""
_LEAST_TRACES = 30
"""With fewer traces, a share of them says nothing."""
_LEAST_SPANS_OF_NAME = 10
"""A name of fewer spans is not worth a change."""


class SpanUse:
    """The spans of a capture. `is_sampled` is whether the config samples traces already."""

    def __init__(self, readable: ReadableValues, is_sampled: bool = False) -> None:
        self._readable = readable
        self._is_sampled = is_sampled
        self._amount_by_health_path: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
        self.rows: list[SpanRow] = []
        self._left_out_spans = 0

    def add_record(self, record: Record) -> None:
        """Count a span."""
        path = self._read_url_path(record)
        if path in HEALTH_PATHS:
            self._amount_by_health_path[path] = self._amount_by_health_path[path].plus(1, record.size_bytes)
        if len(self.rows) < MOST_SPANS:
            self.rows.append(read_span_row(record, self._readable.is_masked))
        else:
            self._left_out_spans += 1

    def _read_url_path(self, record: Record) -> str:
        """Return the path of the URL of a span, such as `/healthz`; empty if it has none, or if it is masked."""
        attributes = record.items[0].attributes
        for name in PATH_ATTRIBUTES:
            if self._readable.can_read(name) and attributes.get(name):
                return decode_attribute_text(attributes[name])
        return ""

    def find_outcomes(self) -> Iterator[SavingProposal | CaptureGap]:
        """Yield the proposals about spans, and what the capture does not show."""
        yield from self._propose_health_checks()
        yield from _propose_leaf_spans(self.rows, self._readable)
        yield from _report_failing_spans(self.rows)
        yield from _propose_sampling(self.rows, self._is_sampled)
        if self._left_out_spans:
            reason = f"{self._left_out_spans:,} spans after the first {MOST_SPANS:,} were not looked at"
            for kind in (proposals.LEAF_SPANS, proposals.PLAIN_TRACES, proposals.REPEATED_ERRORS):
                yield CaptureGap(kind, reason)

    def _propose_health_checks(self) -> Iterator[SavingProposal | CaptureGap]:
        masked_attributes = [name for name in PATH_ATTRIBUTES if not self._readable.can_read(name)]
        if masked_attributes and self.rows:
            advice = f"Capture with `capture_keep: [{', '.join(masked_attributes)}]`"
            yield CaptureGap(proposals.HEALTH_CHECKS, f"{' and '.join(masked_attributes)} are masked. {advice}")
        if self._amount_by_health_path:
            paths = sorted(self._amount_by_health_path)
            removed = {"traces": _sum_amounts(self._amount_by_health_path.values())}
            option = build_noise_recipe(probe_paths=paths)
            yield SavingProposal(proposals.HEALTH_CHECKS, ", ".join(paths), removed, option)


# ── Leaf spans ──


def _propose_leaf_spans(spans: Iterable[SpanRow], readable: ReadableValues) -> Iterator[SavingProposal | CaptureGap]:
    """Yield names of internal spans, none of which has children or an error.

    The option drops all spans of a name. So a single span that is needed keeps its name from being proposed.
    """
    all_spans = list(spans)
    needed_names = _find_needed_names(all_spans)
    for name, amount in _sum_by_name(all_spans).items():
        if name not in needed_names and amount.item_count >= _LEAST_SPANS_OF_NAME:
            option = _build_leaf_filter(name, readable.is_masked)
            yield SavingProposal(proposals.LEAF_SPANS, name, {"traces": amount}, option)
    if readable.other_pod_count and all_spans:
        yield CaptureGap(proposals.LEAF_SPANS, "other pods get spans of the same traces: children may be among them")


def _find_needed_names(spans: Sequence[SpanRow]) -> set[str]:
    """Return the names of spans that are needed: those with children, and all but internal steps without an error."""
    parents = {(span.trace_number, span.parent_number) for span in spans if span.parent_number}
    needed_names: set[str] = set()
    for span in spans:
        has_children = (span.trace_number, span.span_number) in parents
        if has_children or not _is_successful_step(span):
            needed_names.add(span.name)
    return needed_names


def _is_successful_step(span: SpanRow) -> bool:
    """Return whether a span is an internal step of another span, and has not failed."""
    is_root = not span.parent_number
    return span.kind == INTERNAL and not is_root and not span.has_failed


def _build_leaf_filter(name: str, is_masked: bool) -> RemovalOption | None:
    """Return the option that drops internal spans of a name; None for a masked name with too few words."""
    if not is_masked:
        has_name = f"span.name == {quote_literal(name)}"
    else:
        pattern = build_template_pattern(name)
        if not pattern:
            return None
        has_name = f"IsMatch(span.name, {quote_literal(pattern)})"
    return build_filter_option("leaf_spans", "traces", "span", f"span.kind == SPAN_KIND_INTERNAL and {has_name}")


# ── Failing spans ──


def _report_failing_spans(spans: Iterable[SpanRow]) -> Iterator[SavingProposal]:
    """Yield names of spans that fail again and again: no option drops them without a loss."""
    failed_spans = [span for span in spans if span.has_failed]
    for name, amount in _sum_by_name(failed_spans).items():
        if amount.item_count >= _LEAST_SPANS_OF_NAME:
            detail = "no option drops failed spans: correct what fails"
            yield SavingProposal(proposals.REPEATED_ERRORS, name, {"traces": amount}, None, detail)


# ── Plain traces ──


def _propose_sampling(spans: Iterable[SpanRow], is_sampled: bool) -> Iterator[SavingProposal | CaptureGap]:
    """Yield the proposal to keep only a share of plain traces, or why the capture does not show what that saves."""
    traces: dict[int, Trace] = defaultdict(Trace)
    for span in spans:
        traces[span.trace_number].add_span(span)
    plain_traces = [trace.amount for trace in traces.values() if trace.is_plain]
    if is_sampled and traces:
        yield CaptureGap(proposals.PLAIN_TRACES, "the config samples traces already")
    elif traces and len(traces) < _LEAST_TRACES:
        reason = f"the capture has {len(traces)} traces, and {_LEAST_TRACES} are needed"
        yield CaptureGap(proposals.PLAIN_TRACES, reason)
    elif plain_traces:
        plain_amount = _sum_amounts(plain_traces)
        removed_percent = 100 - REST_PERCENT
        removed = Amount(
            plain_amount.item_count * removed_percent // 100, plain_amount.size_bytes * removed_percent // 100
        )
        option = RecipeOption(recipe="tail_sampling", options={"slow_ms": SLOW_MS, "rest_percent": REST_PERCENT})
        subject = f"{len(plain_traces):,} of {len(traces):,} traces"
        yield SavingProposal(proposals.PLAIN_TRACES, subject, {"traces": removed}, option)


# ── Amounts ──


def _sum_by_name(spans: Iterable[SpanRow]) -> Mapping[str, Amount]:
    """Return how many spans have each name, with their bytes."""
    amount_by_name: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
    for span in spans:
        amount_by_name[span.name] = amount_by_name[span.name].plus(1, span.size_bytes)
    return amount_by_name


def _sum_amounts(amounts: Iterable[Amount]) -> Amount:
    total = NO_AMOUNT
    for amount in amounts:
        total = total.plus(*amount)
    return total
