# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on rights that go far beyond telemetry: a collector has them only with consent, by its option `allow`.

Which rights need consent, needs/component_needs.py says. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..config.paths import Path, list_at
from ..needs.component_needs import NODES_PROXY, ROOT, ComponentNeeds, find_guarded_rights
from ..needs.components_with_needs import find_components_with_needs
from ..needs.listeners import StartedComponent
from .subject import Deployment, Fault, Subject, about, define_rules

_GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
_REPLACEMENT_TEXT = "other"


class _AskingComponent(NamedTuple):
    """A component that may need consent: its part of the config, its row, and the rights that it needs."""

    part: StartedComponent
    component_row: ComponentNeeds
    needed_rights: set[str]


@about("deployment")
def consent_missing(subject: Subject) -> Iterator[Fault]:
    """Yield components that need a right which the collector's option `allow` does not name."""
    deployment = subject.deployment
    if deployment is None or deployment.allowed is None:
        return
    asking_components = list(_list_asking_components(subject, deployment))
    allowed_rights = set(deployment.allowed)
    rights_to_allow = set(allowed_rights)
    for asking_component in asking_components:
        rights_to_allow |= asking_component.needed_rights
    fix = f"Remove the setting, or add `allow: [{', '.join(sorted(rights_to_allow))}]` to the collector."
    for asking_component in asking_components:
        part, row = asking_component.part, asking_component.component_row
        for right in sorted(asking_component.needed_rights - allowed_rights):
            message = f"'{part.id}' needs {_describe_right(row, part.settings, right)}"
            path = _find_smallest_cause(_make_right_test(row, right, deployment), part.settings, part.path)
            yield Fault(path, f"{message}, for which this collector has no consent", fix)


def _list_asking_components(subject: Subject, deployment: Deployment) -> Iterator[_AskingComponent]:
    """Yield the started components that may need consent."""
    for row, part in find_components_with_needs(subject.view.started_parts):
        yield _AskingComponent(part, row, _list_guarded_rights(row, part.settings, deployment))


def _list_guarded_rights(row: ComponentNeeds, settings: dict[str, Any], deployment: Deployment) -> set[str]:
    """Return the rights of a component that need consent."""
    rights: set[str] = set()
    for rule in row.list_rules(settings):
        rights.update(find_guarded_rights(rule))
    keeps_files_of_node = bool(deployment.keeps_on_node and row.list_state_directories(settings))
    if row.needs_root(settings) or keeps_files_of_node:
        rights.add(ROOT)
    return rights


def _describe_right(row: ComponentNeeds, settings: dict[str, Any], right: str) -> str:
    """Return a right as a sentence names it."""
    if right == ROOT:
        return "to run as root"
    rule = next(rule for rule in row.list_rules(settings) if right in find_guarded_rights(rule))
    resources = _join_words(list_at(rule, "resources") or list_at(rule, "nonResourceURLs"))
    groups = _join_words(f"'{group}'" for group in list_at(rule, "apiGroups") if group)
    in_groups = f" in API group {groups}" if groups else ""
    command_note = ", which includes commands in every container" if right == NODES_PROXY else ""
    return f"the right to {_join_words(list_at(rule, 'verbs'))} {resources}{in_groups} everywhere{command_note}"


def _join_words(words: Iterable[Any]) -> str:
    return ", ".join(str(word) for word in words)


def _make_right_test(row: ComponentNeeds, right: str, deployment: Deployment) -> Callable[[Any], bool]:
    """Return a function that says whether a component with other settings needs a right."""

    def needs_right(settings: Any) -> bool:
        return right in _list_guarded_rights(row, settings, deployment)

    return needs_right


def _find_smallest_cause(has_need: Callable[[Any], bool], settings: Any, path: Path) -> Path:
    """Return the path of the smallest setting that alone makes a component need something.

    `has_need` says whether the component has the need with a value in place of `settings`. A child of a mapping is the
    cause if the need ends with another scalar in its place, or without the mapping or list there. An item of a list is
    the cause if the need is there with this item alone.
    """
    if isinstance(settings, dict):
        for key, child in reversed(settings.items()):
            if not has_need(_neutralize_child(settings, key)):
                return _find_smallest_cause(_narrow_to_child(has_need, settings, key), child, (*path, key))
    if isinstance(settings, list):
        for index, child in enumerate(settings):
            if has_need([child]):
                return _find_smallest_cause(_narrow_to_item(has_need), child, (*path, index))
    return path


def _neutralize_child(settings: dict[Any, Any], key: Any) -> dict[Any, Any]:
    """Return settings without a mapping or list in them, or with another text in place of a scalar."""
    other_settings = {name: child for name, child in settings.items() if name != key}
    return other_settings if isinstance(settings[key], (dict, list)) else {**other_settings, key: _REPLACEMENT_TEXT}


def _narrow_to_child(has_need: Callable[[Any], bool], settings: dict[Any, Any], key: Any) -> Callable[[Any], bool]:
    """Return a function that says whether the component has the need with another value of a key of its settings."""

    def needs_with_child(child: Any) -> bool:
        return has_need({**settings, key: child})

    return needs_with_child


def _narrow_to_item(has_need: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a function that says whether the component has the need with one item in a list."""

    def needs_with_item(other_item: Any) -> bool:
        return has_need([other_item])

    return needs_with_item


RULES = define_rules("error", consent_missing, documentation=_GOOD_PRACTICES)
