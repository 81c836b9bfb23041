# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on connectors: each joins pipelines that end in it with pipelines that start from it.

Source of each: the Collector's service/internal/graph (createNodes, createEdges and buildComponents). Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    service.pipelines.traces.exporters[0]: error [connector-cycle] pipelines form a cycle: traces → traces/2 →
    traces/3 → traces. Remove a connector from one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from ..config.paths import Path, list_at, mapping_at
from ..graphs import find_circle
from ..traits import CONNECTORS, Trait, belongs_everywhere, hands_on_records, sends_nothing, traits_of
from .build_facts import build_of
from .configured_components import component_type
from .rule_definitions import Fault, about, define_rules
from .structure import SIGNALS
from .subject import Subject
from .view import Pipeline

SignalPairs = frozenset[tuple[str, str]]
OTHER_ROLE = {"exporters": "receivers", "receivers": "exporters"}
# What a connector does with the pipelines that list it in a role.
_VERB_BY_ROLE = {"receivers": "sends to", "exporters": "receives from"}


class Conversions(NamedTuple):
    """The pairs of signals that a connector joins: one that it takes, and one that it makes of it.

    `signal_pairs` are None if they are unknown. `doubt` says why they may be others; empty if they are certain.
    """

    signal_pairs: SignalPairs | None
    doubt: str = ""

    def may_convert(self, taken_signal: str, made_signal: str) -> bool:
        """Whether the connector turns a signal into another one, as far as that is known."""
        return self.signal_pairs is None or (taken_signal, made_signal) in self.signal_pairs


class ConnectionReason(NamedTuple):
    """Why a signal at one end of a connector joins none at the other end, and the fix."""

    wrong: str
    fix: str


class Feed(NamedTuple):
    """A pipeline whose records a connector hands on to another one, and the connector."""

    pipeline: Pipeline
    connector: str


@dataclass
class ConnectorUse:
    """Where a connector stands: its path in each pipeline that lists it, for either role."""

    exporters: dict[str, Path] = field(default_factory=dict)
    receivers: dict[str, Path] = field(default_factory=dict)

    def paths(self, role: str) -> dict[str, Path]:
        """Return where the connector stands in each pipeline that lists it in a role: exporters or receivers."""
        return self.exporters if role == "exporters" else self.receivers

    def find_paths_by_signal(self, role: str) -> dict[str, Path]:
        """Return the first place of each signal, in order."""
        paths: dict[str, Path] = {}
        for pipeline, path in self.paths(role).items():
            paths.setdefault(component_type(pipeline), path)
        return paths


@about("connectors")
def one_sided_connector(subject: Subject) -> Iterator[Fault]:
    """Yield connectors that only end or only start pipelines; the Collector requires both."""
    for component_id, use in find_connector_uses(subject.config).items():
        for role, other_role in OTHER_ROLE.items():
            paths = list(use.paths(role).values())
            if paths and not use.paths(other_role):
                fix = f"List it in the {other_role} of a pipeline that it {_VERB_BY_ROLE[other_role]}."
                yield Fault(paths[0], f"connector '{component_id}' is listed among {role} only", fix)


@about("connectors")
def unsupported_connection(subject: Subject) -> Iterator[Fault]:
    """Yield connectors with a signal at one end that they cannot convert to any signal at the other end."""
    for component_id, use in find_connector_uses(subject.config).items():
        pairs, doubt = _find_conversions(subject, component_id)
        if pairs is None:
            continue
        note = f" ({doubt})" if doubt else ""
        severity = "warning" if doubt else ""
        for path, reason in _find_unjoined_signals(use, pairs):
            message = f"connector '{component_id}' {reason.wrong}{note}"
            yield Fault(path, message, reason.fix, severity=severity)


def _find_unjoined_signals(use: ConnectorUse, pairs: SignalPairs) -> Iterator[tuple[Path, ConnectionReason]]:
    """Yield where the signals of a connector stand that it joins with none at its other end, and why."""
    taken_signals, made_signals = use.find_paths_by_signal("exporters"), use.find_paths_by_signal("receivers")
    if not taken_signals or not made_signals:
        return
    joined_pairs = pairs.intersection(product(taken_signals, made_signals))
    joined_taken = {taken_signal for taken_signal, _made in joined_pairs}
    joined_made = {made_signal for _taken, made_signal in joined_pairs}
    for signal, path in taken_signals.items():
        if signal not in joined_taken:
            yield path, _explain_not_taken(signal, pairs)
    for signal, path in made_signals.items():
        if signal not in joined_made:
            yield path, _explain_not_made(signal, pairs)


def _explain_not_taken(signal: str, pairs: SignalPairs) -> ConnectionReason:
    """Return why a signal that a connector gets leads to no pipeline behind it."""
    wrong = f"cannot turn {signal} into a signal of the pipelines that receive from it"
    fitting_signals = sorted(made_signal for taken_signal, made_signal in pairs if taken_signal == signal)
    if not fitting_signals:
        return ConnectionReason(wrong, f"It takes no {signal}.")
    return ConnectionReason(wrong, f"It turns {signal} into {', '.join(fitting_signals)}.")


def _explain_not_made(signal: str, pairs: SignalPairs) -> ConnectionReason:
    """Return why a signal of pipelines behind a connector comes from none before it."""
    wrong = f"cannot make {signal} of the signals that its pipelines send to it"
    fitting_signals = sorted(taken_signal for taken_signal, made_signal in pairs if made_signal == signal)
    if not fitting_signals:
        return ConnectionReason(wrong, f"It makes no {signal}.")
    return ConnectionReason(wrong, f"It makes {signal} of {', '.join(fitting_signals)}.")


@about("connectors")
def connector_cycle(subject: Subject) -> Iterator[Fault]:
    """Yield cycles of pipelines and connectors; data would circulate forever."""
    cycle = _find_cycle(_build_connection_graph(subject))
    if not cycle:
        return
    start_index = cycle.index(min(cycle))
    ordered_cycle = [*cycle[start_index:], *cycle[:start_index]]
    start = ordered_cycle[0]
    names = " → ".join([*(sender.pipeline for sender in ordered_cycle), start.pipeline])
    path = find_connector_uses(subject.config)[start.connector].exporters[start.pipeline]
    yield Fault(path, f"pipelines form a cycle: {names}", "Remove a connector from one of them.")


class PipelineNode(NamedTuple):
    """A pipeline in the graph of connections."""

    pipeline: str


class ConnectionNode(NamedTuple):
    """A connector in the graph of connections, with the signals that it joins. It stands once for each such pair."""

    connector: str
    taken_signal: str
    made_signal: str


class CycleStep(NamedTuple):
    """A pipeline of a cycle, and the connector that takes its records to the next one."""

    pipeline: str
    connector: str


ConnectionGraph: TypeAlias = "dict[PipelineNode | ConnectionNode, list[PipelineNode | ConnectionNode]]"


def _build_connection_graph(subject: Subject) -> ConnectionGraph:
    """Return what each pipeline and connector sends to.

    The graph is linear in the size of the config, as pipelines lead to each other through connectors alone.
    """
    successors: ConnectionGraph = {}
    for component_id, use in find_connector_uses(subject.config).items():
        conversions = _find_conversions(subject, component_id)
        for taken_signal, made_signal in product(
            use.find_paths_by_signal("exporters"), use.find_paths_by_signal("receivers")
        ):
            if not conversions.may_convert(taken_signal, made_signal):
                continue
            connection = ConnectionNode(component_id, taken_signal, made_signal)
            successors[connection] = [
                PipelineNode(name) for name in use.receivers if component_type(name) == made_signal
            ]
            for name in use.exporters:
                if component_type(name) == taken_signal:
                    successors.setdefault(PipelineNode(name), []).append(connection)
    return successors


def _find_cycle(successors: ConnectionGraph) -> list[CycleStep]:
    """Return the pipelines of one cycle in order; none if there is no cycle. What stands last is followed first."""
    last_first = {node: nodes[::-1] for node, nodes in successors.items()}
    senders: list[CycleStep] = []
    for node, successor in find_circle(last_first):
        if isinstance(node, PipelineNode) and isinstance(successor, ConnectionNode):
            senders.append(CycleStep(node.pipeline, successor.connector))
    return senders


@about("connectors")
def processor_twice(subject: Subject) -> Iterator[Fault]:
    """Yield processors that get records again which they have had in a pipeline before, through a connector."""
    for pipeline, feeds in _list_fed_pipelines(subject):
        for index, name in enumerate(pipeline.processors):
            if belongs_everywhere(name):
                continue
            feed = _find_first_feed(name, "processors", feeds)
            if feed:
                earlier_pipeline = feed.pipeline.key
                message = (
                    f"'{name}' works twice on records that come from pipeline '{earlier_pipeline}' by"
                    f" '{feed.connector}'"
                )
                fix = f"Remove '{name}' from '{pipeline.key}', or from '{earlier_pipeline}'."
                yield Fault((*pipeline.config_path, "processors", index), message, fix)


@about("connectors")
def exporter_twice(subject: Subject) -> Iterator[Fault]:
    """Yield exporters and connectors that get records again which they have had from a pipeline before."""
    for pipeline, feeds in _list_fed_pipelines(subject):
        for index, name in enumerate(pipeline.exporters):
            only_hands_on = name in subject.connectors and _only_hands_on(name)
            if only_hands_on or sends_nothing(name):
                continue
            feed = _find_first_feed(name, "exporters", feeds)
            if feed:
                earlier_pipeline = feed.pipeline.key
                message = (
                    f"'{name}' gets records twice that come from pipeline '{earlier_pipeline}' by '{feed.connector}'"
                )
                fix = f"Remove '{name}' from '{pipeline.key}', or from '{earlier_pipeline}'."
                yield Fault((*pipeline.config_path, "exporters", index), message, fix)


def _only_hands_on(connector: str) -> bool:
    """Whether a connector does nothing else with records, such as count them: what it leads to is looked at instead."""
    return hands_on_records(connector) and Trait.COUNTS_SPANS not in traits_of(CONNECTORS, connector)


def _list_fed_pipelines(subject: Subject) -> Iterator[tuple[Pipeline, list[Feed]]]:
    """Yield each pipeline that gets records of others by connectors, with those others and the connectors."""
    pipelines = {pipeline.key: pipeline for pipeline in subject.view.pipelines}
    for key, pipeline in pipelines.items():
        connectors_by_pipeline = subject.view.pipeline_graph.find_feeding_pipelines(key)
        feeds = [Feed(pipelines[other], connector) for other, connector in connectors_by_pipeline.items()]
        if feeds:
            yield pipeline, feeds


def _find_first_feed(name: str, role: str, feeds: list[Feed]) -> Feed | None:
    """Return the first of some feeds whose pipeline lists a component in a role."""
    for feed in feeds:
        if name in getattr(feed.pipeline, role):
            return feed
    return None


def find_connector_uses(config: Any) -> dict[str, ConnectorUse]:
    """Return where each connector stands in pipelines."""
    connectors = mapping_at(config, "connectors")
    uses: dict[str, ConnectorUse] = {}
    if not connectors:
        return uses
    for pipeline, ids_by_role in mapping_at(config, "service", "pipelines").items():
        if component_type(pipeline) not in SIGNALS:
            continue
        for role in OTHER_ROLE:
            for index, component_id in enumerate(list_at(ids_by_role, role)):
                if isinstance(component_id, str) and component_id in connectors:
                    paths = uses.setdefault(component_id, ConnectorUse()).paths(role)
                    paths.setdefault(pipeline, ("service", "pipelines", pipeline, role, index))
    return uses


def _find_conversions(subject: Subject, component_id: str) -> Conversions:
    """Return what a connector turns signals into; nothing is known without a build, or of a type that it lacks."""
    if subject.target is None:
        return Conversions(None)
    build = build_of(subject.target)
    known_type = build.find_component("connectors", component_type(component_id))
    if known_type is None:
        return Conversions(None)
    return Conversions(known_type.signal_pairs, build.explain_signal_doubt(known_type))


_ROUTING = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/connector/routingconnector"
RULES = (
    *define_rules("error", one_sided_connector, unsupported_connection, connector_cycle, shared=True),
    *define_rules("warning", processor_twice, exporter_twice, documentation=_ROUTING),
)
