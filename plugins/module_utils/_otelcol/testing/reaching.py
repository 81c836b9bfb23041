# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to give a config so that a record may reach a statement, condition, policy or route of it, and take it.

What the routes on the way ask for comes from their literals. Only a run can say whether a record gets there. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..config.paths import Path, at, mappings
from ..config.pipelines import PipelineGraph, signal_of
from .branch_model import Branch, Settings
from .records import OF_PIPELINES, Record
from .samples import FIELD_ABSENT, WantedFields, united_ways
from .taking_fields import fields_of_route, fields_taking

# What a route needs that reads the headers of a request.
_REQUEST = re.compile(r'request\["([^"]+)"\]\s*==\s*"([^"]*)"')
# The percentage of a policy that keeps all traces, and how many traces are given to one that keeps a part of them.
_ALL, _MOST_TRACES = 100, 300
NO_LITERAL = "its literals do not say what takes it"
UNREACHED = "what its literals say does not take it"


def ways_to_reach(
    branch: Branch, config: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield what a test may give so that a record takes a branch; `examples` is what other tests give."""
    headers: dict[str, str] = {}
    if match := _REQUEST.search(branch.what):
        headers = {match[1]: match[2]}
        taking = [WantedFields()]
    else:
        taking = fields_taking(branch, config)
    number = _number_of(at(config, branch.path))
    graph = PipelineGraph.of(config)
    for pipeline in _pipelines_with(branch, graph):
        for source in _sources(pipeline, config, graph):
            records = OF_PIPELINES[source.signal]
            for record in _records(records, united_ways(taking, source.asked), examples):
                test = {"to": source.receiver, "headers": headers, records: _in_traces_apart([record] * number)}
                yield {key: value for key, value in test.items() if value}


def _records(signal: str, overlays: Iterable[WantedFields], examples: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
    """Yield records that have the fields of one of the overlays, made of each base."""
    for overlay in overlays:
        for base in _bases(signal, examples):
            record = base
            for path, value in overlay.items():
                record = _with_value(record, path, value)
            yield {key: value for key, value in record.items() if value != {}}


def _bases(signal: str, examples: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
    """Yield records that others are made of: an empty one, and those that other tests give."""
    yield {}
    for example in examples:
        for record in example.get(signal) or ():
            if isinstance(record, Mapping):
                yield dict(record)


def _number_of(policy: Any) -> int:
    """Return how many records a branch needs: a policy may want several spans, or keep a part of the traces."""
    kind = at(policy, ("type",))
    if kind == "span_count":
        spans = at(policy, (kind, "min_spans"))
        return int(spans) if isinstance(spans, (int, float)) else 1
    if kind == "probabilistic":
        percentage = at(policy, (kind, "sampling_percentage"))
        keeps_a_part = isinstance(percentage, (int, float)) and percentage < _ALL
        return _MOST_TRACES if keeps_a_part else 1
    return 1


def _in_traces_apart(records: list[Record]) -> list[Record]:
    """Return records, of which each is of a trace of its own if there are many."""
    if len(records) < _MOST_TRACES:
        return records
    return [{**record, "trace": str(number)} for number, record in enumerate(records)]


def _with_value(base: Any, path: Path, value: Any) -> Any:
    """Return a record, or a part of it, with another value at a path."""
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        listed = list(base) if isinstance(base, list) and base else [{}]
        return [_with_value(listed[0], rest, value), *listed[1:]]
    changed = dict(base) if isinstance(base, Mapping) else {}
    if rest:
        changed[first] = _with_value(changed.get(first), rest, value)
    elif value is FIELD_ABSENT:
        changed.pop(first, None)
    else:
        changed[first] = value
    return changed


def _pipelines_with(branch: Branch, graph: PipelineGraph) -> Iterator[str]:
    """Yield the pipelines of the signals of a branch that have its component."""
    role = "processors" if branch.path[0] == "processors" else "exporters"
    for pipeline in graph.pipelines:
        if branch.path[1] in graph.listed(pipeline, role) and signal_of(pipeline) in branch.signals:
            yield pipeline


class _Source(NamedTuple):
    """A receiver whose records reach a pipeline, their signal, and what the routes on the way ask, each in a way."""

    receiver: str
    signal: str
    asked: list[WantedFields]


def _sources(
    pipeline: str, config: Mapping[str, Any], graph: PipelineGraph, seen: tuple[str, ...] = ()
) -> Iterator[_Source]:
    """Yield the receivers whose records reach a pipeline, also through connectors that were not `seen`."""
    for receiver in graph.listed(pipeline, "receivers"):
        if receiver not in graph.connectors:
            yield _Source(receiver, signal_of(pipeline), [{}])
        elif receiver not in seen:
            asked = _asked_by_routes(mappings(config, "connectors", receiver, "table"), pipeline)
            for other in graph.fed_by(receiver, pipeline):
                for source in _sources(other, config, graph, (*seen, receiver)):
                    yield source._replace(asked=united_ways(source.asked, asked))


def _asked_by_routes(routes: Sequence[Settings], pipeline: str) -> list[WantedFields]:
    """Return what the routes to a pipeline want, each a way; of a pipeline without routes, nothing."""
    asked: list[WantedFields] = []
    for route in routes:
        if pipeline in (route.get("pipelines") or ()):
            asked += fields_of_route(route)
    return asked or [{}]
