# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping of a capture: all that is found in one pass, and the shares of it. Private."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._otelcol.errors import Problem
from .._otelcol.otlp_requests import MALFORMED
from .attribute_use import AttributeRow, AttributeUse
from .captured_records import NOTHING, Amount, Readable, Record, resources_of
from .log_use import LogUse
from .metric_use import MetricsUse
from .proposals import Proposal, Untold, is_safe
from .repeated_records import RepeatedRecords
from .service_facts import ServiceFacts, facts_of_spans
from .span_use import SpanUse

MOST_OF_KIND = 10
"""So many proposals of a kind are told, those with most bytes."""
MOST_ROWS = 10
"""So many attributes are listed by bytes, and as many by values."""


@dataclass(frozen=True)
class Wishes:
    """What a user wants: names of attributes that are never proposed, and the least share of bytes, in percent."""

    kept: frozenset[str] = frozenset()
    least_percent: float = 1.0
    samples: bool = False
    """Whether the config samples traces already."""


@dataclass(frozen=True)
class Found:
    """What a capture has, and what of it is worth dropping, with most bytes first.

    `smaller` is how many more proposals there are, `unseen` are names that the user keeps and that nothing has.
    """

    came: Mapping[str, Amount]
    proposals: tuple[Proposal, ...]
    smaller: int
    untold: tuple[Untold, ...]
    attributes: tuple[AttributeRow, ...]
    services: Mapping[str, ServiceFacts]
    unseen: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of all signals."""
        return sum(amount.size for amount in self.came.values())

    def shares(self, proposal: Proposal) -> dict[str, tuple[float, float]]:
        """Return which share of items and of bytes a proposal removes, by signal, from 0 to 1."""
        return {
            signal: (_share(amount.items, self.came[signal].items), _share(amount.size, self.came[signal].size))
            for signal, amount in proposal.removed.items()
        }


@dataclass
class _Uses:
    """All that looks at the records of a capture."""

    attributes: AttributeUse
    spans: SpanUse
    metrics: MetricsUse
    logs: LogUse
    repeated: RepeatedRecords = field(default_factory=RepeatedRecords)
    services: dict[str, ServiceFacts] = field(default_factory=lambda: defaultdict(ServiceFacts))
    came: dict[str, Amount] = field(default_factory=lambda: defaultdict(lambda: NOTHING))

    def add(self, signal: str, request: Mapping[str, Any]) -> None:
        """Look at a request."""
        adders: Mapping[str, Callable[[Record], None]]
        adders = {"traces": self.spans.add, "metrics": self.metrics.add, "logs": self.logs.add}
        for resource, records in resources_of(signal, request):
            items = sum(record.items for record in records)
            self.came[signal] = self.came[signal].plus(items, resource.size)
            self.attributes.add_resource(resource, signal)
            facts = self.services[resource.service]
            facts.add_resource(resource)
            for record in records:
                self.attributes.add(record)
                adders[signal](record)
                self.repeated.add(record)
                facts.add(record)

    def outcomes(self) -> Iterator[Proposal | Untold]:
        """Yield what is worth dropping."""
        for use in (self.attributes, self.spans, self.metrics, self.logs, self.repeated):
            yield from use.outcomes()


def look_at(requests: Iterable[tuple[str, Mapping[str, Any]]], readable: Readable, wishes: Wishes) -> Found:
    """Return what is found in the requests of a capture, each with its signal. Raises Problem for one not of OTLP."""
    uses = _Uses(
        AttributeUse(wishes.kept),
        SpanUse(readable, wishes.samples),
        MetricsUse(readable, wishes.kept),
        LogUse(readable),
    )
    for number, (signal, request) in enumerate(requests, 1):
        try:
            uses.add(signal, request)
        except MALFORMED as error:
            wrong = f"request {number:,} of the capture is JSON, but not of OTLP"
            raise Problem(wrong, fix="Capture it again, or remove the line of this request.") from error
    facts_of_spans(uses.spans.rows, uses.services)
    return _found(uses.came, uses.outcomes(), uses.attributes.rows(), uses.services, wishes)


def _found(
    came: Mapping[str, Amount],
    outcomes: Iterable[Proposal | Untold],
    rows: list[AttributeRow],
    services: Mapping[str, ServiceFacts],
    wishes: Wishes,
) -> Found:
    proposals: list[Proposal] = []
    untold: dict[Untold, None] = {}
    for outcome in outcomes:
        if isinstance(outcome, Proposal):
            proposals.append(_safe(outcome))
        else:
            untold[outcome] = None
    size = sum(amount.size for amount in came.values())
    large = [proposal for proposal in proposals if 100 * _share(proposal.size, size) >= wishes.least_percent]
    told = tuple(_largest(large))
    return Found(
        dict(came),
        told,
        len(proposals) - len(told),
        tuple(untold),
        tuple(_top(rows)),
        dict(services),
        tuple(sorted(wishes.kept - {row.name for row in rows})),
    )


def _largest(proposals: list[Proposal]) -> Iterator[Proposal]:
    """Yield proposals by their bytes, some of each kind."""
    of_kind = Counter[str]()
    for proposal in sorted(proposals, key=lambda proposal: (-proposal.size, proposal.kind, proposal.subject)):
        of_kind[proposal.kind] += 1
        if of_kind[proposal.kind] <= MOST_OF_KIND:
            yield proposal


def _safe(proposal: Proposal) -> Proposal:
    """Return a proposal without an option that a config would expand."""
    if proposal.option is None or is_safe(proposal.option):
        return proposal
    return replace(proposal, option=None, detail="no option: a config would expand what the name has")


def _top(rows: list[AttributeRow]) -> Iterator[AttributeRow]:
    """Yield the attributes with most bytes, and then those with most values."""
    by_values = sorted(rows, key=lambda row: (-row.values, row.name))
    yield from dict.fromkeys((*rows[:MOST_ROWS], *by_values[:MOST_ROWS]))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
