# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the fields that a record needs so that it takes a branch of a config. Private.

A branch is a statement, condition, action, policy or route, and a record takes it if the branch does something with the
record (branch_model.py). `find_fields_taking` returns alternatives, one of which is enough (`WantedFields` of
samples.py):

| the branch is | an example | alternatives |
|---|---|---|
| a condition of a filter | `name == "a" or kind == SPAN_KIND_SERVER` | `{("name",): "a"}`, `{("kind",): "server"}` |
| a statement of a transform | `set(name, "b") where name == "a"` | `{("name",): "a"}` |
| an action of a processor | `{key: team, action: delete}` of attributes | `{("attributes", "team"): "text"}` |
| a policy of tail_sampling | `{type: latency, latency: {threshold_ms: 5}}` | `{("duration",): "6ms"}` |
| a route of routing | `{context: span, condition: name == "a", …}` | `{("name",): "a"}` |
| the default of routing | `default_pipelines: [traces/other]` | `{}` |

`[{}]` means that every record may take the branch, and `[]` that the literals in its text do not say which ones do.
Only a run of the Collector can say whether a record takes it. reaching.py makes records with these fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, list_at, value_at
from ..traits import kind_of
from .branch_model import Branch, Settings
from .policy_fields import find_fields_of_policy
from .regex_sample import make_sample_text
from .samples import SAMPLE_TEXT, WantedFields, combine_alternatives, find_fields_meeting
from .statement_fields import find_changed_fields
from .statement_marks import split_statement

# Contexts of OTTL by the keys of settings that name them with another word.
_CONTEXTS_BY_KEY = {
    "log_record": "log",
    "spans": "span",
    "spanevents": "spanevent",
    "metrics": "metric",
    "datapoints": "datapoint",
    "logs": "log",
}
# Keys of settings that are contexts themselves.
_CONTEXT_KEYS = ("resource", "span", "spanevent", "metric", "datapoint")
# The value of an attribute that action `convert` makes a number, a bool or a text of: it can become each of them.
_CONVERTIBLE_TEXT = "1"


def find_fields_taking(branch: Branch, config: Mapping[str, Any]) -> list[WantedFields]:
    """Return the alternative fields with which a record may take a branch of a config."""
    place = _BranchPlace.find(branch, config)
    if place.section == "connectors" and place.kind == "routing":
        return _find_fields_of_routing(branch, config)
    if isinstance(place.value, Mapping):
        find_fields = _FIELDS_OF_MAPPING.get(place.kind)
        return find_fields(place.value) if find_fields else []
    if place.kind == "transform" and place.list_key != "conditions":
        return _find_fields_of_statement(place)
    return find_fields_meeting(str(place.value), place.context)


def _find_fields_of_routing(branch: Branch, config: Mapping[str, Any]) -> list[WantedFields]:
    """Return the alternative fields of a branch of connector routing, which is one of its routes or its default."""
    route_path, key = branch.path[:-1], branch.path[-1]
    if key == "default_pipelines":  # these get what no route takes, such as a record without any field
        return [{}]
    return find_fields_of_route(value_at(config, route_path))


def find_fields_of_route(route: Settings) -> list[WantedFields]:
    """Return the alternative fields of a record that a route takes."""
    condition = route.get("condition")
    if not condition:
        _action, condition = split_statement(str(route.get("statement") or ""))
    return find_fields_meeting(str(condition), str(route.get("context") or "resource"))


@dataclass(frozen=True)
class _BranchPlace:
    """What stands in a config at the path of a branch, and around it.

    The comments are those of the branch `processors, transform/a, trace_statements, 0, statements, 1` in ::

        transform/a: {trace_statements: [{context: span, statements: ["…", "set(name, \"b\")"]}]}
    """

    section: str  # processors
    kind: str  # transform: the type of the component, without underscores
    value: Any  # `set(name, "b")`: a text, or a mapping such as that of an action
    list_key: Any  # statements: the name of the list that has the value
    group_settings: Settings  # `{context: span, statements: […]}`: the settings that have the list
    context: str  # span: the context of OTTL; empty if nothing names it

    @classmethod
    def find(cls, branch: Branch, config: Mapping[str, Any]) -> _BranchPlace:
        """Return the place of a branch in its config."""
        section, component_id, *_settings_path = branch.path
        *group_path, list_key, _index = branch.path
        group_settings = value_at(config, tuple(group_path))
        if not isinstance(group_settings, Mapping):
            group_settings = {}
        return cls(
            section=str(section),
            kind=kind_of(str(component_id)),
            value=value_at(config, branch.path),
            list_key=list_key,
            group_settings=group_settings,
            context=str(group_settings.get("context") or "") or _find_context(branch.path),
        )


def _find_context(path: Path) -> str:
    """Return the context that the keys of a branch's path name; empty text if they name none.

    `processors, filter, traces, span, 0` names `span`.
    """
    _section, _component_id, *settings_path = path
    for key in settings_path:
        if key in _CONTEXTS_BY_KEY:
            return _CONTEXTS_BY_KEY[str(key)]
        if key in _CONTEXT_KEYS:
            return str(key)
    return ""


def _find_fields_of_statement(place: _BranchPlace) -> list[WantedFields]:
    """Return the alternative fields that let a statement change a record, under its condition and one of its group."""
    # A plain list of statements, such as `trace_statements: ["…"]`, is no group, so nothing beside it is a condition.
    conditions = list_at(place.group_settings, "conditions") if place.list_key == "statements" else []
    group_alternatives: list[WantedFields] = [] if conditions else [{}]
    for condition_text in conditions:
        group_alternatives += find_fields_meeting(str(condition_text), place.context)
    action, condition = split_statement(str(place.value))
    changed_fields = find_changed_fields(action, place.context)
    own_alternatives = find_fields_meeting(condition, place.context)
    return [{**changed_fields, **fields} for fields in combine_alternatives(group_alternatives, own_alternatives)]


def _find_fields_of_attributes_action(action: Settings) -> list[WantedFields]:
    """Return the attributes on which an action of processor attributes acts."""
    return _find_fields_of_action(action, "attributes")


def _find_fields_of_resource_action(action: Settings) -> list[WantedFields]:
    """Return the attributes of the resource on which an action of processor resource acts."""
    return _find_fields_of_action(action, "resource")


def _find_fields_of_action(action: Settings, root: str) -> list[WantedFields]:
    """Return the attributes on which an action acts. They are below `root`, a field of the record.

    `{key: a, action: delete}` acts on `{(root, "a"): "text"}`.
    """
    key, pattern = str(action.get("key", "")), str(action.get("pattern", ""))
    if action.get("from_context"):  # its value comes from the request, and no field of the record decides
        return []
    if action.get("from_attribute"):
        return [{(root, str(action["from_attribute"])): SAMPLE_TEXT}]
    action_type = action.get("action")
    if action_type == "extract":
        return [{(root, key): make_sample_text(pattern)}]
    if action_type in ("insert", "upsert"):
        return [{}]
    value = _CONVERTIBLE_TEXT if action_type == "convert" else SAMPLE_TEXT
    return [{(root, key or make_sample_text(pattern)): value}]


def _find_fields_of_transform(transform: Settings) -> list[WantedFields]:
    """Return the name of a metric that a transform of metricstransform takes."""
    name = str(transform.get("include", ""))
    if transform.get("match_type") == "regexp":
        name = make_sample_text(name)
    return [{("name",): name}]


# What finds the fields for a branch that is a mapping, by the type of its component.
_FIELDS_OF_MAPPING: dict[str, Callable[[Settings], list[WantedFields]]] = {
    "attributes": _find_fields_of_attributes_action,
    "resource": _find_fields_of_resource_action,
    "metricstransform": _find_fields_of_transform,
    "tailsampling": find_fields_of_policy,
}
