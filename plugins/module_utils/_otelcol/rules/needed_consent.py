# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on rights that go far beyond telemetry: a collector has them only with consent, by its option `allow`.

Such rights are guarded. needs/component_needs.py says which rights are, and smallest_cause.py finds the setting because
of which a component needs one. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.journald: error [consent-missing] 'journald' needs to run as root, for which this collector has no
    consent. Remove the setting, or add `allow: [root, secrets]` to the collector.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..config.paths import Path, list_at
from ..needs.component_needs import NODES_PROXY, ROOT, ComponentNeeds, find_guarded_rights
from ..needs.components_with_needs import find_components_with_needs
from ..needs.started_components import StartedComponent
from .rule_definitions import Fault, about, define_rules
from .smallest_cause import find_smallest_cause
from .subject import Deployment, Subject

_GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"


class _GuardedComponent(NamedTuple):
    """A component that needs guarded rights."""

    component: StartedComponent
    needs_row: ComponentNeeds
    """The row of needs/component_table.py about its type."""
    guarded_rights: set[str]
    """Those that it needs, such as `root`."""


@about("deployment")
def consent_missing(subject: Subject) -> Iterator[Fault]:
    """Yield components that need a right which the collector's option `allow` does not name."""
    deployment = subject.deployment
    if deployment is None or deployment.allowed_rights is None:
        return
    guarded_components = list(_list_guarded_components(subject, deployment))
    allowed_rights = set(deployment.allowed_rights)
    fix = _describe_fix(guarded_components, allowed_rights)
    for guarded in guarded_components:
        component = guarded.component
        for right in sorted(guarded.guarded_rights - allowed_rights):
            right_text = _describe_right(guarded.needs_row, component.settings, right)
            message = f"'{component.id}' needs {right_text}, for which this collector has no consent"
            yield Fault(_find_cause(guarded, right, deployment), message, fix)


def _list_guarded_components(subject: Subject, deployment: Deployment) -> Iterator[_GuardedComponent]:
    """Yield the started components that need guarded rights."""
    for needs_row, component in find_components_with_needs(subject.view.started_components):
        guarded_rights = _find_guarded_rights_of(needs_row, component.settings, deployment)
        if guarded_rights:
            yield _GuardedComponent(component, needs_row, guarded_rights)


def _find_guarded_rights_of(needs_row: ComponentNeeds, settings: dict[str, Any], deployment: Deployment) -> set[str]:
    """Return the guarded rights that a component with these settings needs."""
    rights: set[str] = set()
    for rbac_rule in needs_row.list_rules(settings):
        rights.update(find_guarded_rights(rbac_rule))
    keeps_files_of_node = bool(deployment.keeps_on_node and needs_row.list_state_directories(settings))
    if needs_row.needs_root(settings) or keeps_files_of_node:
        rights.add(ROOT)
    return rights


def _describe_fix(guarded_components: Iterable[_GuardedComponent], allowed_rights: set[str]) -> str:
    """Return the fix of each finding. It allows what all components need, so that one change of `allow` is enough."""
    rights_to_allow = allowed_rights.union(*(guarded.guarded_rights for guarded in guarded_components))
    return f"Remove the setting, or add `allow: [{', '.join(sorted(rights_to_allow))}]` to the collector."


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


def _find_cause(guarded: _GuardedComponent, right: str, deployment: Deployment) -> Path:
    """Return the path of the setting because of which a component needs a right."""

    def needs_right(settings: Any) -> bool:
        return right in _find_guarded_rights_of(guarded.needs_row, settings, deployment)

    return (*guarded.component.path, *find_smallest_cause(needs_right, guarded.component.settings))


RULES = define_rules("error", consent_missing, documentation=_GOOD_PRACTICES)
