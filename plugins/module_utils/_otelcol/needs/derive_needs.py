# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The needs of a finished config: ports, permissions, environment variables and volumes.

They come from the finished config, so a user's own config gets ports, RBAC, probes and volumes as a recipe does. A path
below `/etc/otelcol/secrets/NAME/` mounts the Secret of that name. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..catalogue.port_rows import Listeners
from ..config.paths import REFERENCE, Path, at, is_loopback, leaves
from .aws_calls import grants_of
from .aws_policy import Grant
from .component_row import guarded_rights
from .component_table import Component, Rules, component
from .listeners import Listener, Part, listeners, ports_are_known, started_parts

_ROOT = "/etc/otelcol"
SECRETS_ROOT = f"{_ROOT}/secrets"
CONFIG_MAPS_ROOT = f"{_ROOT}/configmaps"

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

# A path is a whole value, or the file that a part of a value is read from; `$${file:…}` is text.
_MOUNTED = re.compile(rf"(?:\A|(?<!\$)(?:\$\$)*\$\{{file:)({SECRETS_ROOT}|{CONFIG_MAPS_ROOT})/([a-z0-9][-a-z0-9.]*)/")
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
    asks_api = bool(rules) or not certain or any(row.api for row, _part in used) or _uses_account(config)
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
        asks_api=asks_api,
        ports_known=certain and ports_are_known(config, parts, table),
    )


def _state_directories(used: Iterable[_UsedPart]) -> tuple[str, ...]:
    """Return the folders in which components keep their state, each once."""
    directories: set[str] = set()
    for row, part in used:
        directories.update(row.state(part.settings))
    return tuple(sorted(directories))


def _probe_port(ports: Iterable[Port], open_ports: Iterable[Listener], health: Part | None) -> Port | None:
    """Return the port on which the kubelet asks for the health of the Collector; none without an open one."""
    if health is None:
        return None
    health_ends = set()
    for listener in open_ports:
        if listener.part == health and not is_loopback(listener.host):
            health_ends.add(listener.end)
    for port in ports:
        if (port.number, port.protocol) in health_ends:
            return port
    return None


def _probe_path(health: Part | None) -> str:
    """Return the path at which the kubelet asks."""
    settings = health.settings if health else {}
    return str(settings.get("path") or "/")


def _uses_account(config: Mapping[str, Any]) -> bool:
    """Whether a setting names the token of the ServiceAccount, or a file beside it."""
    return any(value == _BY_ACCOUNT or _ACCOUNT_FILES in str(value) for _path, value in leaves(config))


def rules_of(config: Mapping[str, Any], allow: Iterable[str]) -> Rules:
    """Return the permissions that the components of a config need."""
    return _rules(_used(started_parts(config)), allow)


class _UsedPart(NamedTuple):
    """A component in use that needs something, and its row of the table."""

    row: Component
    part: Part


def _used(parts: Iterable[Part]) -> list[_UsedPart]:
    """Return every component in use that needs something."""
    used = []
    for part in parts:
        row = component(part.section, part.type)
        if row:
            used.append(_UsedPart(row, part))
    return used


def _grants(parts: Iterable[Part], config: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Grant]:
    """Yield what components may call at AWS."""
    for part in parts:
        yield from grants_of((part.section, part.type), part.settings, config, environment)


def _named(open_ports: Iterable[Listener]) -> list[Port]:
    """Return the ports, each once and with a name of its own; those of components come first.

    The collector's own metrics are no port when they are served on the loopback, which is their default.
    """
    ports: dict[tuple[int, str], Port] = {}
    names: set[str] = set()
    for listener in sorted(open_ports, key=lambda listener: listener.part is None):
        is_own = listener.part is None
        if listener.end in ports or (is_own and is_loopback(listener.host)):
            continue
        name = _unique(listener.name, names, _LONGEST_PORT_NAME)
        ports[listener.end] = Port(name, listener.port, listener.protocol, listener.app_protocol, listener.exposed)
    return list(ports.values())


def _unique(wanted: str, taken: set[str], longest: int) -> str:
    """Return a name that is not taken and not too long, as near to the wanted one as it can be; it is taken then."""
    name, count = wanted[:longest].rstrip("-"), 2
    while name in taken:
        suffix = f"-{count}"
        name, count = wanted[: longest - len(suffix)] + suffix, count + 1
    taken.add(name)
    return name


def _rules(used: Iterable[_UsedPart], allow: Iterable[str]) -> Rules:
    """Return the permissions of all components, each once and in a stable order.

    What only older versions of Kubernetes need is left out unless the user allows it.
    """
    allowed = set(allow)
    rules: dict[str, dict[str, Any]] = {}
    for row, part in used:
        older = [rule for rule in row.older(part.settings) if guarded_rights(rule) <= allowed]
        for rule in (*row.rules(part.settings), *older):
            rules.setdefault(repr(sorted(rule.items())), rule)
    return tuple(rules[key] for key in sorted(rules))


def config_variables(config: Mapping[str, Any]) -> Iterator[Variable]:
    """Yield every variable once; the place that cannot do without it first."""
    variables: dict[str, Variable] = {}
    for path, value in leaves(config):
        if not isinstance(value, str) or "$" not in value:
            continue
        for match in REFERENCE.finditer(value):
            name, default = match.groups()
            if name and (name not in variables or variables[name].optional):
                variables[name] = Variable(name, path, optional=default is not None)
    yield from variables.values()


def _implied(used: Iterable[_UsedPart], read: Iterable[Variable]) -> Iterator[Variable]:
    """Yield variables that a component reads by itself, without a reference in the config."""
    names: set[str] = set()
    for row, part in used:
        names.update(row.variables(part.settings))
    names -= {variable.name for variable in read}
    for name in sorted(names):
        yield Variable(name, (), optional=False)


def _mounts(config: Mapping[str, Any], used: Iterable[_UsedPart]) -> Iterator[Mount]:
    """Yield Secrets and ConfigMaps that paths in the config lie in, then host paths that components read."""
    mounts: dict[str, Mount] = {}
    for mount in (*_mounted_objects(config), *_mounted_host_paths(used)):
        mounts.setdefault(mount.path, mount)
    taken: set[str] = set()
    for mount in mounts.values():
        yield replace(mount, name=_unique(mount.name, taken, _LONGEST_VOLUME_NAME))


def _mounted_objects(config: Mapping[str, Any]) -> Iterator[Mount]:
    """Yield the Secret or ConfigMap of each path in the config that lies in one."""
    for _path, value in leaves(config):
        if isinstance(value, str) and _ROOT in value:
            for root, name in _MOUNTED.findall(value):
                yield _mounted_object(root, name)


def _mounted_object(root: str, name: str) -> Mount:
    """Return the mount of a Secret or ConfigMap below its root."""
    word = name.replace(".", "-")
    if root == SECRETS_ROOT:
        return Mount(f"secret-{word}", f"{root}/{name}", {"secret": {"secretName": name}})
    return Mount(f"configmap-{word}", f"{root}/{name}", {"configMap": {"name": name}})


def _mounted_host_paths(used: Iterable[_UsedPart]) -> Iterator[Mount]:
    """Yield the paths of the host that components read."""
    for row, part in used:
        for host, path in row.host_paths(part.settings):
            word = re.sub(r"[^a-z0-9]+", "-", host.lower()).rstrip("-")
            yield Mount(f"host{word}", path, {"hostPath": {"path": host}}, propagation="HostToContainer")
