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
from .captured_records import Amount, Record, Resource, attribute_size
from .proposals import Option, Proposal, Untold, drop_noise

MOST_VALUES = 100_000
"""So many values of an attribute are told apart; of more, it is known that there are at least so many."""
MANY_VALUES = 0.9
"""From this share on, nearly each item has a value of its own."""
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
        together: dict[str, Use] = defaultdict(Use)
        for holder, use in self._uses.items():
            whole = together[holder.name]
            whole.occurrences += use.occurrences
            whole.size += use.size
            whole.values |= use.values
        rows = [
            AttributeRow(name, use.size, use.occurrences, len(use.values), len(use.values) < MOST_VALUES)
            for name, use in together.items()
        ]
        return sorted(rows, key=lambda row: (-row.size, row.name))

    def outcomes(self) -> Iterator[Proposal | Untold]:
        """Yield an attribute each, and those of resources that have one value everywhere together."""
        constant = self._constant_names()
        for row in self.rows():
            if row.name not in self._kept and row.name not in constant:
                proposal = self._of_attribute(row)
                if proposal:
                    yield proposal
        yield from self._of_constants(constant)

    def _of_attribute(self, row: AttributeRow) -> Proposal | None:
        """Return the proposal to remove an attribute; not from data points, whose series would become one."""
        removed, levels = self._removable([row.name])
        if not removed:
            return None
        on_points = Holder(row.name, "metrics", RECORD) in self._uses
        option = _of_records(row.name, tuple(removed)) if on_points else drop_noise(attributes=[row.name])
        return Proposal(proposals.ATTRIBUTES, f"{row.name} of {' and '.join(levels)}", removed, option, _values(row))

    def _removable(self, names: Iterable[str]) -> tuple[dict[str, Amount], list[str]]:
        """Return the bytes of attributes by signal, without those of data points, and what has them in words."""
        removed: dict[str, Amount] = {}
        holders: dict[str, None] = {}
        chosen = set(names)
        on_points = {name for name, signal, level in self._uses if signal == "metrics" and level == RECORD}
        for holder, use in self._uses.items():
            is_shared = holder.name in on_points and (holder.signal == "metrics" or holder.level == RESOURCE)
            if holder.name in chosen and not is_shared:
                removed[holder.signal] = removed.get(holder.signal, Amount(0, 0)).plus(0, use.size)
                holders["resources" if holder.level == RESOURCE else ITEM_NOUNS[holder.signal]] = None
        return removed, list(holders)

    def _constant_names(self) -> list[str]:
        """Return the attributes that all resources have with one value; none if there is one resource."""
        listed = list(self._resources.values())
        if len(listed) < 2:  # noqa: PLR2004 - two are needed to be the same
            return []
        first, on_records = listed[0], {name for name, _signal, level in self._uses if level == RECORD}
        names = [name for name in first if name not in self._kept and name not in on_records]
        return [name for name in names if all(other.get(name) == first[name] for other in listed)]

    def _of_constants(self, names: list[str]) -> Iterator[Proposal | Untold]:
        if len(self._resources) == 1:
            yield Untold(proposals.CONSTANTS, "the capture has one resource, so each attribute has one value")
        if names:
            removed, _levels = self._removable(names)
            yield Proposal(proposals.CONSTANTS, ", ".join(sorted(names)), removed, drop_noise(attributes=sorted(names)))


def _of_records(name: str, signals: tuple[str, ...]) -> Option:
    """Return what removes an attribute in the pipelines of these signals alone."""
    actions: list[dict[str, Any]] = [{"key": name, "action": "delete"}]
    return Option(processor=f"attributes/{_id(name)}", settings={"actions": actions}, signals=signals)


def _id(name: str) -> str:
    """Return a name as a part of the id of a component."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _values(row: AttributeRow) -> str:
    least = "" if row.are_all_values else "at least "
    values = f"{least}{row.values:,} different value{'s' if row.values != 1 else ''} in {row.occurrences:,}"
    return f"{values}: nearly each has its own" if row.values > MANY_VALUES * row.occurrences else values
