# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on rights that go far beyond telemetry: a collector has them only with consent, by its option `allow`.

needs/component_needs.py says which rights need consent. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.journald: error [consent-missing] 'journald' needs to run as root, for which this collector has no
    consent. Remove the setting, or add `allow: [root, secrets]` to the collector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from ..config.paths import Path, list_at
from ..needs.component_needs import NODES_PROXY, ROOT, ComponentNeeds, find_guarded_rights
from ..needs.components_with_needs import find_components_with_needs
from ..needs.started_components import StartedComponent
from .rule_definitions import Fault, about, define_rules
from .subject import Deployment, Subject

_GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
# Takes the place of a setting to see whether the component needs the right without it.
_REPLACEMENT_TEXT = "other"


NeedTest = Callable[[Any], bool]
"""Says whether a component needs a right, given a value in place of some of its settings."""


class _GuardedComponent(NamedTuple):
    """A component that needs rights, some of which may need consent."""

    component: StartedComponent
    needs_row: ComponentNeeds
    """The row of needs/component_table.py about its type."""
    needed_rights: set[str]
    """The rights that need consent, such as `root`."""


@about("deployment")
def consent_missing(subject: Subject) -> Iterator[Fault]:
    """Yield components that need a right which the collector's option `allow` does not name."""
    deployment = subject.deployment
    if deployment is None or deployment.allowed_rights is None:
        return
    guarded_components = list(_list_guarded_components(subject, deployment))
    allowed_rights = set(deployment.allowed_rights)
    rights_to_allow = set(allowed_rights)
    # The fix of each finding allows what all components need, so that one change of the option is enough.
    for guarded_component in guarded_components:
        rights_to_allow |= guarded_component.needed_rights
    fix = f"Remove the setting, or add `allow: [{', '.join(sorted(rights_to_allow))}]` to the collector."
    for guarded_component in guarded_components:
        component, needs_row = guarded_component.component, guarded_component.needs_row
        for right in sorted(guarded_component.needed_rights - allowed_rights):
            message = f"'{component.id}' needs {_describe_right(needs_row, component.settings, right)}"
            needs_right = _make_need_test(needs_row, right, deployment)
            path = _find_smallest_cause(needs_right, component.settings, component.path)
            yield Fault(path, f"{message}, for which this collector has no consent", fix)


def _list_guarded_components(subject: Subject, deployment: Deployment) -> Iterator[_GuardedComponent]:
    """Yield the started components that may need consent."""
    for needs_row, component in find_components_with_needs(subject.view.started_components):
        yield _GuardedComponent(component, needs_row, _list_guarded_rights(needs_row, component.settings, deployment))


def _list_guarded_rights(needs_row: ComponentNeeds, settings: dict[str, Any], deployment: Deployment) -> set[str]:
    """Return the rights of a component that need consent."""
    rights: set[str] = set()
    for rbac_rule in needs_row.list_rules(settings):
        rights.update(find_guarded_rights(rbac_rule))
    keeps_files_of_node = bool(deployment.keeps_on_node and needs_row.list_state_directories(settings))
    if needs_row.needs_root(settings) or keeps_files_of_node:
        rights.add(ROOT)
    return rights


def _describe_right(needs_row: ComponentNeeds, settings: dict[str, Any], right: str) -> str:
    """Return a right as a message names it: `to run as root`, `the right to get, list secrets everywhere`."""
    if right == ROOT:
        return "to run as root"
    rbac_rule = next(rule for rule in needs_row.list_rules(settings) if right in find_guarded_rights(rule))
    resources = _join_words(list_at(rbac_rule, "resources") or list_at(rbac_rule, "nonResourceURLs"))
    groups = _join_words(f"'{group}'" for group in list_at(rbac_rule, "apiGroups") if group)
    in_groups = f" in API group {groups}" if groups else ""
    command_note = ", which includes commands in every container" if right == NODES_PROXY else ""
    return f"the right to {_join_words(list_at(rbac_rule, 'verbs'))} {resources}{in_groups} everywhere{command_note}"


def _join_words(words: Iterable[Any]) -> str:
    return ", ".join(str(word) for word in words)


def _make_need_test(needs_row: ComponentNeeds, right: str, deployment: Deployment) -> NeedTest:
    """Return a function that says whether a component with other settings needs a right."""

    def needs_right(settings: Any) -> bool:
        return right in _list_guarded_rights(needs_row, settings, deployment)

    return needs_right


def _find_smallest_cause(needs_right: NeedTest, settings: Any, path: Path) -> Path:
    """Return the path of the smallest setting that alone makes a component need a right.

    A child of a mapping is the cause if the need ends without it, or with another text in its place; of several such
    children, the last one. An item of a list is the cause if the need is there with this item alone. `settings` are
    those at `path`, and `needs_right` is asked with other values in their place. For example, for the right to read
    secrets, of the receiver k8s_objects:

        settings at path                              asked with                   needed?  next path
        {objects: [{name: pods}, {name: secrets}]}    {}                           no       objects
        [{name: pods}, {name: secrets}]               [{name: pods}]               no
                                                      [{name: secrets}]            yes      objects[1]
        {name: secrets}                               {name: other}                no       objects[1].name
        secrets                                       (a scalar has no children: this is the cause)
    """
    if isinstance(settings, dict):
        # From the end, since what a setting is about often stands before its value, and the value is what a user
        # changes: the cause in `{target_label: __metrics_path__, replacement: …/proxy/metrics}` is `replacement`,
        # though the need ends with another `target_label` too.
        for key, child in reversed(settings.items()):
            if not needs_right(_neutralize_child(settings, key)):
                needs_right_with_child = partial(_test_with_child, needs_right, settings, key)
                return _find_smallest_cause(needs_right_with_child, child, (*path, key))
    if isinstance(settings, list):
        for index, child in enumerate(settings):
            if needs_right([child]):
                return _find_smallest_cause(partial(_test_as_only_item, needs_right), child, (*path, index))
    return path


def _neutralize_child(settings: dict[Any, Any], key: Any) -> dict[Any, Any]:
    """Return settings without a mapping or list in them, or with another text in place of a scalar."""
    other_settings = {name: child for name, child in settings.items() if name != key}
    return other_settings if isinstance(settings[key], (dict, list)) else {**other_settings, key: _REPLACEMENT_TEXT}


def _test_with_child(needs_right: NeedTest, settings: dict[Any, Any], key: Any, child: Any) -> bool:
    """Return whether the component needs the right with another value of a key, and all other settings as they are."""
    return needs_right({**settings, key: child})


def _test_as_only_item(needs_right: NeedTest, list_item: Any) -> bool:
    """Return whether the component needs the right if its list has nothing but this item."""
    return needs_right([list_item])


RULES = define_rules("error", consent_missing, documentation=_GOOD_PRACTICES)
