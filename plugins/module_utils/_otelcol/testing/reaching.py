# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to give a config so that a record may reach a statement, condition, policy or route of it, and take it.

These are branches, see branch_model.py. What the routes between a receiver and the branch want of a record comes from
their literals, as what the branch wants does (taking_fields.py). Only a run can say whether a record gets there.
propose.py in plugin_utils tries what `list_given_parts_taking` yields. An example: for the condition `name == "a"` of a
filter behind the receiver `otlp`, it yields `{"to": "otlp", "spans": [{"name": "a"}]}`. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..config.paths import Path, mappings_at, value_at
from ..config.pipelines import PipelineGraph, signal_of
from .branch_model import Branch, Settings
from .records import RECORD_KINDS_BY_SIGNAL, Record
from .samples import FIELD_ABSENT, WantedFields, combine_alternatives
from .taking_fields import find_fields_of_route, find_fields_taking

# A condition of a route on a header of the request, as in `request["x-tenant"] == "a"`.
_REQUEST_HEADER = re.compile(r'request\["([^"]+)"\]\s*==\s*"([^"]*)"')
# The percentage of a policy that keeps all traces.
_ALL_PERCENT = 100
# A policy that keeps a part of the traces gets so many of them that it most likely keeps one.
_MOST_TRACES = 300
REASON_NO_LITERAL = "its literals do not say what takes it"
REASON_UNREACHED = "what its literals say does not take it"


def list_given_parts_taking(
    branch: Branch, config: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield what a test may give so that a record takes a branch, the simplest record first.

    Each is one part of `given` of a test, such as `{"to": "otlp", "spans": [{"name": "a"}]}`. `examples` are such parts
    of other tests, whose records are taken as a base.
    """
    headers: dict[str, str] = {}
    if request_match := _REQUEST_HEADER.search(branch.description):
        headers = {request_match[1]: request_match[2]}
        field_alternatives = [WantedFields()]
    else:
        field_alternatives = find_fields_taking(branch, config)
    record_count = _count_needed_records(value_at(config, branch.path))
    graph = PipelineGraph.of(config)
    for pipeline in _list_pipelines_of_branch(branch, graph):
        for source in _list_sources(pipeline, config, graph):
            record_kind = RECORD_KINDS_BY_SIGNAL[source.signal]
            for record in _make_records(
                record_kind, combine_alternatives(field_alternatives, source.routed_fields), examples
            ):
                given_part = {
                    "to": source.receiver,
                    "headers": headers,
                    record_kind: _separate_traces([record] * record_count),
                }
                yield {key: value for key, value in given_part.items() if value}


def _make_records(
    signal: str, field_alternatives: Iterable[WantedFields], examples: Sequence[Mapping[str, Any]]
) -> Iterator[Record]:
    """Yield a record for each alternative and each base record: the base with the fields of the alternative.

    `signal` is the kind of records in the short form, such as `spans`.
    """
    for wanted_fields in field_alternatives:
        for base_record in _list_base_records(signal, examples):
            record = base_record
            for path, value in wanted_fields.items():
                record = _set_value(record, path, value)
            yield {key: value for key, value in record.items() if value != {}}


def _list_base_records(signal: str, examples: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
    """Yield records that others are made of: an empty one, and those that other tests give."""
    yield {}
    for example in examples:
        for record in example.get(signal) or ():
            if isinstance(record, Mapping):
                yield dict(record)


def _count_needed_records(policy: Any) -> int:
    """Return how many records a branch needs: a policy may want several spans, or keep a part of the traces."""
    policy_type = value_at(policy, ("type",))
    if policy_type == "span_count":
        spans = value_at(policy, (policy_type, "min_spans"))
        return int(spans) if isinstance(spans, (int, float)) else 1
    if policy_type == "probabilistic":
        percentage = value_at(policy, (policy_type, "sampling_percentage"))
        keeps_a_part = isinstance(percentage, (int, float)) and percentage < _ALL_PERCENT
        return _MOST_TRACES if keeps_a_part else 1
    return 1


def _separate_traces(records: list[Record]) -> list[Record]:
    """Return records, of which each is of a trace of its own if there are many."""
    if len(records) < _MOST_TRACES:
        return records
    return [{**record, "trace": str(trace_number)} for trace_number, record in enumerate(records)]


def _set_value(base_value: Any, path: Path, value: Any) -> Any:
    """Return a record, or a part of it, with another value at a path.

    `{"name": "a"}` with `1` at `("attributes", "b")` is `{"name": "a", "attributes": {"b": 1}}`.
    """
    first_key, later_keys = path[0], path[1:]
    if isinstance(first_key, int):
        list_value = list(base_value) if isinstance(base_value, list) and base_value else [{}]
        return [_set_value(list_value[0], later_keys, value), *list_value[1:]]
    changed_value = dict(base_value) if isinstance(base_value, Mapping) else {}
    if later_keys:
        changed_value[first_key] = _set_value(changed_value.get(first_key), later_keys, value)
    elif value is FIELD_ABSENT:
        changed_value.pop(first_key, None)
    else:
        changed_value[first_key] = value
    return changed_value


def _list_pipelines_of_branch(branch: Branch, graph: PipelineGraph) -> Iterator[str]:
    """Yield the pipelines of the signals of a branch that have its component."""
    role = "processors" if branch.path[0] == "processors" else "exporters"
    for pipeline in graph.pipelines:
        if branch.path[1] in graph.list_ids(pipeline, role) and signal_of(pipeline) in branch.signals:
            yield pipeline


class _ReachingReceiver(NamedTuple):
    """A receiver whose records reach a pipeline."""

    receiver: str
    signal: str
    """The signal of its records."""
    routed_fields: list[WantedFields]
    """The alternative fields with which a record passes all routes between both; one of no fields without routes."""


def _list_sources(
    pipeline: str, config: Mapping[str, Any], graph: PipelineGraph, seen_connectors: tuple[str, ...] = ()
) -> Iterator[_ReachingReceiver]:
    """Yield the receivers whose records reach a pipeline, directly or through connectors.

    `seen_connectors` are those that were followed so far, which are not entered again.
    """
    for receiver in graph.list_ids(pipeline, "receivers"):
        if receiver not in graph.connectors:
            yield _ReachingReceiver(receiver, signal_of(pipeline), [{}])
        elif receiver not in seen_connectors:
            routed_fields = _list_fields_of_routes(mappings_at(config, "connectors", receiver, "table"), pipeline)
            for feeding_pipeline in graph.find_connector_sources(receiver, pipeline):
                for source in _list_sources(feeding_pipeline, config, graph, (*seen_connectors, receiver)):
                    yield source._replace(routed_fields=combine_alternatives(source.routed_fields, routed_fields))


def _list_fields_of_routes(routes: Sequence[Settings], pipeline: str) -> list[WantedFields]:
    """Return the alternative fields to take one of the routes to a pipeline; one of no fields without a route."""
    routed_fields: list[WantedFields] = []
    for route in routes:
        if pipeline in (route.get("pipelines") or ()):
            routed_fields += find_fields_of_route(route)
    return routed_fields or [{}]
