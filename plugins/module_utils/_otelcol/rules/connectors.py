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
from itertools import product
from typing import NamedTuple, TypeAlias

from ..config.paths import Path
from ..graphs import find_circle
from ..traits import CONNECTORS, Trait, belongs_everywhere, hands_on_records, sends_nothing, traits_of
from .configured_components import component_type
from .connector_uses import OTHER_ROLE, ConnectorUse, SignalPairs, find_connector_uses, find_conversions
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Subject
from .view import Pipeline

# What a connector does with the pipelines that list it in a role.
_VERB_BY_ROLE = {"receivers": "sends to", "exporters": "receives from"}


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
        conversions = find_conversions(subject, component_id)
        if conversions.signal_pairs is None:
            continue
        note = f" ({conversions.doubt})" if conversions.doubt else ""
        severity = "warning" if conversions.doubt else SEVERITY_OF_RULE
        for unjoined_signal in _find_unjoined_signals(use, conversions.signal_pairs):
            message = f"connector '{component_id}' {unjoined_signal.problem}{note}"
            yield Fault(unjoined_signal.path, message, unjoined_signal.fix, severity=severity)


class _UnjoinedSignal(NamedTuple):
    """A signal at one end of a connector that it joins with none at its other end."""

    path: Path
    """Where the connector stands in a pipeline of the signal."""
    problem: str
    """What the connector cannot do, as the end of a sentence."""
    fix: str


def _find_unjoined_signals(use: ConnectorUse, pairs: SignalPairs) -> Iterator[_UnjoinedSignal]:
    """Yield the signals of a connector that it joins with none at its other end; none if it has one end alone."""
    taken_signals = use.find_paths_by_signal("exporters")
    made_signals = use.find_paths_by_signal("receivers")
    if not taken_signals or not made_signals:
        return
    joined_pairs = pairs.intersection(product(taken_signals, made_signals))
    joined_taken = {taken_signal for taken_signal, _made in joined_pairs}
    joined_made = {made_signal for _taken, made_signal in joined_pairs}
    for signal, path in taken_signals.items():
        if signal not in joined_taken:
            yield _describe_not_taken(path, signal, pairs)
    for signal, path in made_signals.items():
        if signal not in joined_made:
            yield _describe_not_made(path, signal, pairs)


def _describe_not_taken(path: Path, signal: str, pairs: SignalPairs) -> _UnjoinedSignal:
    """Return a signal that a connector gets, and of which it makes none of a pipeline behind it."""
    problem = f"cannot turn {signal} into a signal of the pipelines that receive from it"
    fitting_signals = sorted(made_signal for taken_signal, made_signal in pairs if taken_signal == signal)
    if not fitting_signals:
        return _UnjoinedSignal(path, problem, f"It takes no {signal}.")
    return _UnjoinedSignal(path, problem, f"It turns {signal} into {', '.join(fitting_signals)}.")


def _describe_not_made(path: Path, signal: str, pairs: SignalPairs) -> _UnjoinedSignal:
    """Return a signal of pipelines behind a connector that it makes of none of a pipeline before it."""
    problem = f"cannot make {signal} of the signals that its pipelines send to it"
    fitting_signals = sorted(taken_signal for taken_signal, made_signal in pairs if made_signal == signal)
    if not fitting_signals:
        return _UnjoinedSignal(path, problem, f"It makes no {signal}.")
    return _UnjoinedSignal(path, problem, f"It makes {signal} of {', '.join(fitting_signals)}.")


@about("connectors")
def connector_cycle(subject: Subject) -> Iterator[Fault]:
    """Yield cycles of pipelines and connectors; data would circulate forever."""
    cycle = _find_cycle(_build_connection_graph(subject))
    if not cycle:
        return
    # The search may meet the cycle anywhere; its first pipeline by name makes the message the same in each run.
    start_index = cycle.index(min(cycle))
    ordered_cycle = [*cycle[start_index:], *cycle[:start_index]]
    start = ordered_cycle[0]
    names = " → ".join([*(cycle_step.pipeline for cycle_step in ordered_cycle), start.pipeline])
    path = find_connector_uses(subject.config)[start.connector].exporters[start.pipeline]
    yield Fault(path, f"pipelines form a cycle: {names}", "Remove a connector from one of them.")


class PipelineNode(NamedTuple):
    """A pipeline in the graph of connections."""

    pipeline: str


class ConnectionNode(NamedTuple):
    """A connector in the graph of connections, once for each pair of signals that it joins."""

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

    Pipeline `traces`, connector `span_metrics` and pipeline `metrics` of connector_uses.py are three nodes, each of
    which leads to the next. The graph is linear in the size of the config, as pipelines lead to each other through
    connectors alone.
    """
    successors: ConnectionGraph = {}
    for component_id, use in find_connector_uses(subject.config).items():
        conversions = find_conversions(subject, component_id)
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
    """Return the pipelines of one cycle in order; none if there is no cycle."""
    cycle_steps: list[CycleStep] = []
    for node, successor in find_circle(successors):
        if isinstance(node, PipelineNode) and isinstance(successor, ConnectionNode):
            cycle_steps.append(CycleStep(node.pipeline, successor.connector))
    return cycle_steps


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
    """Whether a connector only hands records on, and does not count them, for example.

    Then the exporters behind it get the records twice, and the rule finds these.
    """
    return hands_on_records(connector) and Trait.COUNTS_SPANS not in traits_of(CONNECTORS, connector)


class Feed(NamedTuple):
    """A pipeline whose records a connector hands on to another one, and the connector."""

    pipeline: Pipeline
    connector: str


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
        if name in feed.pipeline.ids_by_role[role]:
            return feed
    return None


_ROUTING = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/connector/routingconnector"
RULES = (
    *define_rules("error", one_sided_connector, unsupported_connection, connector_cycle, shared=True),
    *define_rules("warning", processor_twice, exporter_twice, documentation=_ROUTING),
)
