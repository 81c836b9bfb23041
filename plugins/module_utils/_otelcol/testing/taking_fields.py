# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a record with which it may take a statement, condition, policy or route of a config.

A condition `name == "a" or kind == SPAN_KIND_SERVER` is taken with one of two alternatives, `{("name",): "a"}` and
`{("kind",): "server"}`. Each is a `WantedFields` of samples.py; there is none if the literals do not say one. The
fields come from the literals of the text itself and of its group, and only a run can say whether a record takes the
branch (a statement, condition, policy or route, see branch_model.py). reaching.py makes records of the fields. Private.
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


def find_fields_taking(branch: Branch, config: Mapping[str, Any]) -> list[WantedFields]:
    """Return the alternative fields with which a record may take a branch of a config."""
    target = _BranchTarget.from_branch(branch, config)
    if target.section == "connectors" and target.kind == "routing":
        takes_the_rest = branch.path[-1] == "default_pipelines"
        return [{}] if takes_the_rest else find_fields_of_route(value_at(config, branch.path[:-1]))
    if isinstance(target.value, Mapping):
        find_fields = _FIELDS_OF_MAPPING.get(target.kind)
        return find_fields(target.value) if find_fields else []
    if target.kind == "transform" and target.list_key != "conditions":
        return _find_fields_of_statement(target)
    return find_fields_meeting(str(target.value), target.context)


def find_fields_of_route(route: Settings) -> list[WantedFields]:
    """Return the alternative fields of a record that a route takes."""
    condition = route.get("condition")
    if not condition:
        _action, condition = split_statement(str(route.get("statement") or ""))
    return find_fields_meeting(str(condition), str(route.get("context") or "resource"))


@dataclass(frozen=True)
class _BranchTarget:
    """What a record should take, read from its config once."""

    section: str
    """The section of the component, such as `processors`."""
    kind: str
    """The type of the component, without underscores."""
    value: Any
    """What stands at the path of the branch: the text of a condition, or the mapping of an action."""
    list_key: Any
    """The name of the list that the value is in, such as `statements`."""
    group_settings: Settings
    """The settings that have this list."""
    context: str
    """The context of the statements and conditions there, such as `span`; empty if nothing names it."""

    @classmethod
    def from_branch(cls, branch: Branch, config: Mapping[str, Any]) -> _BranchTarget:
        """Return what a record of a branch should take."""
        path = branch.path
        group_settings = value_at(config, path[:-2])
        group_settings = group_settings if isinstance(group_settings, Mapping) else {}
        context = str(group_settings.get("context") or "") or _find_context(path)
        return cls(str(path[0]), kind_of(str(path[1])), value_at(config, path), path[-2], group_settings, context)


def _find_context(path: Path) -> str:
    """Return the context that the keys of a path name; empty text if they name none."""
    for key in path[2:]:
        if key in _CONTEXTS_BY_KEY:
            return _CONTEXTS_BY_KEY[str(key)]
        if key in _CONTEXT_KEYS:
            return str(key)
    return ""


def _find_fields_of_statement(target: _BranchTarget) -> list[WantedFields]:
    """Return the alternative fields that let a statement change a record, under its condition and one of its group."""
    conditions = list_at(target.group_settings, "conditions") if target.list_key == "statements" else []
    group_alternatives: list[WantedFields] = [] if conditions else [{}]
    for condition_text in conditions:
        group_alternatives += find_fields_meeting(str(condition_text), target.context)
    action, condition = split_statement(str(target.value))
    changed_fields = find_changed_fields(action, target.context)
    own_alternatives = find_fields_meeting(condition, target.context)
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
