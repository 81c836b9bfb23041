# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on rights that need the user's consent, and on ports that a node opens without it. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..config.paths import Path, at, items
from ..needs.components.row import NODES_PROXY, ROOT, Component, guarded
from ..needs.components.table import component
from .subject import Deployment, Fault, Subject, rules

_SECURITY = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
_NODE_PORTS = "https://kubernetes.io/docs/concepts/configuration/overview/#services"
_SHOWN = 6
_OTHER_TEXT = "other"


def consent_missing(subject: Subject) -> Iterator[Fault]:
    """Yield components that need a right which the collector's option `allow` does not name."""
    deployment = subject.deployment
    if deployment is None or deployment.allowed is None:
        return
    rows = [(part, component(part.section, part.type)) for part in subject.view.parts]
    asked = [(part, row, _rights(row, part.settings, deployment)) for part, row in rows if row]
    allow = ", ".join(sorted({*deployment.allowed, *(right for _part, _row, found in asked for right in found)}))
    for part, row, found in asked:
        for right in sorted(found - set(deployment.allowed)):

            def needs(settings: Any, row: Component = row, right: str = right) -> bool:
                return right in _rights(row, settings, deployment)

            message = f"'{part.id}' needs {_words(row, part.settings, right)}, for which this collector has no consent"
            fix = f"Remove the setting, or add `allow: [{allow}]` to the collector."
            yield Fault(_cause(needs, part.settings, part.path), message, fix)


def _rights(row: Component, settings: dict[str, Any], deployment: Deployment) -> set[str]:
    """Return the rights of a component that need consent."""
    found = {right for item in row.rules(settings) for right in guarded(item)}
    as_root = row.root(settings) or (deployment.keeps_on_node and row.state(settings))
    return found | ({ROOT} if as_root else set())


def _words(row: Component, settings: dict[str, Any], right: str) -> str:
    """Return a right as a sentence names it."""
    if right == ROOT:
        return "to run as root"
    item = next(item for item in row.rules(settings) if right in guarded(item))
    resources = ", ".join(map(str, items(item, "resources") or items(item, "nonResourceURLs")))
    groups = ", ".join(f"'{group}'" for group in items(item, "apiGroups") if group)
    verbs = ", ".join(map(str, items(item, "verbs")))
    more = ", which includes commands in every container" if right == NODES_PROXY else ""
    return f"the right to {verbs} {resources}{f' in API group {groups}' if groups else ''} everywhere{more}"


def _cause(needs: Callable[[Any], bool], value: Any, path: Path) -> Path:
    """Return the path of the smallest setting that alone makes a component need something.

    A text is the cause if another one in its place, and a mapping or a list if its absence ends the need.
    """
    if isinstance(value, dict):
        for key, item in reversed(value.items()):
            rest = {name: kept for name, kept in value.items() if name != key}
            if not needs(rest if isinstance(item, (dict, list)) else {**rest, key: _OTHER_TEXT}):

                def within(inner: Any, key: Any = key) -> bool:
                    return needs({**value, key: inner})

                return _cause(within, item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            if needs([item]):
                return _cause(lambda inner: needs([inner]), item, (*path, index))
    return path


def host_port_open(subject: Subject) -> Iterator[Fault]:
    """Yield agents that open ports on their nodes by default, in clear text for everybody who reaches the node."""
    wide = subject.deployment.open_ports if subject.deployment else frozenset()
    found = [
        listener
        for listener in subject.view.listeners
        if listener.exposed and listener.end in wide and not at(subject.config, (*listener.path[:-1], "tls"))
    ]
    if found:
        ports = ", ".join(str(port) for port in sorted({listener.port for listener in found})[:_SHOWN])
        yield Fault(
            found[0].path,
            f"the node's ports {ports} take telemetry in clear text from everybody who reaches the node",
            "Set `host_ports: true` if that is meant. For pods of the same node only, set `host_ports: false` and "
            "`service: {enabled: true}`.",
        )


RULES = (
    *rules("error", consent_missing, documentation=_SECURITY),
    *rules("warning", host_port_open, documentation=_NODE_PORTS),
)
