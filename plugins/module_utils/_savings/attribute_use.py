# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes by their bytes and by how many values they have. Private."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._otelcol.forecast.tallies import RECORD, RESOURCE
from .._otelcol.otlp_requests import ITEM_NOUNS
from . import proposals
from .captured_records import NOTHING, Amount, Record, Resource, attribute_size
from .proposals import Option, Proposal, Untold, drop_noise

# So many values of an attribute are told apart; of more, it is known that there are at least so many.
MOST_VALUES = 100_000
# From this share of values in occurrences on, nearly each item has a value of its own.
MANY_VALUES = 0.9
# What tells whose telemetry it is and what happened: backends group by it, so that it is no noise, whatever it weighs.
# Source: the required and recommended attributes of the semantic conventions for resources, HTTP, databases and errors.
_KEPT = """
    service.name service.namespace service.instance.id service.version deployment.environment.name
    deployment.environment k8s.cluster.name k8s.namespace.name k8s.pod.name k8s.pod.uid k8s.container.name
    k8s.deployment.name k8s.node.name host.name host.id container.id cloud.region cloud.account.id
    http.request.method http.response.status_code http.method http.status_code http.route url.path http.target
    rpc.method rpc.service rpc.grpc.status_code db.system db.system.name db.operation.name messaging.destination.name
    error.type exception.type exception.message exception.stacktrace
"""
KEPT = frozenset(_KEPT.split())


class Holder(NamedTuple):
    """Where an attribute stands: its name, the signal, and whether a resource or a record has it."""

    name: str
    signal: str
    level: str

    @property
    def is_of_series(self) -> bool:
        """Whether a data point has it, or a resource that data points may have."""
        return self.signal == "metrics" or self.level == RESOURCE


@dataclass
class Use:
    """How much an attribute is used. `values` are hashes of its different values."""

    occurrences: int = 0
    size: int = 0
    values: set[int] = field(default_factory=set)

    def add(self, name: str, value: str) -> None:
        """Count one occurrence. The value is in JSON."""
        self.occurrences += 1
        self.size += attribute_size(name, value)
        if len(self.values) < MOST_VALUES:
            self.values.add(hash(value))


class _Removable(NamedTuple):
    """What goes with attributes: bytes by signal, and in words what has them, as the keys of a mapping."""

    amounts: dict[str, Amount]
    nouns: dict[str, None]


class AttributeRow(NamedTuple):
    """An attribute for the table of attributes: its bytes, how often it occurs, its values, and whether that is all."""

    name: str
    size: int
    occurrences: int
    values: int
    are_all_values: bool


class AttributeUse:
    """The attributes of all signals. `kept` are names that are never proposed."""

    def __init__(self, kept: Iterable[str]) -> None:
        self._kept = KEPT | frozenset(kept)
        self._uses: dict[Holder, Use] = defaultdict(Use)
        self._resources: dict[int, Mapping[str, str]] = {}

    def add_resource(self, resource: Resource, signal: str) -> None:
        """Count the attributes of a resource of a request."""
        self._resources[resource.identity] = resource.attributes
        self._add(resource.attributes, signal, RESOURCE)

    def add(self, record: Record) -> None:
        """Count the attributes of a record, or of the data points of a metric."""
        for _holder, attributes in record.holders:
            self._add(attributes, record.signal, RECORD)

    def _add(self, attributes: Mapping[str, str], signal: str, level: str) -> None:
        for name, value in attributes.items():
            self._uses[Holder(name, signal, level)].add(name, value)

    def rows(self) -> list[AttributeRow]:
        """Return all attributes, those with most bytes first."""
        rows = []
        for name, use in self._uses_by_name().items():
            is_all = len(use.values) < MOST_VALUES
            rows.append(AttributeRow(name, use.size, use.occurrences, len(use.values), is_all))
        return sorted(rows, key=lambda row: (-row.size, row.name))

    def _uses_by_name(self) -> dict[str, Use]:
        """Return the use of each attribute, of all signals and levels together."""
        together: dict[str, Use] = defaultdict(Use)
        for holder, use in self._uses.items():
            whole = together[holder.name]
            whole.occurrences += use.occurrences
            whole.size += use.size
            whole.values |= use.values
        return together

    def outcomes(self) -> Iterator[Proposal | Untold]:
        """Yield an attribute each, and those of resources that have one value everywhere together."""
        constant_names, on_points = self._constant_names(), self._names_on_points()
        for row in self.rows():
            if row.name not in self._kept and row.name not in constant_names:
                yield from self._of_attribute(row, on_points)
        yield from self._of_constants(constant_names, on_points)

    def _of_attribute(self, row: AttributeRow, on_points: set[str]) -> Iterator[Proposal]:
        """Yield the proposal to remove an attribute; not from data points, whose series would become one."""
        removable = self._removable([row.name], on_points)
        if not removable.amounts:
            return
        subject = f"{row.name} of {' and '.join(removable.nouns)}"
        option = drop_noise(attributes=[row.name])
        if row.name in on_points:
            option = _of_records(row.name, tuple(removable.amounts))
        yield Proposal(proposals.ATTRIBUTES, subject, removable.amounts, option, _values_in_words(row))

    def _removable(self, names: Iterable[str], on_points: set[str]) -> _Removable:
        """Return what goes with attributes, without what would make one series of several."""
        chosen = set(names)
        removable = _Removable({}, {})
        for holder, use in self._uses.items():
            tells_series_apart = holder.name in on_points and holder.is_of_series
            if holder.name in chosen and not tells_series_apart:
                amount = removable.amounts.get(holder.signal, NOTHING)
                removable.amounts[holder.signal] = amount.plus(0, use.size)
                removable.nouns["resources" if holder.level == RESOURCE else ITEM_NOUNS[holder.signal]] = None
        return removable

    def _names_on_points(self) -> set[str]:
        """Return the attributes that data points have."""
        return {holder.name for holder in self._uses if holder.signal == "metrics" and holder.level == RECORD}

    def _constant_names(self) -> list[str]:
        """Return the attributes that resources alone have, all with one value; none if there is one resource."""
        listed = list(self._resources.values())
        if len(listed) < 2:  # noqa: PLR2004 - two are needed to be the same
            return []
        on_records = {holder.name for holder in self._uses if holder.level == RECORD}
        return [
            name
            for name, value in listed[0].items()
            if name not in self._kept and name not in on_records and _is_same_in(listed, name, value)
        ]

    def _of_constants(self, names: list[str], on_points: set[str]) -> Iterator[Proposal | Untold]:
        """Yield the attributes of resources that have one value, or why that is not known."""
        if len(self._resources) == 1:
            yield Untold(proposals.CONSTANTS, "the capture has one resource, so each attribute has one value")
        if names:
            option = drop_noise(attributes=sorted(names))
            yield Proposal(
                proposals.CONSTANTS, ", ".join(sorted(names)), self._removable(names, on_points).amounts, option
            )


def _is_same_in(resources: Iterable[Mapping[str, str]], name: str, value: str) -> bool:
    """Whether all resources have an attribute with one value."""
    return all(resource.get(name) == value for resource in resources)


def _of_records(name: str, signals: tuple[str, ...]) -> Option:
    """Return what removes an attribute in the pipelines of these signals alone."""
    actions: list[dict[str, Any]] = [{"key": name, "action": "delete"}]
    return Option(processor=f"attributes/{_part_of_id(name)}", settings={"actions": actions}, signals=signals)


def _part_of_id(name: str) -> str:
    """Return a name as a part of the id of a component."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _values_in_words(row: AttributeRow) -> str:
    """Return how many values an attribute has, in how many occurrences."""
    least = "" if row.are_all_values else "at least "
    values = f"{least}{row.values:,} different value{'s' if row.values != 1 else ''} in {row.occurrences:,}"
    return f"{values}: nearly each has its own" if row.values > MANY_VALUES * row.occurrences else values
