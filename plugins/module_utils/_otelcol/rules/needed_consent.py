# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on rights that go far beyond telemetry: a collector has them only with consent, by its option `allow`.

Which rights need consent, needs/component_row.py says. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..config.paths import Path, items
from ..needs.component_row import NODES_PROXY, ROOT, Component, guarded_rights
from ..needs.listeners import Part
from ..needs.used_parts import used_parts
from .subject import Deployment, Fault, Subject, about, rules

_GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
_OTHER_TEXT = "other"


class _Asking(NamedTuple):
    """A component that may need consent: its part of the config, its row, and the rights that it needs."""

    part: Part
    row: Component
    rights: set[str]


@about("deployment")
def consent_missing(subject: Subject) -> Iterator[Fault]:
    """Yield components that need a right which the collector's option `allow` does not name."""
    deployment = subject.deployment
    if deployment is None or deployment.allowed is None:
        return
    asking = list(_asking_components(subject, deployment))
    all_rights = set(deployment.allowed).union(*(asker.rights for asker in asking))
    allow = ", ".join(sorted(all_rights))
    for part, row, rights in asking:
        for right in sorted(rights - set(deployment.allowed)):
            message = f"'{part.id}' needs {_right_in_words(row, part.settings, right)}"
            fix = f"Remove the setting, or add `allow: [{allow}]` to the collector."
            path = _cause(_needs_right(row, right, deployment), part.settings, part.path)
            yield Fault(path, f"{message}, for which this collector has no consent", fix)


def _asking_components(subject: Subject, deployment: Deployment) -> Iterator[_Asking]:
    """Yield the started components that may need consent."""
    for row, part in used_parts(subject.view.parts):
        yield _Asking(part, row, _rights(row, part.settings, deployment))


def _rights(row: Component, settings: dict[str, Any], deployment: Deployment) -> set[str]:
    """Return the rights of a component that need consent."""
    rights: set[str] = set()
    for rule in row.rules(settings):
        rights.update(guarded_rights(rule))
    keeps_files_of_node = bool(deployment.keeps_on_node and row.state(settings))
    if row.root(settings) or keeps_files_of_node:
        rights.add(ROOT)
    return rights


def _right_in_words(row: Component, settings: dict[str, Any], right: str) -> str:
    """Return a right as a sentence names it."""
    if right == ROOT:
        return "to run as root"
    rule = next(rule for rule in row.rules(settings) if right in guarded_rights(rule))
    resources = _listed(items(rule, "resources") or items(rule, "nonResourceURLs"))
    groups = _listed(f"'{group}'" for group in items(rule, "apiGroups") if group)
    in_groups = f" in API group {groups}" if groups else ""
    more = ", which includes commands in every container" if right == NODES_PROXY else ""
    return f"the right to {_listed(items(rule, 'verbs'))} {resources}{in_groups} everywhere{more}"


def _listed(words: Iterable[Any]) -> str:
    return ", ".join(str(word) for word in words)


def _needs_right(row: Component, right: str, deployment: Deployment) -> Callable[[Any], bool]:
    """Return a function that says whether a component with other settings needs a right."""

    def needs_right(settings: Any) -> bool:
        return right in _rights(row, settings, deployment)

    return needs_right


def _cause(needs: Callable[[Any], bool], value: Any, path: Path) -> Path:
    """Return the path of the smallest setting that alone makes a component need something.

    `needs` says whether the need is there with another value in the place of this one. A text is the cause if another
    one in its place ends the need, and a mapping or a list if its absence does.
    """
    if isinstance(value, dict):
        for key, child in reversed(value.items()):
            if not needs(_without_child(value, key)):
                return _cause(_with_child(needs, value, key), child, (*path, key))
    if isinstance(value, list):
        for index, child in enumerate(value):
            if needs([child]):
                return _cause(_with_item(needs), child, (*path, index))
    return path


def _without_child(settings: dict[Any, Any], key: Any) -> dict[Any, Any]:
    """Return settings without a mapping or list in them, or with another text in place of a scalar."""
    rest = {name: child for name, child in settings.items() if name != key}
    return rest if isinstance(settings[key], (dict, list)) else {**rest, key: _OTHER_TEXT}


def _with_child(needs: Callable[[Any], bool], settings: dict[Any, Any], key: Any) -> Callable[[Any], bool]:
    """Return what says whether settings need something with another value of a key."""

    def needs_with_child(child: Any) -> bool:
        return needs({**settings, key: child})

    return needs_with_child


def _with_item(needs: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return what says whether a list of one item needs something with another item."""

    def needs_with_item(item: Any) -> bool:
        return needs([item])

    return needs_with_item


RULES = rules("error", consent_missing, documentation=_GOOD_PRACTICES)
