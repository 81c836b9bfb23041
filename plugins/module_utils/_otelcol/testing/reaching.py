# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to give a config so that a record may take a statement, condition, policy or route of it.

It comes from literals: of the text itself, of its group, and of the routes on the way. Only a run can say whether a
record gets there and takes it. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..config.paths import Path, at, items, mappings, section
from ..config.pipelines import PipelineGraph, signal_of
from ..languages.ottl_syntax import Invalid, Token, tokens_of
from ..traits import kind_of
from .branch_model import Branch, Settings
from .records import OF_PIPELINES, Record
from .regex_sample import sample_text
from .samples import (
    ABSENT,
    TEXT,
    Unknown,
    Wanted,
    called_function,
    fields_meeting,
    literal_value,
    record_field,
    united_ways,
)
from .statement_marks import statement_parts

# Keys in settings that name a context in another way.
_CONTEXT_OF = {"log_record": "log", "spans": "span", "spanevents": "spanevent", "metrics": "metric",
               "datapoints": "datapoint", "logs": "log"}  # fmt: skip
_FIXED = ("resource", "span", "spanevent", "metric", "datapoint")
# What a route needs that reads the headers of a request.
_REQUEST = re.compile(r'request\["([^"]+)"\]\s*==\s*"([^"]*)"')
_ALL, _MOST_TRACES = 100, 300
"""How many traces are given to a policy that keeps a part of them."""
NO_LITERAL = "its literals do not say what takes it"
UNREACHED = "what its literals say does not take it"


@dataclass(frozen=True)
class Target:
    """What a record should take, read from its config once.

    `component` is the role and the id, `kind` the type without underscores. `listed_in` names the list that the value
    is in, and `group` the settings that have this list. `context` is that of the statements and conditions there.
    """

    component: Path
    kind: str
    value: Any
    listed_in: Any
    group: Settings
    context: str

    @classmethod
    def of(cls, branch: Branch, config: Mapping[str, Any]) -> Target:
        """Return the target of a branch of a config."""
        path = branch.path
        group = at(config, path[:-2])
        group = group if isinstance(group, Mapping) else {}
        context = str(group.get("context") or "") or _context_of(path)
        return cls(path[:2], kind_of(str(path[1])), at(config, path), path[-2], group, context)


def _context_of(path: Path) -> str:
    """Return the context that the keys of a path name; empty text if they name none."""
    names = (_CONTEXT_OF.get(str(key), str(key)) for key in path[2:] if key in _CONTEXT_OF or key in _FIXED)
    return next(names, "")


def ways_to_reach(
    branch: Branch, config: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield what a test may give so that a record takes a branch; `examples` is what other tests give."""
    headers: dict[str, str] = {}
    if match := _REQUEST.search(branch.what):
        headers = {match[1]: match[2]}
        taking = [Wanted()]
    else:
        taking = _taking(branch, config)
    number = _number_of(at(config, branch.path))
    graph = PipelineGraph.of(config)
    for pipeline in _pipelines(branch, graph):
        for source in _sources(pipeline, config, graph):
            records = OF_PIPELINES[source.signal]
            for record in _records(records, united_ways(taking, source.asked), examples):
                test = {"to": source.receiver, "headers": headers, records: _apart([record] * number)}
                yield {key: value for key, value in test.items() if value}


def _records(signal: str, overlays: Iterable[Wanted], examples: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
    """Yield records that have the fields of one of the overlays, made of each base."""
    for overlay in overlays:
        for base in _bases(signal, examples):
            record = base
            for path, value in overlay.items():
                record = _laid(record, path, value)
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


def _apart(records: list[Record]) -> list[Record]:
    """Return records, of which each is of a trace of its own if there are many."""
    if len(records) < _MOST_TRACES:
        return records
    return [{**record, "trace": str(number)} for number, record in enumerate(records)]


def _laid(base: Any, path: Path, value: Any) -> Any:
    """Return a record, or a part of it, with another value at a path."""
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        listed = list(base) if isinstance(base, list) and base else [{}]
        return [_laid(listed[0], rest, value), *listed[1:]]
    laid = dict(base) if isinstance(base, Mapping) else {}
    if rest:
        laid[first] = _laid(laid.get(first), rest, value)
    elif value is ABSENT:
        laid.pop(first, None)
    else:
        laid[first] = value
    return laid


def _pipelines(branch: Branch, graph: PipelineGraph) -> Iterator[str]:
    """Yield the pipelines of the signals of a branch that have its component."""
    role = "processors" if branch.path[0] == "processors" else "exporters"
    for pipeline in graph.pipelines:
        if branch.path[1] in graph.listed(pipeline, role) and signal_of(pipeline) in branch.signals:
            yield pipeline


class _Source(NamedTuple):
    """A receiver whose records reach a pipeline, their signal, and what the routes on the way ask, each in a way."""

    receiver: str
    signal: str
    asked: list[Wanted]


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


def _asked_by_routes(routes: Sequence[Settings], pipeline: str) -> list[Wanted]:
    """Return what the routes to a pipeline want, each a way; of a pipeline without routes, nothing."""
    asked: list[Wanted] = []
    for route in routes:
        if pipeline in (route.get("pipelines") or ()):
            asked += _routed(route)
    return asked or [{}]


def _routed(route: Settings) -> list[Wanted]:
    """Return the fields of a record that a route takes, in one way or another."""
    condition = route.get("condition")
    if not condition:
        _action, condition = statement_parts(str(route.get("statement") or ""))
    return fields_meeting(str(condition), str(route.get("context") or "resource"))


def _taking(branch: Branch, config: Mapping[str, Any]) -> list[Wanted]:
    """Return the fields of a record that may take a branch, in one way or another."""
    target = Target.of(branch, config)
    if target.component[0] == "connectors" and target.kind == "routing":
        takes_the_rest = branch.path[-1] == "default_pipelines"
        return [{}] if takes_the_rest else _routed(at(config, branch.path[:-1]))
    if isinstance(target.value, Mapping):
        of_mapping = _OF_MAPPING.get(target.kind)
        return of_mapping(target.value) if of_mapping else []
    if target.kind == "transform" and target.listed_in != "conditions":
        return _of_statement(target)
    return fields_meeting(str(target.value), target.context)


def _of_statement(target: Target) -> list[Wanted]:
    """Return the fields that let a statement change a record, under its condition and one of its group."""
    conditions = items(target.group, "conditions") if target.listed_in == "statements" else []
    of_group: list[Wanted] = [] if conditions else [{}]
    for text in conditions:
        of_group += fields_meeting(str(text), target.context)
    action, condition = statement_parts(str(target.value))
    changed = _changed(action, target.context)
    return [{**changed, **fields} for fields in united_ways(of_group, fields_meeting(condition, target.context))]


@dataclass(frozen=True)
class _Editor:
    """A function that changes records: the types of literals that it must have, and the fields that it changes."""

    takes: tuple[type, ...]
    fields: Callable[[Path, list[Any]], Wanted]

    def wanted(self, path: Path, values: list[Any]) -> Wanted:
        """Return the fields that it changes; none if its literals are missing or of other types."""
        if len(values) < len(self.takes):
            return {}
        for value, kind in zip(values, self.takes, strict=False):
            if not isinstance(value, kind):
                return {}
        return self.fields(path, values)


def _matching_values(path: Path, values: list[Any]) -> Wanted:
    """Return a mapping with a key or a value that `replace_all_patterns` replaces."""
    target, pattern = values[0], values[1]
    text = sample_text(pattern)
    key = text if target == "key" else "key"
    return {(*path, key): text}


_EDITORS = {
    "delete_key": _Editor((object,), lambda path, values: {(*path, values[0]): TEXT}),
    "delete_matching_keys": _Editor((str,), lambda path, values: {(*path, sample_text(values[0])): TEXT}),
    "keep_keys": _Editor((), lambda path, _values: {(*path, "other"): TEXT}),
    "keep_matching_keys": _Editor((), lambda path, _values: {(*path, "_"): TEXT}),
    "replace_pattern": _Editor((str,), lambda path, values: {path: sample_text(values[0])}),
    "replace_match": _Editor((str,), lambda path, values: {path: values[0].replace("*", "x")}),
    "replace_all_patterns": _Editor((object, str), _matching_values),
    "replace_all_matches": _Editor((str,), lambda path, values: {(*path, "key"): values[0].replace("*", "x")}),
    "truncate_all": _Editor((int,), lambda path, values: {(*path, "key"): "x" * (values[0] + 1)}),
    "limit": _Editor((int,), lambda path, values: {(*path, f"key{number}"): TEXT for number in range(values[0] + 1)}),
}


def _changed(action: str, context: str) -> Wanted:
    """Return the fields that a record needs so that a statement changes it."""
    try:
        name, arguments = called_function(tokens_of(action)[:-1])
    except (Unknown, Invalid):
        return {}
    path = record_field(_text(action, arguments[0]), context) if arguments else ()
    if name in _EDITORS and path:
        try:
            values = [literal_value(argument) for argument in arguments[1:3] if argument[-1].text != "]"]
        except Unknown:
            return {}
        return _EDITORS[name].wanted(path, values)
    return _read_fields(action, arguments[1:], context, path)


def _read_fields(action: str, arguments: Sequence[Sequence[Token]], context: str, changed: Path) -> Wanted:
    """Return the fields that a statement reads in its arguments, but for the one that it changes."""
    fields: Wanted = {}
    for argument in arguments:
        if argument[0].kind == "lower":
            field = record_field(_text(action, argument), context)
            if _is_another(field, changed):
                fields[field] = TEXT
    return fields


def _is_another(other: Path, path: Path) -> bool:
    """Whether a field that a statement reads is one that users set, and not the one that it changes."""
    return bool(other) and other[-1:] != path[-1:] and other[0] in ("attributes", "resource")


def _text(action: str, tokens: Sequence[Token]) -> str:
    """Return the part of a statement that has these tokens."""
    return action[tokens[0].start : tokens[-1].start + len(tokens[-1].text)]


def _of_policy(policy: Settings) -> list[Wanted]:
    """Return the fields of a span that a policy keeps, or drops if it is one that drops."""
    kind = str(policy.get("type"))
    own = section(policy, kind)
    sub_policies = mappings(own, f"{kind}_sub_policy")
    if sub_policies:
        return _of_policies(kind, sub_policies)
    if kind == "ottl_condition":
        return _of_conditions(own)
    if own.get("invert_match") or kind not in _POLICIES:
        return []
    try:
        return [_POLICIES[kind](own)]
    except (KeyError, IndexError, TypeError, ValueError):  # a policy without a setting, or with one of another type
        return []


def _of_conditions(own: Settings) -> list[Wanted]:
    """Return the fields of a span that meets one of the conditions of a policy."""
    ways: list[Wanted] = []
    for context in ("span", "spanevent"):
        for text in items(own, context):
            ways += fields_meeting(str(text), context)
    return ways


def _of_policies(kind: str, policies: Sequence[Settings]) -> list[Wanted]:
    """Return the fields of a span that a policy of others keeps: `and` and `drop` want all, other kinds one."""
    needs_all = kind in ("and", "drop")
    ways: list[Wanted] = [{}] if needs_all else []
    for policy in policies:
        if needs_all:
            ways = united_ways(ways, _of_policy(policy))
        else:
            ways += _of_policy(policy)
    return ways


def _text_attribute(own: Settings) -> Wanted:
    """Return the attribute that a policy `string_attribute` keeps."""
    value = str(own["values"][0])
    if own.get("enabled_regex_matching"):
        value = sample_text(value)
    return {("attributes", own["key"]): value}


_POLICIES: dict[str, Callable[[Settings], Wanted]] = {
    "always_sample": lambda _own: {},
    "status_code": lambda own: {("status",): str(own["status_codes"][0]).lower()},
    "latency": lambda own: {("duration",): f"{int(own['threshold_ms']) + 1}ms"},
    "string_attribute": _text_attribute,
    "numeric_attribute": lambda own: {("attributes", own["key"]): own.get("min_value", own.get("max_value", 0))},
    "boolean_attribute": lambda own: {("attributes", own["key"]): bool(own.get("value"))},
    "probabilistic": lambda _own: {},
    "rate_limiting": lambda _own: {},
    "span_count": lambda _own: {("trace",): "one"},
}


def _action(root: str) -> Callable[[Settings], list[Wanted]]:
    """Return what gives the attributes below `root` on which an action acts."""

    def fields_acted_on(action: Settings) -> list[Wanted]:
        key, pattern = str(action.get("key", "")), str(action.get("pattern", ""))
        if action.get("from_context"):
            return []
        if action.get("from_attribute"):
            return [{(root, str(action["from_attribute"])): TEXT}]
        kind = action.get("action")
        if kind == "extract":
            return [{(root, key): sample_text(pattern)}]
        if kind in ("insert", "upsert"):
            return [{}]
        value = "1" if kind == "convert" else TEXT
        return [{(root, key or sample_text(pattern)): value}]

    return fields_acted_on


def _metric(transform: Settings) -> list[Wanted]:
    """Return the name of a metric that a transform of metricstransform takes."""
    name = str(transform.get("include", ""))
    if transform.get("match_type") == "regexp":
        name = sample_text(name)
    return [{("name",): name}]


_OF_MAPPING: dict[str, Callable[[Settings], list[Wanted]]] = {
    "attributes": _action("attributes"),
    "resource": _action("resource"),
    "metricstransform": _metric,
    "tailsampling": _of_policy,
}
