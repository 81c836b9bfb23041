# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans that are worth dropping: health checks, those without children and errors, plain traces. Private."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .._otelcol.config.masking import concealed
from .._otelcol.forecast.text_templates import template_of
from . import proposals
from .captured_records import INTERNAL, NOTHING, Amount, Readable, Record, is_error, span_kind, text_of_json
from .ottl_texts import pattern_of, quoted
from .proposals import Option, Proposal, Untold, drop_noise, filtered

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
_LEAST_REPEATS = 10
_NANOSECONDS = 1_000_000


class SpanRow(NamedTuple):
    """What is kept of a span. `identity` and `parent` are numbers that equal ids share; 0 is no parent.

    `start` and `end` are in nanoseconds since 1970.
    """

    trace: int
    identity: int
    parent: int
    service: str
    name: str
    kind: str
    failed: bool
    start: int
    end: int
    size: int


@dataclass
class Trace:
    """The spans of a trace together."""

    amount: Amount = NOTHING
    failed: bool = False
    start: int = 0
    end: int = 0

    def add(self, span: SpanRow) -> None:
        """Add a span."""
        self.start = min(self.start or span.start, span.start)
        self.end = max(self.end, span.end)
        self.failed |= span.failed
        self.amount = self.amount.plus(1, span.size)

    @property
    def is_plain(self) -> bool:
        """Whether it has no error, and is not slow."""
        return not self.failed and self.end - self.start < SLOW_MS * _NANOSECONDS


class SpanUse:
    """The spans of a capture. `samples` is whether the config samples traces already."""

    def __init__(self, readable: Readable, samples: bool = False) -> None:
        self._readable, self._samples = readable, samples
        self._health: dict[str, Amount] = defaultdict(lambda: NOTHING)
        self.rows: list[SpanRow] = []
        self._left_out = 0

    def add(self, record: Record) -> None:
        """Count a span."""
        path = self._path(record)
        if path in HEALTH_PATHS:
            self._health[path] = self._health[path].plus(1, record.size)
        if len(self.rows) < MOST_SPANS:
            self.rows.append(self._row(record))
        else:
            self._left_out += 1

    def _path(self, record: Record) -> str:
        _holder, attributes = record.holders[0]
        given = (attributes.get(name, "") for name in PATH_ATTRIBUTES if self._readable.reads(name))
        return text_of_json(next(filter(None, given), ""))

    def _row(self, record: Record) -> SpanRow:
        span = record.body
        parent, name = span.get("parentSpanId") or "", str(span.get("name") or "")
        return SpanRow(
            trace=hash(span.get("traceId")),
            identity=hash(span.get("spanId")),
            parent=hash(parent) if parent.strip("0") else 0,
            service=record.resource.service,
            name=template_of(name) if self._readable.is_masked else concealed(name),
            kind=span_kind(span),
            failed=is_error(span),
            start=int(span.get("startTimeUnixNano") or 0),
            end=int(span.get("endTimeUnixNano") or 0),
            size=record.size,
        )

    def outcomes(self) -> Iterator[Proposal | Untold]:
        """Yield what is worth dropping."""
        yield from self._of_health()
        yield from self._of_leaves()
        yield from self._of_errors()
        yield from self._of_traces()
        if self._left_out:
            why = f"{self._left_out:,} spans after the first {MOST_SPANS:,} were not looked at"
            yield from (Untold(kind, why) for kind in (proposals.LEAVES, proposals.PLAIN, proposals.ERRORS))

    def _of_health(self) -> Iterator[Proposal | Untold]:
        masked = [name for name in PATH_ATTRIBUTES if not self._readable.reads(name)]
        if masked and self.rows:
            names = " and ".join(masked)
            yield Untold(proposals.HEALTH, f"{names} are masked. Capture with `capture_keep: [{', '.join(masked)}]`")
        if self._health:
            paths = sorted(self._health)
            removed = _sum(self._health.values())
            yield Proposal(proposals.HEALTH, ", ".join(paths), {"traces": removed}, drop_noise(probe_paths=paths))

    def _of_leaves(self) -> Iterator[Proposal | Untold]:
        """Yield names of internal spans of which none has children or an error."""
        parents = {(span.trace, span.parent) for span in self.rows if span.parent}
        amounts: dict[str, Amount] = defaultdict(lambda: NOTHING)
        needed: set[str] = set()
        for span in self.rows:
            amounts[span.name] = amounts[span.name].plus(1, span.size)
            has_children = (span.trace, span.identity) in parents
            if has_children or span.failed or span.kind != INTERNAL or not span.parent:
                needed.add(span.name)
        for name, amount in amounts.items():
            if name not in needed and amount.items >= _LEAST_REPEATS:
                yield Proposal(proposals.LEAVES, name, {"traces": amount}, self._without_spans(name))
        if self._readable.other_pods and self.rows:
            yield Untold(proposals.LEAVES, "other pods get spans of the same traces: children may be among them")

    def _without_spans(self, name: str) -> Option | None:
        """Return what drops internal spans of a name; None for a name that is masked and has too few words."""
        of_kind = "span.kind == SPAN_KIND_INTERNAL"
        if not self._readable.is_masked:
            return filtered("leaf_spans", "traces", "span", f"{of_kind} and span.name == {quoted(name)}")
        pattern = pattern_of(name)
        if not pattern:
            return None
        return filtered("leaf_spans", "traces", "span", f"{of_kind} and IsMatch(span.name, {quoted(pattern)})")

    def _of_errors(self) -> Iterator[Proposal | Untold]:
        """Yield names of spans that fail again and again: no option drops them without a loss."""
        amounts: dict[str, Amount] = defaultdict(lambda: NOTHING)
        for span in self.rows:
            if span.failed:
                amounts[span.name] = amounts[span.name].plus(1, span.size)
        for name, amount in amounts.items():
            if amount.items >= _LEAST_REPEATS:
                detail = "no option drops failed spans: correct what fails"
                yield Proposal(proposals.ERRORS, name, {"traces": amount}, None, detail)

    def _of_traces(self) -> Iterator[Proposal | Untold]:
        traces: dict[int, Trace] = defaultdict(Trace)
        for span in self.rows:
            traces[span.trace].add(span)
        plain = [trace.amount for trace in traces.values() if trace.is_plain]
        if self._samples and traces:
            yield Untold(proposals.PLAIN, "the config samples traces already")
        elif traces and len(traces) < _LEAST_TRACES:
            yield Untold(proposals.PLAIN, f"the capture has {len(traces)} traces, and {_LEAST_TRACES} are needed")
        elif plain:
            whole = _sum(plain)
            gone = 100 - REST_PERCENT
            removed = Amount(whole.items * gone // 100, whole.size * gone // 100)
            option = Option(recipe="tail_sampling", options={"slow_ms": SLOW_MS, "rest_percent": REST_PERCENT})
            subject = f"{len(plain):,} of {len(traces):,} traces"
            yield Proposal(proposals.PLAIN, subject, {"traces": removed}, option)


def _sum(amounts: Iterable[Amount]) -> Amount:
    whole = NOTHING
    for amount in amounts:
        whole = whole.plus(*amount)
    return whole
