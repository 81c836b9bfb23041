# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a record with which it may take a statement, condition, policy or route of a config.

They come from literals: of the text itself, and of its group. Only a run can say whether a record takes it.
`WantedFields` are one way to take it, see samples.py; a function here returns several ways, and none if the literals do
not say one. A branch and to take it are defined in branch_model.py. reaching.py makes records of the fields. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, list_at, mapping_at, mappings_at, value_at
from ..languages.ottl_syntax import InvalidOttl, OttlToken, split_tokens
from ..traits import kind_of
from .branch_model import Branch, Settings
from .ottl_parts import UnknownPart, read_called_function, read_literal_value
from .record_fields import find_record_field
from .regex_sample import make_sample_text
from .samples import SAMPLE_TEXT, WantedFields, find_fields_meeting, unite_ways
from .statement_marks import split_statement

# Keys in settings that name a context in another way.
_CONTEXTS_BY_KEY = {
    "log_record": "log",
    "spans": "span",
    "spanevents": "spanevent",
    "metrics": "metric",
    "datapoints": "datapoint",
    "logs": "log",
}
_CONTEXT_KEYS = ("resource", "span", "spanevent", "metric", "datapoint")


@dataclass(frozen=True)
class _BranchTarget:
    """What a record should take, read from its config once.

    `component_path` is the role and the id, `kind` the type without underscores. `list_key` names the list that the
    value is in, and `group_settings` the settings that have this list. `context` is that of the statements and
    conditions there.
    """

    component_path: Path
    kind: str
    value: Any
    list_key: Any
    group_settings: Settings
    context: str

    @classmethod
    def from_branch(cls, branch: Branch, config: Mapping[str, Any]) -> _BranchTarget:
        """Return what a record of a branch should take."""
        path = branch.path
        group_settings = value_at(config, path[:-2])
        group_settings = group_settings if isinstance(group_settings, Mapping) else {}
        context = str(group_settings.get("context") or "") or _find_context(path)
        return cls(path[:2], kind_of(str(path[1])), value_at(config, path), path[-2], group_settings, context)


def _find_context(path: Path) -> str:
    """Return the context that the keys of a path name; empty text if they name none."""
    context_names = (
        _CONTEXTS_BY_KEY.get(str(key), str(key)) for key in path[2:] if key in _CONTEXTS_BY_KEY or key in _CONTEXT_KEYS
    )
    return next(context_names, "")


def find_fields_taking(branch: Branch, config: Mapping[str, Any]) -> list[WantedFields]:
    """Return the fields of a record that may take a branch, in one way or another."""
    target = _BranchTarget.from_branch(branch, config)
    if target.component_path[0] == "connectors" and target.kind == "routing":
        takes_the_rest = branch.path[-1] == "default_pipelines"
        return [{}] if takes_the_rest else find_fields_of_route(value_at(config, branch.path[:-1]))
    if isinstance(target.value, Mapping):
        fields_of_mapping = _FIELDS_OF_MAPPING.get(target.kind)
        return fields_of_mapping(target.value) if fields_of_mapping else []
    if target.kind == "transform" and target.list_key != "conditions":
        return _find_fields_of_statement(target)
    return find_fields_meeting(str(target.value), target.context)


def find_fields_of_route(route: Settings) -> list[WantedFields]:
    """Return the fields of a record that a route takes, in one way or another."""
    condition = route.get("condition")
    if not condition:
        _action, condition = split_statement(str(route.get("statement") or ""))
    return find_fields_meeting(str(condition), str(route.get("context") or "resource"))


def _find_fields_of_statement(target: _BranchTarget) -> list[WantedFields]:
    """Return the fields that let a statement change a record, under its condition and one of its group."""
    conditions = list_at(target.group_settings, "conditions") if target.list_key == "statements" else []
    group_ways: list[WantedFields] = [] if conditions else [{}]
    for condition_text in conditions:
        group_ways += find_fields_meeting(str(condition_text), target.context)
    action, condition = split_statement(str(target.value))
    changed_fields = _find_changed_fields(action, target.context)
    return [
        {**changed_fields, **fields}
        for fields in unite_ways(group_ways, find_fields_meeting(condition, target.context))
    ]


@dataclass(frozen=True)
class _Editor:
    """A function of OTTL that changes records, such as `set`.

    `literal_types` are the types of literals that it must have. `find_fields` gets the field that it changes and its
    literals, and returns the fields that a record needs so that the function changes something in it.
    """

    literal_types: tuple[type, ...]
    find_fields: Callable[[Path, list[Any]], WantedFields]

    def find_wanted_fields(self, path: Path, values: list[Any]) -> WantedFields:
        """Return the fields that it changes; none if its literals are missing or of other types."""
        if len(values) < len(self.literal_types):
            return {}
        for value, literal_type in zip(values, self.literal_types, strict=False):
            if not isinstance(value, literal_type):
                return {}
        return self.find_fields(path, values)


def _build_matching_values(path: Path, values: list[Any]) -> WantedFields:
    """Return a mapping with a key or a value that `replace_all_patterns` replaces."""
    replaced_part, pattern = values[0], values[1]
    text = make_sample_text(pattern)
    key = text if replaced_part == "key" else "key"
    return {(*path, key): text}


# A record that a test sends has no longer text and no more fields than this.
_LARGEST_SAMPLE = 10_000


def _build_truncated_text(path: Path, values: list[Any]) -> WantedFields:
    """Return a field whose text is one character longer than `truncate_all` leaves it; none if that is too long."""
    length = values[0] + 1
    return {(*path, "key"): "x" * length} if length <= _LARGEST_SAMPLE else {}


def _build_limited_fields(path: Path, values: list[Any]) -> WantedFields:
    """Return one field more than `limit` leaves; none if that are too many."""
    count = values[0] + 1
    if count > _LARGEST_SAMPLE:
        return {}
    return {(*path, f"key{number}"): SAMPLE_TEXT for number in range(count)}


_EDITORS = {
    "delete_key": _Editor((object,), lambda path, values: {(*path, values[0]): SAMPLE_TEXT}),
    "delete_matching_keys": _Editor((str,), lambda path, values: {(*path, make_sample_text(values[0])): SAMPLE_TEXT}),
    "keep_keys": _Editor((), lambda path, _values: {(*path, "other"): SAMPLE_TEXT}),
    "keep_matching_keys": _Editor((), lambda path, _values: {(*path, "_"): SAMPLE_TEXT}),
    "replace_pattern": _Editor((str,), lambda path, values: {path: make_sample_text(values[0])}),
    "replace_match": _Editor((str,), lambda path, values: {path: values[0].replace("*", "x")}),
    "replace_all_patterns": _Editor((object, str), _build_matching_values),
    "replace_all_matches": _Editor((str,), lambda path, values: {(*path, "key"): values[0].replace("*", "x")}),
    "truncate_all": _Editor((int,), _build_truncated_text),
    "limit": _Editor((int,), _build_limited_fields),
}


def _find_changed_fields(action: str, context: str) -> WantedFields:
    """Return the fields that a record needs so that a statement changes it."""
    try:
        function_name, arguments = read_called_function(split_tokens(action)[:-1])
    except (UnknownPart, InvalidOttl):
        return {}
    path = find_record_field(_cut_text(action, arguments[0]), context) if arguments else ()
    if function_name in _EDITORS and path:
        try:
            values = [read_literal_value(argument) for argument in arguments[1:3] if argument[-1].text != "]"]
        except UnknownPart:
            return {}
        return _EDITORS[function_name].find_wanted_fields(path, values)
    return _find_read_fields(action, arguments[1:], context, path)


def _find_read_fields(
    action: str, arguments: Sequence[Sequence[OttlToken]], context: str, changed_field: Path
) -> WantedFields:
    """Return the fields that a statement reads in its arguments, but for the one that it changes."""
    fields: WantedFields = {}
    for argument in arguments:
        if argument[0].kind == "lower":
            field = find_record_field(_cut_text(action, argument), context)
            if _is_other_user_field(field, changed_field):
                fields[field] = SAMPLE_TEXT
    return fields


def _is_other_user_field(read_field: Path, changed_field: Path) -> bool:
    """Whether a field that a statement reads is one that users set, and not the one that it changes."""
    return bool(read_field) and read_field[-1:] != changed_field[-1:] and read_field[0] in ("attributes", "resource")


def _cut_text(action: str, tokens: Sequence[OttlToken]) -> str:
    """Return the part of a statement that has these tokens."""
    return action[tokens[0].start : tokens[-1].start + len(tokens[-1].text)]


def _find_fields_of_policy(policy: Settings) -> list[WantedFields]:
    """Return the fields of a span that a policy keeps, or drops if it is one that drops."""
    policy_type = str(policy.get("type"))
    policy_settings = mapping_at(policy, policy_type)
    sub_policies = mappings_at(policy_settings, f"{policy_type}_sub_policy")
    if sub_policies:
        return _find_fields_of_policies(policy_type, sub_policies)
    if policy_type == "ottl_condition":
        return _find_fields_of_conditions(policy_settings)
    if policy_settings.get("invert_match") or policy_type not in _FIELDS_OF_POLICIES:
        return []
    try:
        return [_FIELDS_OF_POLICIES[policy_type](policy_settings)]
    except (KeyError, IndexError, TypeError, ValueError):  # a policy without a setting, or with one of another type
        return []


def _find_fields_of_conditions(policy_settings: Settings) -> list[WantedFields]:
    """Return the fields of a span that meets one of the conditions of a policy."""
    ways: list[WantedFields] = []
    for context in ("span", "spanevent"):
        for condition in list_at(policy_settings, context):
            ways += find_fields_meeting(str(condition), context)
    return ways


def _find_fields_of_policies(policy_type: str, policies: Sequence[Settings]) -> list[WantedFields]:
    """Return the fields of a span that a policy of others keeps: `and` and `drop` want all, other kinds one."""
    needs_all = policy_type in ("and", "drop")
    ways: list[WantedFields] = [{}] if needs_all else []
    for policy in policies:
        if needs_all:
            ways = unite_ways(ways, _find_fields_of_policy(policy))
        else:
            ways += _find_fields_of_policy(policy)
    return ways


def _find_text_attribute(policy_settings: Settings) -> WantedFields:
    """Return the attribute that a policy `string_attribute` keeps."""
    value = str(policy_settings["values"][0])
    if policy_settings.get("enabled_regex_matching"):
        value = make_sample_text(value)
    return {("attributes", policy_settings["key"]): value}


_FIELDS_OF_POLICIES: dict[str, Callable[[Settings], WantedFields]] = {
    "always_sample": lambda _own: {},
    "status_code": lambda own: {("status",): str(own["status_codes"][0]).lower()},
    "latency": lambda own: {("duration",): f"{int(own['threshold_ms']) + 1}ms"},
    "string_attribute": _find_text_attribute,
    "numeric_attribute": lambda own: {("attributes", own["key"]): own.get("min_value", own.get("max_value", 0))},
    "boolean_attribute": lambda own: {("attributes", own["key"]): bool(own.get("value"))},
    "probabilistic": lambda _own: {},
    "rate_limiting": lambda _own: {},
    "span_count": lambda _own: {("trace",): "one"},
}


def _make_action_reader(root: str) -> Callable[[Settings], list[WantedFields]]:
    """Return what gives the attributes below `root` on which an action acts."""

    def find_fields_acted_on(action: Settings) -> list[WantedFields]:
        key, pattern = str(action.get("key", "")), str(action.get("pattern", ""))
        if action.get("from_context"):
            return []
        if action.get("from_attribute"):
            return [{(root, str(action["from_attribute"])): SAMPLE_TEXT}]
        action_type = action.get("action")
        if action_type == "extract":
            return [{(root, key): make_sample_text(pattern)}]
        if action_type in ("insert", "upsert"):
            return [{}]
        value = "1" if action_type == "convert" else SAMPLE_TEXT
        return [{(root, key or make_sample_text(pattern)): value}]

    return find_fields_acted_on


def _find_fields_of_transform(transform: Settings) -> list[WantedFields]:
    """Return the name of a metric that a transform of metricstransform takes."""
    name = str(transform.get("include", ""))
    if transform.get("match_type") == "regexp":
        name = make_sample_text(name)
    return [{("name",): name}]


_FIELDS_OF_MAPPING: dict[str, Callable[[Settings], list[WantedFields]]] = {
    "attributes": _make_action_reader("attributes"),
    "resource": _make_action_reader("resource"),
    "metricstransform": _find_fields_of_transform,
    "tailsampling": _find_fields_of_policy,
}
