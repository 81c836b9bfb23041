# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipelines of a config as a graph: what each lists, and how records go from one to another through connectors.

    traces:        receivers: [otlp], exporters: [routing]
    traces/shop:   receivers: [routing], exporters: [debug]

Here traces feeds traces/shop: a pipeline feeds another one if a connector hands on its records to it. A connector such
as routing hands on the very records that it gets, to pipelines of the signal that it got them by. One connector may
join pipelines of several signals; a record never changes from one signal to another in it. Other connectors, such as
span_metrics, make new records: no walk here goes through them. Source: createNodes and createEdges of
service/internal/graph in opentelemetry-collector, and the READMEs of the connectors there and in
opentelemetry-collector-contrib. Private.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ..traits import hands_on_records
from .component_ids import trim_id
from .paths import ROLES, list_at, mapping_at

Ends = Mapping[str, Sequence[str]]
"""The ids that a pipeline lists, by role."""


def signal_of(pipeline: str) -> str:
    """Return the signal of a pipeline's name: `traces` of `traces/shop`."""
    return pipeline.partition("/")[0].strip()


def _is_acyclic(feeders_of: Mapping[str, Collection[str]]) -> bool:
    """Whether no pipeline feeds itself, also through others."""
    try:
        TopologicalSorter(feeders_of).prepare()
    except CycleError:
        return False
    return True


def read_listed_ids(lists: Any, role: str) -> list[str]:
    """Return the ids in the list of a role, as the Collector reads them. Those that are no text are left out."""
    return [trim_id(component_id) for component_id in list_at(lists, role) if isinstance(component_id, str)]


def read_connector_ids(config: Any) -> frozenset[Any]:
    """Return the ids of the connectors of a config, as the Collector reads them."""
    return frozenset(trim_id(component_id) for component_id in mapping_at(config, "connectors"))


def _find_others_of_signal(pipeline: str, candidates: Sequence[str]) -> Iterator[str]:
    """Yield the other pipelines among the candidates that have the signal of a pipeline."""
    for other in candidates:
        if other != pipeline and signal_of(other) == signal_of(pipeline):
            yield other


@dataclass(frozen=True)
class PipelineGraph:
    """Pipelines, by name with their ids in each role (receivers, processors, exporters), and the ids of connectors."""

    pipelines: Mapping[str, Ends]
    connectors: Collection[str]

    @classmethod
    def of(cls, config: Any) -> PipelineGraph:
        """Return the graph of a config. Names and ids that are no text are left out."""
        pipelines: dict[str, Ends] = {}
        for name, ids_by_role in mapping_at(config, "service", "pipelines").items():
            if isinstance(name, str):
                pipelines[name] = {role: read_listed_ids(ids_by_role, role) for role in ROLES}
        return cls(pipelines, read_connector_ids(config))

    def list_ids(self, pipeline: str, role: str) -> Sequence[str]:
        """Return the ids that a pipeline lists in a role, in their order; none for a pipeline that does not exist."""
        return self.pipelines.get(pipeline, {}).get(role, ())

    def find_signals_by_id(self, role: str) -> dict[str, tuple[str, ...]]:
        """Return the ids that pipelines list in a role, without connectors, each with its signals, in their order."""
        signals_seen: dict[str, dict[str, None]] = {}
        for pipeline in self.pipelines:
            for component_id in self.list_ids(pipeline, role):
                if component_id not in self.connectors:
                    signals_seen.setdefault(component_id, {})[signal_of(pipeline)] = None
        return {component_id: tuple(signals) for component_id, signals in signals_seen.items()}

    def list_ids_of_signal(self, signal: str, role: str) -> list[str]:
        """Return the ids that the pipelines of a signal list in a role, without connectors, in their order."""
        return [component_id for component_id, signals in self.find_signals_by_id(role).items() if signal in signals]

    def has_component(self, component_id: str) -> bool:
        """Whether a pipeline lists a component, in any role."""
        return any(component_id in ids for ids_by_role in self.pipelines.values() for ids in ids_by_role.values())

    def find_connector_sources(self, connector: str, pipeline: str) -> Iterator[str]:
        """Yield the pipelines whose records a connector hands on to a pipeline."""
        if self._hands_on(connector):
            yield from _find_others_of_signal(pipeline, self._senders_by_connector.get(connector, ()))

    def find_pipelines_behind(self, pipeline: str, connector: str) -> Iterator[str]:
        """Yield the pipelines to which a connector hands on the records of a pipeline."""
        if self._hands_on(connector):
            yield from _find_others_of_signal(pipeline, self._receivers_by_connector.get(connector, ()))

    def find_feeders(self, pipeline: str) -> Iterator[tuple[str, str]]:
        """Yield the pipelines whose records a pipeline gets at once, each with the connector between them."""
        for connector in self.list_ids(pipeline, "receivers"):
            for other in self.find_connector_sources(connector, pipeline):
                yield other, connector

    def find_feeding_pipelines(self, pipeline: str) -> dict[str, str]:
        """Return all pipelines through which records may come to a pipeline, each with the connector behind it."""
        connector_by_feeder: dict[str, str] = {}
        unvisited = [pipeline]
        while unvisited:
            for feeder, connector in self.find_feeders(unvisited.pop()):
                if feeder != pipeline and feeder not in connector_by_feeder:
                    connector_by_feeder[feeder] = connector
                    unvisited.append(feeder)
        return connector_by_feeder

    def is_fed_only_by(self, pipeline: str, others: Collection[str]) -> bool:
        """Whether every record of a pipeline came through one of these other pipelines before."""
        feeders_of: dict[str, list[str]] = {}
        unvisited = [pipeline]
        while unvisited:
            current_pipeline = unvisited.pop()
            feeders = [feeder for feeder, _connector in self.find_feeders(current_pipeline)]
            has_own_source = any(
                not self._hands_on(receiver) for receiver in self.list_ids(current_pipeline, "receivers")
            )
            if not feeders or has_own_source:
                return False
            feeders_of[current_pipeline] = [feeder for feeder in feeders if feeder not in others]
            unvisited += [feeder for feeder in feeders_of[current_pipeline] if feeder not in feeders_of]
        return _is_acyclic(feeders_of)

    def _hands_on(self, connector: str) -> bool:
        """Whether an id is that of a connector that hands on records."""
        return connector in self.connectors and hands_on_records(connector)

    @cached_property
    def _senders_by_connector(self) -> Mapping[str, Sequence[str]]:
        return self._group_by_connector("exporters")

    @cached_property
    def _receivers_by_connector(self) -> Mapping[str, Sequence[str]]:
        return self._group_by_connector("receivers")

    def _group_by_connector(self, role: str) -> Mapping[str, Sequence[str]]:
        """Return the pipelines that list each connector, read once: a config may have thousands."""
        pipelines_by_connector: dict[str, list[str]] = {}
        for pipeline in self.pipelines:
            for connector in dict.fromkeys(self.list_ids(pipeline, role)):
                if connector in self.connectors:
                    pipelines_by_connector.setdefault(connector, []).append(pipeline)
        return pipelines_by_connector
