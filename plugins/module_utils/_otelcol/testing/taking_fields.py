# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a record with which it may take a statement, condition, policy or route of a config.

They come from literals: of the text itself, and of its group. Only a run can say whether a record takes it. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, at, items, mappings, section
from ..languages.ottl_syntax import Invalid, Token, tokens_of
from ..traits import kind_of
from .branch_model import Branch, Settings
from .ottl_parts import UnknownPart, called_function, literal_value
from .record_fields import record_field
from .regex_sample import sample_text
from .samples import SAMPLE_TEXT, WantedFields, fields_meeting, united_ways
from .statement_marks import statement_parts

# Keys in settings that name a context in another way.
_CONTEXT_OF = {"log_record": "log", "spans": "span", "spanevents": "spanevent", "metrics": "metric",
               "datapoints": "datapoint", "logs": "log"}  # fmt: skip
_FIXED = ("resource", "span", "spanevent", "metric", "datapoint")


@dataclass(frozen=True)
class _Target:
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
    def of(cls, branch: Branch, config: Mapping[str, Any]) -> _Target:
        """Return what a record of a branch should take."""
        path = branch.path
        group = at(config, path[:-2])
        group = group if isinstance(group, Mapping) else {}
        context = str(group.get("context") or "") or _context_of(path)
        return cls(path[:2], kind_of(str(path[1])), at(config, path), path[-2], group, context)


def _context_of(path: Path) -> str:
    """Return the context that the keys of a path name; empty text if they name none."""
    names = (_CONTEXT_OF.get(str(key), str(key)) for key in path[2:] if key in _CONTEXT_OF or key in _FIXED)
    return next(names, "")


def fields_taking(branch: Branch, config: Mapping[str, Any]) -> list[WantedFields]:
    """Return the fields of a record that may take a branch, in one way or another."""
    target = _Target.of(branch, config)
    if target.component[0] == "connectors" and target.kind == "routing":
        takes_the_rest = branch.path[-1] == "default_pipelines"
        return [{}] if takes_the_rest else fields_of_route(at(config, branch.path[:-1]))
    if isinstance(target.value, Mapping):
        fields_of_mapping = _FIELDS_OF_MAPPING.get(target.kind)
        return fields_of_mapping(target.value) if fields_of_mapping else []
    if target.kind == "transform" and target.listed_in != "conditions":
        return _fields_of_statement(target)
    return fields_meeting(str(target.value), target.context)


def fields_of_route(route: Settings) -> list[WantedFields]:
    """Return the fields of a record that a route takes, in one way or another."""
    condition = route.get("condition")
    if not condition:
        _action, condition = statement_parts(str(route.get("statement") or ""))
    return fields_meeting(str(condition), str(route.get("context") or "resource"))


def _fields_of_statement(target: _Target) -> list[WantedFields]:
    """Return the fields that let a statement change a record, under its condition and one of its group."""
    conditions = items(target.group, "conditions") if target.listed_in == "statements" else []
    of_group: list[WantedFields] = [] if conditions else [{}]
    for text in conditions:
        of_group += fields_meeting(str(text), target.context)
    action, condition = statement_parts(str(target.value))
    changed = _changed(action, target.context)
    return [{**changed, **fields} for fields in united_ways(of_group, fields_meeting(condition, target.context))]


@dataclass(frozen=True)
class _Editor:
    """A function that changes records: the types of literals that it must have, and the fields that it changes."""

    takes: tuple[type, ...]
    fields: Callable[[Path, list[Any]], WantedFields]

    def wanted(self, path: Path, values: list[Any]) -> WantedFields:
        """Return the fields that it changes; none if its literals are missing or of other types."""
        if len(values) < len(self.takes):
            return {}
        for value, kind in zip(values, self.takes, strict=False):
            if not isinstance(value, kind):
                return {}
        return self.fields(path, values)


def _matching_values(path: Path, values: list[Any]) -> WantedFields:
    """Return a mapping with a key or a value that `replace_all_patterns` replaces."""
    target, pattern = values[0], values[1]
    text = sample_text(pattern)
    key = text if target == "key" else "key"
    return {(*path, key): text}


_EDITORS = {
    "delete_key": _Editor((object,), lambda path, values: {(*path, values[0]): SAMPLE_TEXT}),
    "delete_matching_keys": _Editor((str,), lambda path, values: {(*path, sample_text(values[0])): SAMPLE_TEXT}),
    "keep_keys": _Editor((), lambda path, _values: {(*path, "other"): SAMPLE_TEXT}),
    "keep_matching_keys": _Editor((), lambda path, _values: {(*path, "_"): SAMPLE_TEXT}),
    "replace_pattern": _Editor((str,), lambda path, values: {path: sample_text(values[0])}),
    "replace_match": _Editor((str,), lambda path, values: {path: values[0].replace("*", "x")}),
    "replace_all_patterns": _Editor((object, str), _matching_values),
    "replace_all_matches": _Editor((str,), lambda path, values: {(*path, "key"): values[0].replace("*", "x")}),
    "truncate_all": _Editor((int,), lambda path, values: {(*path, "key"): "x" * (values[0] + 1)}),
    "limit": _Editor(
        (int,), lambda path, values: {(*path, f"key{number}"): SAMPLE_TEXT for number in range(values[0] + 1)}
    ),
}


def _changed(action: str, context: str) -> WantedFields:
    """Return the fields that a record needs so that a statement changes it."""
    try:
        name, arguments = called_function(tokens_of(action)[:-1])
    except (UnknownPart, Invalid):
        return {}
    path = record_field(_text(action, arguments[0]), context) if arguments else ()
    if name in _EDITORS and path:
        try:
            values = [literal_value(argument) for argument in arguments[1:3] if argument[-1].text != "]"]
        except UnknownPart:
            return {}
        return _EDITORS[name].wanted(path, values)
    return _read_fields(action, arguments[1:], context, path)


def _read_fields(action: str, arguments: Sequence[Sequence[Token]], context: str, changed: Path) -> WantedFields:
    """Return the fields that a statement reads in its arguments, but for the one that it changes."""
    fields: WantedFields = {}
    for argument in arguments:
        if argument[0].kind == "lower":
            field = record_field(_text(action, argument), context)
            if _is_another(field, changed):
                fields[field] = SAMPLE_TEXT
    return fields


def _is_another(other: Path, path: Path) -> bool:
    """Whether a field that a statement reads is one that users set, and not the one that it changes."""
    return bool(other) and other[-1:] != path[-1:] and other[0] in ("attributes", "resource")


def _text(action: str, tokens: Sequence[Token]) -> str:
    """Return the part of a statement that has these tokens."""
    return action[tokens[0].start : tokens[-1].start + len(tokens[-1].text)]


def _fields_of_policy(policy: Settings) -> list[WantedFields]:
    """Return the fields of a span that a policy keeps, or drops if it is one that drops."""
    kind = str(policy.get("type"))
    own = section(policy, kind)
    sub_policies = mappings(own, f"{kind}_sub_policy")
    if sub_policies:
        return _fields_of_policies(kind, sub_policies)
    if kind == "ottl_condition":
        return _fields_of_conditions(own)
    if own.get("invert_match") or kind not in _POLICIES:
        return []
    try:
        return [_POLICIES[kind](own)]
    except (KeyError, IndexError, TypeError, ValueError):  # a policy without a setting, or with one of another type
        return []


def _fields_of_conditions(own: Settings) -> list[WantedFields]:
    """Return the fields of a span that meets one of the conditions of a policy."""
    ways: list[WantedFields] = []
    for context in ("span", "spanevent"):
        for text in items(own, context):
            ways += fields_meeting(str(text), context)
    return ways


def _fields_of_policies(kind: str, policies: Sequence[Settings]) -> list[WantedFields]:
    """Return the fields of a span that a policy of others keeps: `and` and `drop` want all, other kinds one."""
    needs_all = kind in ("and", "drop")
    ways: list[WantedFields] = [{}] if needs_all else []
    for policy in policies:
        if needs_all:
            ways = united_ways(ways, _fields_of_policy(policy))
        else:
            ways += _fields_of_policy(policy)
    return ways


def _text_attribute(own: Settings) -> WantedFields:
    """Return the attribute that a policy `string_attribute` keeps."""
    value = str(own["values"][0])
    if own.get("enabled_regex_matching"):
        value = sample_text(value)
    return {("attributes", own["key"]): value}


_POLICIES: dict[str, Callable[[Settings], WantedFields]] = {
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


def _fields_of_action(root: str) -> Callable[[Settings], list[WantedFields]]:
    """Return what gives the attributes below `root` on which an action acts."""

    def fields_acted_on(action: Settings) -> list[WantedFields]:
        key, pattern = str(action.get("key", "")), str(action.get("pattern", ""))
        if action.get("from_context"):
            return []
        if action.get("from_attribute"):
            return [{(root, str(action["from_attribute"])): SAMPLE_TEXT}]
        kind = action.get("action")
        if kind == "extract":
            return [{(root, key): sample_text(pattern)}]
        if kind in ("insert", "upsert"):
            return [{}]
        value = "1" if kind == "convert" else SAMPLE_TEXT
        return [{(root, key or sample_text(pattern)): value}]

    return fields_acted_on


def _fields_of_transform(transform: Settings) -> list[WantedFields]:
    """Return the name of a metric that a transform of metricstransform takes."""
    name = str(transform.get("include", ""))
    if transform.get("match_type") == "regexp":
        name = sample_text(name)
    return [{("name",): name}]


_FIELDS_OF_MAPPING: dict[str, Callable[[Settings], list[WantedFields]]] = {
    "attributes": _fields_of_action("attributes"),
    "resource": _fields_of_action("resource"),
    "metricstransform": _fields_of_transform,
    "tailsampling": _fields_of_policy,
}
