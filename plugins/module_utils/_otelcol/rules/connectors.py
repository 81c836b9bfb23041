# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on connectors: each joins pipelines that end in it with pipelines that start from it.

Source of each: the Collector's service/internal/graph (createNodes, createEdges and buildComponents). Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..config.paths import Path, section
from ..traits import CONNECTORS, Trait, belongs_everywhere, hands_on, sends_nothing, traits_of
from .components import component_type
from .structure import SIGNALS
from .subject import Fault, Subject, about, rules
from .view import Pipeline, build_of

Pairs = frozenset[tuple[str, str]]
ENDS = {"exporters": "receivers", "receivers": "exporters"}


@dataclass
class ConnectorUse:
    """Where a connector stands: path and signal by pipeline, for either end."""

    exporters: dict[str, Path] = field(default_factory=dict)
    receivers: dict[str, Path] = field(default_factory=dict)

    def signals(self, role: str) -> dict[str, Path]:
        """Return the first place of each signal, in order."""
        paths: dict[str, Path] = {}
        for pipeline, path in getattr(self, role).items():
            paths.setdefault(component_type(pipeline), path)
        return paths


@about("connectors")
def one_sided_connector(subject: Subject) -> Iterator[Fault]:
    """Yield connectors that only end or only start pipelines; the Collector requires both."""
    for component_id, use in uses(subject.config).items():
        for role, other in ENDS.items():
            if getattr(use, role) and not getattr(use, other):
                path, *_others = getattr(use, role).values()
                fix = (
                    f"List it in the {other} of a pipeline that it "
                    f"{'sends to' if other == 'receivers' else 'receives from'}."
                )
                yield Fault(path, f"connector '{component_id}' is listed among {role} only", fix)


@about("connectors")
def unsupported_connection(subject: Subject) -> Iterator[Fault]:
    """Yield connectors with a signal at one end that they cannot convert to any signal at the other end."""
    for component_id, use in uses(subject.config).items():
        pairs, doubt = _pairs(subject, component_id)
        ends = {role: use.signals(role) for role in ENDS}
        if pairs is None or not all(ends.values()):
            continue
        used_pairs = [
            (taken, made) for taken in ends["exporters"] for made in ends["receivers"] if (taken, made) in pairs
        ]
        joined = {
            "exporters": {taken for taken, _made in used_pairs},
            "receivers": {made for _taken, made in used_pairs},
        }
        for role, paths in ends.items():
            for signal, path in paths.items():
                if signal not in joined[role]:
                    yield _unjoined(component_id, (role, signal), path, pairs, doubt)


def _unjoined(component_id: str, end: tuple[str, str], path: Path, pairs: Pairs, doubt: str) -> Fault:
    role, signal = end
    side = 0 if role == "exporters" else 1
    fitting = sorted(pair[1 - side] for pair in pairs if pair[side] == signal)
    note = f" ({doubt})" if doubt else ""
    if side == 0:
        wrong = f"cannot turn {signal} into a signal of the pipelines that receive from it"
        fix = f"It turns {signal} into {', '.join(fitting)}." if fitting else f"It takes no {signal}."
    else:
        wrong = f"cannot make {signal} of the signals that its pipelines send to it"
        fix = f"It makes {signal} of {', '.join(fitting)}." if fitting else f"It makes no {signal}."
    return Fault(path, f"connector '{component_id}' {wrong}{note}", fix, severity="warning" if doubt else "")


@about("connectors")
def connector_cycle(subject: Subject) -> Iterator[Fault]:
    """Yield cycles of pipelines and connectors; data would circulate forever."""
    edges = _edges(subject)
    cycle = _cycle(edges)
    if cycle:
        way = [node for node in cycle if len(node) == 1]
        start = min(way)[0]
        turned = way[way.index((start,)) :] + way[: way.index((start,))]
        names = " → ".join([*(node[0] for node in turned), start])
        after = cycle[(cycle.index((start,)) + 1) % len(cycle)]
        path = uses(subject.config)[after[0]].exporters[start]
        yield Fault(path, f"pipelines form a cycle: {names}", "Remove a connector from one of them.")


Node = tuple[str, ...]  # a pipeline, or a connector with the signals that it joins


def _edges(subject: Subject) -> dict[Node, list[Node]]:
    """Return the graph: linear in the size of the config, as a connector stands once for each pair of signals."""
    edges: dict[Node, list[Node]] = {}
    for component_id, use in uses(subject.config).items():
        pairs, _doubt = _pairs(subject, component_id)
        for of in use.signals("exporters"):
            for to in use.signals("receivers"):
                if pairs is None or (of, to) in pairs:
                    node = (component_id, of, to)
                    edges[node] = [(name,) for name in use.receivers if component_type(name) == to]
                    for name in use.exporters:
                        if component_type(name) == of:
                            edges.setdefault((name,), []).append(node)
    return edges


def _cycle(edges: dict[Node, list[Node]]) -> list[Node]:
    """Return the nodes of one cycle in order, if there is one; iterative, so that depth cannot exhaust the stack."""
    done: set[Node] = set()
    for root in edges:
        trail: list[Node] = []
        on_trail: set[Node] = set()
        stack: list[tuple[Node, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                done.add(node)
                on_trail.discard(trail.pop())
            elif node in on_trail:
                return trail[trail.index(node) :]
            elif node not in done:
                trail.append(node)
                on_trail.add(node)
                stack.append((node, True))
                stack.extend((after, False) for after in edges.get(node, ()))
    return []


@about("connectors")
def processor_twice(subject: Subject) -> Iterator[Fault]:
    """Yield processors that get records again which they have had in a pipeline before, through a connector."""
    for pipeline, before in _handed_on(subject):
        for index, name in enumerate(pipeline.processors):
            first = None if belongs_everywhere(name) else _first_with(name, "processors", before)
            if first:
                other, connector = first
                message = f"'{name}' works twice on records that come from pipeline '{other.key}' by '{connector}'"
                fix = f"Remove '{name}' from '{pipeline.key}', or from '{other.key}'."
                yield Fault((*pipeline.path, "processors", index), message, fix)


@about("connectors")
def exporter_twice(subject: Subject) -> Iterator[Fault]:
    """Yield exporters and connectors that get records again which they have had from a pipeline before."""
    for pipeline, before in _handed_on(subject):
        for index, name in enumerate(pipeline.exporters):
            ends = sends_nothing(name) or (name in subject.connectors and _only_hands_on(name))
            first = None if ends else _first_with(name, "exporters", before)
            if first:
                other, connector = first
                message = f"'{name}' gets records twice that come from pipeline '{other.key}' by '{connector}'"
                fix = f"Remove '{name}' from '{pipeline.key}', or from '{other.key}'."
                yield Fault((*pipeline.path, "exporters", index), message, fix)


def _only_hands_on(connector: str) -> bool:
    """Whether a connector does nothing else with records, such as count them: what it leads to is looked at instead."""
    return hands_on(connector) and Trait.COUNTS_SPANS not in traits_of(CONNECTORS, connector)


def _handed_on(subject: Subject) -> Iterator[tuple[Pipeline, list[tuple[Pipeline, str]]]]:
    """Yield each pipeline that gets records of others by connectors, with those others and the connectors."""
    pipelines = {one.key: one for one in subject.view.pipelines}
    for key, pipeline in pipelines.items():
        before = [(pipelines[other], connector) for other, connector in subject.view.graph.before(key).items()]
        if before:
            yield pipeline, before


def _first_with(name: str, role: str, before: list[tuple[Pipeline, str]]) -> tuple[Pipeline, str] | None:
    return next((found for found in before if name in getattr(found[0], role)), None)


def uses(config: Any) -> dict[str, ConnectorUse]:
    """Return where each connector stands in pipelines."""
    connectors = section(config, "connectors")
    found: dict[str, ConnectorUse] = {}
    for name, pipeline in section(config, "service", "pipelines").items() if connectors else ():
        for role in ENDS if isinstance(pipeline, dict) and component_type(name) in SIGNALS else ():
            ids = pipeline.get(role)
            for index, item in enumerate(ids if isinstance(ids, list) else ()):
                if isinstance(item, str) and item in connectors:
                    paths = getattr(found.setdefault(item, ConnectorUse()), role)
                    paths.setdefault(name, ("service", "pipelines", name, role, index))
    return found


def _pairs(subject: Subject, component_id: str) -> tuple[Pairs | None, str]:
    """Return the pairs of signals of a connector, None when unknown, and why that may be wrong."""
    if subject.target is None:
        return None, ""
    build = build_of(subject.target)
    found = build.find("connectors", component_type(component_id))
    if found is None:
        return None, ""
    return found.pairs, build.doubt_of_signals(found)


_ROUTING = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/connector/routingconnector"
RULES = (
    *rules("error", one_sided_connector, unsupported_connection, connector_cycle, shared=True),
    *rules("warning", processor_twice, exporter_twice, documentation=_ROUTING),
)
