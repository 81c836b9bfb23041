# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes that are worth dropping, by their bytes and by how many different values they have.

`observation.py` adds each resource and record of a capture to `AttributeUse`, and asks it for proposals in the end.
Example: attribute `thread.id` of 1,000 spans takes 40,000 bytes, and has 12 different values. The proposal is to remove
it from traces. Private.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._otelcol.forecast.tallies import RECORD, RESOURCE
from .._otelcol.otlp_requests import ITEM_NOUNS
from . import proposals
from .captured_records import NO_AMOUNT, Amount, Record, Resource
from .proposals import CaptureGap, SavingProposal
from .record_json import measure_attribute_size
from .removal_options import ProcessorOption, RemovalOption, build_noise_recipe

# So many different values of an attribute are counted. If there are more, the table says `at least` so many.
MOST_VALUES = 100_000
# If an attribute has more different values than this share of its occurrences, nearly each item has its own value.
LEAST_SHARE_OF_MANY_VALUES = 0.9
# These attributes say whose telemetry it is and what happened. Backends group by them, so they are never proposed.
# Source: the required and recommended attributes of the semantic conventions for resources, HTTP, databases and errors.
_KEPT = """
    service.name service.namespace service.instance.id service.version deployment.environment.name
    deployment.environment k8s.cluster.name k8s.namespace.name k8s.pod.name k8s.pod.uid k8s.container.name
    k8s.deployment.name k8s.node.name host.name host.id container.id cloud.region cloud.account.id
    http.request.method http.response.status_code http.method http.status_code http.route url.path http.target
    rpc.method rpc.service rpc.grpc.status_code db.system db.system.name db.operation.name messaging.destination.name
    error.type exception.type exception.message exception.stacktrace
"""
NEVER_PROPOSED = frozenset(_KEPT.split())


class AttributeOwner(NamedTuple):
    """An attribute, and what has it: the resources or the records of a signal."""

    name: str
    signal: str
    level: str
    """RESOURCE or RECORD."""

    @property
    def may_distinguish_series(self) -> bool:
        """Whether a data point has it, or a resource that data points may have.

        Two series of a metric may differ by this attribute alone. Without it, they would be one.
        """
        return self.signal == "metrics" or self.level == RESOURCE


@dataclass
class AttributeCount:
    """How much an attribute is used."""

    occurrences: int = 0
    size_bytes: int = 0
    value_hashes: set[int] = field(default_factory=set)
    """Hashes of its different values, since a hash takes less memory than a value."""

    def add_occurrence(self, name: str, value: str) -> None:
        """Count one occurrence. The value is in JSON."""
        self.occurrences += 1
        self.size_bytes += measure_attribute_size(name, value)
        if len(self.value_hashes) < MOST_VALUES:
            self.value_hashes.add(hash(value))


class _Removable(NamedTuple):
    """What is removed with some attributes."""

    amount_by_signal: dict[str, Amount]
    owner_nouns: list[str]
    """What has the attributes, such as `resources` and `spans`, each once."""


class AttributeRow(NamedTuple):
    """A row of the table of attributes. Its fields are the keys of `attributes` in the result of the module."""

    name: str
    size: int
    """In bytes."""
    occurrences: int
    values: int
    """How many different values were counted."""
    are_all_values: bool
    """Whether there are no more values than that."""


class AttributeUse:
    """The attributes of a capture. `kept_names` are names that are never proposed."""

    def __init__(self, kept_names: Iterable[str]) -> None:
        self._kept = NEVER_PROPOSED | frozenset(kept_names)
        self._counts: dict[AttributeOwner, AttributeCount] = defaultdict(AttributeCount)
        # The attributes of each resource, by the number that equal resources share.
        self._resources: dict[int, Mapping[str, str]] = {}

    def add_resource(self, resource: Resource, signal: str) -> None:
        """Count the attributes of a resource of a request."""
        self._resources[resource.identity] = resource.attributes
        self._add(resource.attributes, signal, RESOURCE)

    def add_record(self, record: Record) -> None:
        """Count the attributes of a record, or of the data points of a metric."""
        for item in record.items:
            self._add(item.attributes, record.signal, RECORD)

    def _add(self, attributes: Mapping[str, str], signal: str, level: str) -> None:
        for name, value in attributes.items():
            self._counts[AttributeOwner(name, signal, level)].add_occurrence(name, value)

    def list_rows(self) -> list[AttributeRow]:
        """Return a row for each attribute, those with most bytes first."""
        rows = []
        for name, count in self._sum_counts_by_name().items():
            value_count = len(count.value_hashes)
            row = AttributeRow(
                name=name,
                size=count.size_bytes,
                occurrences=count.occurrences,
                values=value_count,
                are_all_values=value_count < MOST_VALUES,
            )
            rows.append(row)
        return sorted(rows, key=lambda row: (-row.size, row.name))

    def _sum_counts_by_name(self) -> dict[str, AttributeCount]:
        """Return how much each attribute is used, in all signals and levels together."""
        count_by_name: dict[str, AttributeCount] = defaultdict(AttributeCount)
        for owner, count in self._counts.items():
            total_count = count_by_name[owner.name]
            total_count.occurrences += count.occurrences
            total_count.size_bytes += count.size_bytes
            total_count.value_hashes |= count.value_hashes
        return count_by_name

    def find_outcomes(self) -> Iterator[SavingProposal | CaptureGap]:
        """Yield a proposal for each attribute, and one for all attributes of resources with one value everywhere."""
        constant_names, point_attributes = self._list_constant_names(), self._list_point_attributes()
        for row in self.list_rows():
            # Those of the second kind are proposed together, since one recipe removes them all.
            if row.name not in self._kept and row.name not in constant_names:
                yield from self._propose_attribute(row, point_attributes)
        yield from self._propose_constants(constant_names, point_attributes)

    def _propose_attribute(self, row: AttributeRow, point_attributes: set[str]) -> Iterator[SavingProposal]:
        """Yield the proposal to remove an attribute, but not from data points, since their series would become one.

        The recipe would remove it from data points too, so an attribute that they have needs a processor.
        """
        removable = self._sum_removable([row.name], point_attributes)
        if not removable.amount_by_signal:
            return
        if row.name in point_attributes:
            option: RemovalOption = _build_delete_option(row.name, tuple(removable.amount_by_signal))
        else:
            option = build_noise_recipe(attributes=[row.name])
        yield SavingProposal(
            kind=proposals.ATTRIBUTES,
            subject=f"{row.name} of {' and '.join(removable.owner_nouns)}",
            removed_amounts=removable.amount_by_signal,
            option=option,
            detail=_describe_values(row),
        )

    def _sum_removable(self, attribute_names: Iterable[str], point_attributes: set[str]) -> _Removable:
        """Return what is removed with attributes. Where one distinguishes series, it stays and does not count."""
        chosen_names = set(attribute_names)
        amount_by_signal: dict[str, Amount] = {}
        owner_nouns: list[str] = []
        for owner, count in self._counts.items():
            distinguishes_series = owner.name in point_attributes and owner.may_distinguish_series
            if owner.name in chosen_names and not distinguishes_series:
                amount = amount_by_signal.get(owner.signal, NO_AMOUNT)
                # The items stay without the attribute, so only bytes are removed.
                amount_by_signal[owner.signal] = amount.plus(item_count=0, size_bytes=count.size_bytes)
                owner_nouns.append("resources" if owner.level == RESOURCE else ITEM_NOUNS[owner.signal])
        return _Removable(amount_by_signal, owner_nouns=list(dict.fromkeys(owner_nouns)))

    def _list_point_attributes(self) -> set[str]:
        """Return the attributes that data points have."""
        return {owner.name for owner in self._counts if owner.signal == "metrics" and owner.level == RECORD}

    def _list_constant_names(self) -> list[str]:
        """Return the attributes that only resources have, and all of them with the same value.

        There are none if the capture has a single resource.
        """
        resources = list(self._resources.values())
        if len(resources) < 2:  # noqa: PLR2004 - two are needed to be the same
            return []
        other_names = self._kept | {owner.name for owner in self._counts if owner.level == RECORD}
        constant_names = []
        for name, value in resources[0].items():
            if name not in other_names and _has_same_value(resources, name, value):
                constant_names.append(name)
        return constant_names

    def _propose_constants(
        self, constant_names: list[str], point_attributes: set[str]
    ) -> Iterator[SavingProposal | CaptureGap]:
        """Yield the proposal to remove attributes with one value, or why the capture does not show which these are."""
        if len(self._resources) == 1:
            yield CaptureGap(
                proposals.CONSTANT_ATTRIBUTES, "the capture has one resource, so each attribute has one value"
            )
        if constant_names:
            sorted_names = sorted(constant_names)
            amounts = self._sum_removable(constant_names, point_attributes).amount_by_signal
            option = build_noise_recipe(attributes=sorted_names)
            yield SavingProposal(proposals.CONSTANT_ATTRIBUTES, ", ".join(sorted_names), amounts, option)


def _has_same_value(resources: Iterable[Mapping[str, str]], name: str, value: str) -> bool:
    """Whether all resources have an attribute with one value."""
    return all(resource.get(name) == value for resource in resources)


def _build_delete_option(name: str, signals: tuple[str, ...]) -> ProcessorOption:
    """Return the processor that removes an attribute in the pipelines of these signals alone."""
    actions: list[dict[str, Any]] = [{"key": name, "action": "delete"}]
    return ProcessorOption(
        processor=f"attributes/{_escape_component_id(name)}", settings={"actions": actions}, signals=signals
    )


def _escape_component_id(name: str) -> str:
    """Return a name as a part of the id of a component."""
    return "".join(character if character.isalnum() else "_" for character in name)


def _describe_values(row: AttributeRow) -> str:
    """Return how many values an attribute has, such as `at least 2 different values in 7`."""
    at_least = "" if row.are_all_values else "at least "
    noun = "value" if row.values == 1 else "values"
    described_values = f"{at_least}{row.values:,} different {noun} in {row.occurrences:,}"
    if row.values > LEAST_SHARE_OF_MANY_VALUES * row.occurrences:
        return f"{described_values}: nearly each has its own"
    return described_values
