# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The needs of a finished config: ports, permissions, environment variables and volumes.

They come from the finished config, so a user's own config gets ports, RBAC, probes and volumes as a recipe does. A path
below `/etc/otelcol/secrets/NAME/` mounts the Secret of that name. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..catalogue.port_rows import Listeners
from ..config.paths import REFERENCE, Path, at, is_loopback, leaves
from .aws_calls import grants_of
from .aws_policy import Grant
from .component_row import guarded_rights
from .component_table import Component, Rules, component
from .listeners import Listener, Part, listeners, ports_are_known, started_parts

SECRETS_ROOT = "/etc/otelcol/secrets"
CONFIG_MAPS_ROOT = "/etc/otelcol/configmaps"

# Environment that Kubernetes itself can give: name → field of the pod.
DOWNWARD = {
    "MY_POD_IP": "status.podIP",
    "MY_POD_NAME": "metadata.name",
    "MY_POD_NAMESPACE": "metadata.namespace",
    "K8S_POD_IP": "status.podIP",
    "K8S_POD_NAME": "metadata.name",
    "K8S_POD_UID": "metadata.uid",
    "K8S_NAMESPACE": "metadata.namespace",
    "K8S_NODE_IP": "status.hostIP",
    "K8S_NODE_NAME": "spec.nodeName",
}

_MOUNTED = re.compile(rf"({SECRETS_ROOT}|{CONFIG_MAPS_ROOT})/([a-z0-9][-a-z0-9.]*)/")
# How components name the token of their pod: the setting `auth_type` of those that ask the API, and its folder.
_BY_ACCOUNT, _ACCOUNT_FILES = "serviceAccount", "/secrets/kubernetes.io/serviceaccount"
_LONGEST_PORT_NAME = 15
_LONGEST_VOLUME_NAME = 63


@dataclass(frozen=True)
class Port:
    """A port that the collector listens on."""

    name: str
    number: int
    protocol: str = "TCP"
    app_protocol: str | None = None
    exposed: bool = True


@dataclass(frozen=True)
class Mount:
    """A volume that the config refers to by a path. `source` is the Kubernetes volume source."""

    name: str
    path: str
    source: dict[str, Any]
    read_only: bool = True
    propagation: str | None = None


@dataclass(frozen=True)
class Variable:
    """An environment variable that the config reads, and where."""

    name: str
    path: Path
    optional: bool


@dataclass(frozen=True)
class Needs:
    """All that a config needs from its surroundings."""

    ports: tuple[Port, ...]
    rules: Rules
    variables: tuple[Variable, ...]
    mounts: tuple[Mount, ...]
    state_directories: tuple[str, ...]
    run_as_root: bool
    probe: Port | None
    probe_path: str
    grants: tuple[Grant, ...]
    asks_api: bool
    ports_known: bool

    @property
    def iam_actions(self) -> tuple[str, ...]:
        """The actions of AWS that the config leads to."""
        return tuple(sorted({action for grant in self.grants for action in grant.actions}))


def derived_needs(
    config: Mapping[str, Any],
    table: Listeners,
    environment: Mapping[str, str] | None = None,
    allow: Iterable[str] = (),
    known: Callable[[str, str], bool] = lambda _section, _type: True,
) -> Needs:
    """Return what this config needs; only components in use count.

    `table` has the ports that component types open, `environment` is what is known of it beforehand, `allow` names the
    rights that have the user's consent. `known` says whether a type is known; another may need the API and open ports.
    """
    parts = list(started_parts(config))
    used = _used(parts)
    open_ports = list(listeners(config, parts, table))
    ports = _named(open_ports)
    health = next((part for row, part in used if row.health), None)
    read = tuple(config_variables(config))
    rules = _rules(used, allow)
    certain = all(known(part.section, part.type) and not isinstance(at(config, part.path), str) for part in parts)
    return Needs(
        ports=tuple(ports),
        rules=rules,
        variables=(*read, *_implied(used, read)),
        mounts=tuple(_mounts(config, used)),
        state_directories=_state_directories(used),
        run_as_root=any(row.root(part.settings) for row, part in used),
        probe=_probe_port(ports, open_ports, health),
        probe_path=_probe_path(health),
        grants=tuple(_grants(parts, config, environment or {})),
        asks_api=bool(rules) or not certain or any(row.api for row, _part in used) or _uses_account(config),
        ports_known=certain and ports_are_known(config, parts, table),
    )


def _state_directories(used: Sequence[tuple[Component, Part]]) -> tuple[str, ...]:
    return tuple(sorted({path for row, part in used for path in row.state(part.settings)}))


def _probe_port(ports: Iterable[Port], open_ports: Iterable[Listener], health: Part | None) -> Port | None:
    """Return the port on which the kubelet asks for the health of the Collector; none without an open one."""
    if health is None:
        return None
    asked = {listener.end for listener in open_ports if listener.part == health and not is_loopback(listener.host)}
    return next((port for port in ports if (port.number, port.protocol) in asked), None)


def _probe_path(health: Part | None) -> str:
    settings = health.settings if health else {}
    return str(settings.get("path") or "/")


def _uses_account(config: Mapping[str, Any]) -> bool:
    """Whether a setting names the token of the ServiceAccount, or a file beside it."""
    return any(value == _BY_ACCOUNT or _ACCOUNT_FILES in str(value) for _path, value in leaves(config))


def rules_of(config: Mapping[str, Any], allow: Iterable[str]) -> Rules:
    """Return the permissions that the components of a config need."""
    return _rules(_used(started_parts(config)), allow)


def _used(parts: Iterable[Part]) -> list[tuple[Component, Part]]:
    """Return every component in use that needs something, with its row of the table."""
    rows = ((component(part.section, part.type), part) for part in parts)
    return [(row, part) for row, part in rows if row]


def _grants(parts: Iterable[Part], config: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Grant]:
    for part in parts:
        yield from grants_of((part.section, part.type), part.settings, config, environment)


def _named(found: Iterable[Listener]) -> list[Port]:
    """Return the ports, each once and with a name of its own; those of components come first.

    The collector's own metrics are no port when they are served on the loopback, which is their default.
    """
    result: dict[tuple[int, str], Port] = {}
    names: set[str] = set()
    for item in sorted(found, key=lambda listener: listener.part is None):
        if item.end not in result and (item.part or not is_loopback(item.host)):
            name = _unique(item.name, names, _LONGEST_PORT_NAME)
            result[item.end] = Port(name, item.port, item.protocol, item.app_protocol, item.exposed)
    return list(result.values())


def _unique(wanted: str, taken: set[str], longest: int) -> str:
    """Return a name that is not taken and not too long, as near to the wanted one as it can be; it is taken then."""
    name, count = wanted[:longest].rstrip("-"), 2
    while name in taken:
        suffix = f"-{count}"
        name, count = wanted[: longest - len(suffix)] + suffix, count + 1
    taken.add(name)
    return name


def _rules(used: Iterable[tuple[Component, Part]], allow: Iterable[str]) -> Rules:
    """Return the permissions of all components, each once and in a stable order.

    What only older versions of Kubernetes need is left out unless the user allows it.
    """
    rules: dict[str, dict[str, Any]] = {}
    for row, part in used:
        older = [rule for rule in row.older(part.settings) if guarded_rights(rule) <= set(allow)]
        for rule in (*row.rules(part.settings), *older):
            rules.setdefault(repr(sorted(rule.items())), rule)
    return tuple(rules[key] for key in sorted(rules))


def config_variables(config: Mapping[str, Any]) -> Iterator[Variable]:
    """Yield every variable once; the place that cannot do without it first."""
    found: dict[str, Variable] = {}
    for path, value in leaves(config):
        for match in REFERENCE.finditer(value) if isinstance(value, str) and "$" in value else ():
            if match[1] and (match[1] not in found or found[match[1]].optional):
                found[match[1]] = Variable(match[1], path, optional=match[2] is not None)
    yield from found.values()


def _implied(used: Iterable[tuple[Component, Part]], known: tuple[Variable, ...]) -> Iterator[Variable]:
    """Yield variables that a component reads by itself, without a reference in the config."""
    names = {variable.name for variable in known}
    for name in sorted({name for row, part in used for name in row.variables(part.settings)} - names):
        yield Variable(name, (), optional=False)


def _mounts(config: Mapping[str, Any], used: Iterable[tuple[Component, Part]]) -> Iterator[Mount]:
    """Yield Secrets and ConfigMaps that paths in the config lie in, then host paths that components read."""
    seen: dict[str, Mount] = {}
    for _path, value in leaves(config):
        match = _MOUNTED.match(value) if isinstance(value, str) else None
        if match:
            root, name = match[1], match[2]
            source = {"secret": {"secretName": name}} if root == SECRETS_ROOT else {"configMap": {"name": name}}
            prefix = "secret" if root == SECRETS_ROOT else "configmap"
            seen.setdefault(f"{root}/{name}", Mount(f"{prefix}-{name.replace('.', '-')}", f"{root}/{name}", source))
    for row, part in used:
        for host, path in row.host_paths(part.settings):
            seen.setdefault(
                path,
                Mount(
                    "host" + re.sub(r"[^a-z0-9]+", "-", host.lower()).rstrip("-"),
                    path,
                    {"hostPath": {"path": host}},
                    propagation="HostToContainer",
                ),
            )
    taken: set[str] = set()
    for mount in seen.values():
        yield replace(mount, name=_unique(mount.name, taken, _LONGEST_VOLUME_NAME))
