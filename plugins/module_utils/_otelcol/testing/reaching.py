# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to give a config so that a record may take a statement, condition, policy or route of it.

It comes from literals: of the text itself, of its group, and of the routes on the way. Only a run can say whether a
record gets there and takes it. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from ..config.paths import Path, at, items, mappings, section
from ..languages.ottl_syntax import Invalid, Token, tokens_of
from ..needs.listeners import kind_of
from .branches import Branch, Settings, parts
from .records import OF_PIPELINES, Record
from .regex_sample import sample
from .samples import ABSENT, TEXT, Unknown, Wanted, called, field, literal, meeting, together

# Keys in settings that name a context in another way.
_CONTEXT_OF = {"log_record": "log", "spans": "span", "spanevents": "spanevent", "metrics": "metric",
               "datapoints": "datapoint", "logs": "log"}  # fmt: skip
_FIXED = ("resource", "span", "spanevent", "metric", "datapoint")
# What a route needs that reads the headers of a request.
_REQUEST = re.compile(r'request\["([^"]+)"\]\s*==\s*"([^"]*)"')
_PASSING = ("forward", "routing", "failover", "roundrobin")
_ALL, _MOST_TRACES = 100, 300
"""How many traces are given to a policy that keeps a part of them."""
NO_LITERAL = "its literals do not say what takes it"
UNREACHED = "what its literals say does not take it"


def given(branch: Branch, config: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what a test may give so that a record takes a branch; `examples` is what other tests give."""
    if match := _REQUEST.search(branch.what):
        headers, wanted = {match[1]: match[2]}, [Wanted()]
    else:
        headers, wanted = {}, list(_wanted(branch, config))
    for pipeline in _pipelines(branch, config):
        for receiver, signal, way in _ways(pipeline, config, ()):
            both = (together(one, other) for one in wanted for other in way)
            for overlay in (one for one in both if one is not None):
                for base in _bases(OF_PIPELINES[signal], examples):
                    record: Record = reduce(lambda one, pair: _laid(one, *pair), overlay.items(), base)
                    record = {key: value for key, value in record.items() if value != {}}
                    records = [record] * _number_of(branch, config)
                    found: dict[str, Any] = {"to": receiver, "headers": headers, OF_PIPELINES[signal]: _apart(records)}
                    yield {key: value for key, value in found.items() if value}


def _bases(signal: str, examples: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
    """Yield records that others are made of: an empty one, and those that other tests give."""
    yield {}
    for example in examples:
        listed = example.get(signal)
        yield from (dict(record) for record in listed or () if isinstance(record, Mapping))


def _number_of(branch: Branch, config: Mapping[str, Any]) -> int:
    """Return how many records a branch needs: a policy may want several spans, or keep a part of the traces."""
    policy = at(config, branch.path)
    for kind, key in (("span_count", "min_spans"), ("probabilistic", "sampling_percentage")):
        number = at(policy, (kind, key)) if at(policy, ("type",)) == kind else None
        if isinstance(number, (int, float)):
            return int(number) if kind == "span_count" else 1 if number >= _ALL else _MOST_TRACES
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
    found = dict(base) if isinstance(base, Mapping) else {}
    if rest:
        found[first] = _laid(found.get(first), rest, value)
    elif value is ABSENT:
        found.pop(first, None)
    else:
        found[first] = value
    return found


def _pipelines(branch: Branch, config: Mapping[str, Any]) -> Iterator[str]:
    role = "processors" if branch.path[0] == "processors" else "exporters"
    for name, pipeline in section(config, "service", "pipelines").items():
        if branch.path[1] in items(pipeline, role) and name.partition("/")[0] in branch.signals:
            yield name


def _ways(pipeline: str, config: Mapping[str, Any], seen: tuple[str, ...]) -> Iterator[tuple[str, str, list[Wanted]]]:
    """Yield the receivers whose records reach a pipeline, their signal, and what the routes on the way want."""
    signal = pipeline.partition("/")[0]
    for receiver in items(config, "service", "pipelines", pipeline, "receivers"):
        if receiver not in section(config, "connectors"):
            yield receiver, signal, [{}]
        elif kind_of(receiver) in _PASSING and receiver not in seen:
            routes = mappings(config, "connectors", receiver, "table")
            mine = [route for route in routes if pipeline in (route.get("pipelines") or ())]
            asked = [one for route in mine for one in _routed(route)] or [{}]
            for name, other in section(config, "service", "pipelines").items():
                if receiver in items(other, "exporters") and name.partition("/")[0] == signal:
                    for first, of, way in _ways(name, config, (*seen, receiver)):
                        both = (together(one, two) for one in way for two in asked)
                        yield first, of, [one for one in both if one is not None]


def _routed(route: Settings) -> list[Wanted]:
    condition = route.get("condition") or parts(str(route.get("statement") or ""))[1]
    return meeting(str(condition), str(route.get("context") or "resource"))


def _wanted(branch: Branch, config: Mapping[str, Any]) -> list[Wanted]:
    """Return the fields of a record that may take a branch, in one way or another."""
    path, value = branch.path, at(config, branch.path)
    kind = kind_of(str(path[1]))
    if path[0] == "connectors" and kind == "routing":
        return [{}] if path[-1] == "default_pipelines" else _routed(at(config, path[:-1]))
    if kind == "tailsampling" and isinstance(value, Mapping):
        return _of_policy(value)
    if isinstance(value, Mapping):
        return _STEPS[kind](value) if kind in _STEPS else []
    group = at(config, path[:-2])
    context = str(group.get("context") or "") if isinstance(group, Mapping) else ""
    context = context or next((_CONTEXT_OF.get(str(one), str(one)) for one in path[2:] if _is_context(one)), "")
    if kind != "transform" or path[-2] == "conditions":
        return meeting(str(value), context)
    conditions = items(group, "conditions") if path[-2] == "statements" else []
    first = [one for text in conditions for one in meeting(str(text), context)] if conditions else [{}]
    action, condition = parts(str(value))
    both = (together(one, other) for one in first for other in meeting(condition, context))
    return [{**_changed(action, context), **one} for one in both if one is not None]


def _is_context(part: Any) -> bool:
    return part in _CONTEXT_OF or part in _FIXED


_EDITORS: dict[str, Callable[[Path, list[Any]], Wanted]] = {
    "delete_key": lambda path, values: {(*path, values[0]): TEXT},
    "delete_matching_keys": lambda path, values: {(*path, sample(values[0])): TEXT},
    "keep_keys": lambda path, _values: {(*path, "other"): TEXT},
    "keep_matching_keys": lambda path, _values: {(*path, "_"): TEXT},
    "replace_pattern": lambda path, values: {path: sample(values[0])},
    "replace_match": lambda path, values: {path: values[0].replace("*", "x")},
    "replace_all_patterns": lambda path, values: {
        (*path, sample(values[1]) if values[0] == "key" else "key"): sample(values[1])
    },
    "replace_all_matches": lambda path, values: {(*path, "key"): values[0].replace("*", "x")},
    "truncate_all": lambda path, values: {(*path, "key"): "x" * (values[0] + 1)},
    "limit": lambda path, values: {(*path, f"key{number}"): TEXT for number in range(values[0] + 1)},
}


def _changed(action: str, context: str) -> Wanted:
    """Return the fields that a record needs so that a statement changes it."""
    try:
        name, arguments = called(tokens_of(action)[:-1])
    except (Unknown, Invalid):
        return {}
    path = field(_text(action, arguments[0]), context) if arguments else ()
    if name in _EDITORS and path:
        try:
            return _EDITORS[name](path, [literal(one) for one in arguments[1:3] if one[-1].text != "]"])
        except (Unknown, IndexError, TypeError, AttributeError):
            return {}
    read = (field(_text(action, one), context) for one in arguments[1:] if one[0].kind == "lower")
    return {one: TEXT for one in read if one and one[-1:] != path[-1:] and one[0] in ("attributes", "resource")}


def _text(action: str, tokens: Sequence[Token]) -> str:
    return action[tokens[0].start : tokens[-1].start + len(tokens[-1].text)]


def _of_policy(policy: Settings) -> list[Wanted]:
    """Return the fields of a span that a policy keeps, or drops if it is one that drops."""
    kind = str(policy.get("type"))
    own = section(policy, kind)
    below = mappings(own, f"{kind}_sub_policy")
    if below and kind in ("and", "drop"):
        found: list[Wanted] = [{}]
        for one in below:
            both = (together(first, second) for first in found for second in _of_policy(one))
            found = [wanted for wanted in both if wanted is not None]
        return found
    if below:
        return [wanted for one in below for wanted in _of_policy(one)]
    if kind == "ottl_condition":
        texts = [(text, key) for key in ("span", "spanevent") for text in items(own, key)]
        return [wanted for text, key in texts for wanted in meeting(str(text), key)]
    if own.get("invert_match") or kind not in _POLICIES:
        return []
    try:
        return [_POLICIES[kind](own)]
    except (KeyError, IndexError, TypeError, ValueError):
        return []


def _text_attribute(own: Settings) -> Wanted:
    value = str(own["values"][0])
    return {("attributes", own["key"]): sample(value) if own.get("enabled_regex_matching") else value}


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
    def wanted(action: Settings) -> list[Wanted]:
        key, pattern = str(action.get("key", "")), str(action.get("pattern", ""))
        if action.get("from_context"):
            return []
        if action.get("from_attribute"):
            return [{(root, str(action["from_attribute"])): TEXT}]
        if action.get("action") == "extract":
            return [{(root, key): sample(pattern)}]
        if action.get("action") in ("insert", "upsert"):
            return [{}]
        value = "1" if action.get("action") == "convert" else TEXT
        return [{(root, key or sample(pattern)): value}]

    return wanted


def _metric(transform: Settings) -> list[Wanted]:
    name = str(transform.get("include", ""))
    return [{("name",): sample(name) if transform.get("match_type") == "regexp" else name}]


_STEPS: dict[str, Callable[[Settings], list[Wanted]]] = {
    "attributes": _action("attributes"),
    "resource": _action("resource"),
    "metricstransform": _metric,
}
