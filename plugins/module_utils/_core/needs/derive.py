# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished config needs around it, derived from it: ports, permissions, environment, volumes. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..aws.policy import Grant
from ..config.environment import REFERENCE
from ..config.paths import Path, at, items, leaves, section
from .components.aws import grants_of
from .components.table import Component, PortRule, Rules, component

SECRETS_ROOT = "/etc/otelcol/secrets"
CONFIG_MAPS_ROOT = "/etc/otelcol/configmaps"
METRICS_PORT = 8888  # Source: default of service.telemetry.metrics in the Collector's documentation.

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
_LONGEST_PORT_NAME = 15
_LONGEST_VOLUME_NAME = 63
_LARGEST_PORT = 65535
_DEFAULT_HOST = "localhost"  # Source: every component's default since 0.104 (gate component.UseLocalHostAsDefaultHost).


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

    @property
    def iam_actions(self) -> tuple[str, ...]:
        """The actions of AWS that the config leads to."""
        return tuple(sorted({action for grant in self.grants for action in grant.actions}))


def derive(config: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Needs:
    """Return what this config needs; only components in use count. `environment` is what is known of it beforehand."""
    used = list(_used(config))
    health = next((settings for row, _id, settings in used if row.health), None)
    ports = _named([*_ports(used), *_telemetry_port(config)])
    probe = next((port for port in ports if port.name.startswith("healthcheck") and _is_reachable(health or {})), None)
    read = tuple(variables(config))
    return Needs(
        ports=tuple(ports),
        rules=_rules(used),
        variables=(*read, *_implied(used, read)),
        mounts=tuple(_mounts(config, used)),
        state_directories=tuple(sorted({path for row, _id, settings in used for path in row.state(settings)})),
        run_as_root=any(row.root(settings) for row, _id, settings in used),
        probe=probe,
        probe_path=str((health or {}).get("path") or "/"),
        grants=tuple(_grants(config, environment or {})),
    )


def _used(config: Mapping[str, Any]) -> Iterator[tuple[Component, str, dict[str, Any]]]:
    """Yield table row, id and settings of every component in use that needs something."""
    for role, component_id, settings in _started(config):
        row = component(role, component_id.split("/", 1)[0])
        if row:
            yield row, component_id, settings


def _started(config: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield class, id and settings of every component that a pipeline or the service starts."""
    ids = {("extensions", item) for item in items(config, "service", "extensions")}
    for pipeline in section(config, "service", "pipelines").values():
        for role in ("receivers", "processors", "exporters"):
            ids |= {(role, item) for item in items(pipeline, role)}
    for role in ("extensions", "receivers", "processors", "exporters"):
        for component_id, settings in section(config, role).items():
            if (role, component_id) in ids:
                yield role, component_id, settings if isinstance(settings, dict) else {}


def _grants(config: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Grant]:
    for role, component_id, settings in _started(config):
        yield from grants_of((role, component_id.split("/", 1)[0]), settings, config, environment)


def _ports(used: list[tuple[Component, str, dict[str, Any]]]) -> Iterator[Port]:
    for row, _id, settings in used:
        for rule in row.ports:
            number = _port_number(rule, settings)
            if number:
                yield Port(rule.name, number, rule.protocol, rule.app_protocol, rule.exposed)


def _port_number(rule: PortRule, settings: dict[str, Any]) -> int | None:
    """Return the port that a rule finds in a component's settings; None when that part of it is off."""
    if rule.when and rule.when[-1] not in section(settings, *map(str, rule.when[:-1])):
        return None
    endpoint = at(settings, rule.endpoint)
    return rule.default if endpoint is None else _number(str(endpoint).rsplit(":", 1)[-1])


def _number(port: object) -> int | None:
    """Return a port number; None for what is none, or is known only when the collector runs."""
    digits = str(port)
    number = int(digits) if digits.isdecimal() else 0
    return number if 0 < number <= _LARGEST_PORT else None


def _is_reachable(health: dict[str, Any]) -> bool:
    """Whether the kubelet reaches a health check: it asks the pod's address, never the loopback in the pod."""
    host = str(health.get("endpoint") or _DEFAULT_HOST).rsplit(":", 1)[0].strip("[]")
    return host not in (_DEFAULT_HOST, "::1") and not host.startswith("127.")


def _telemetry_port(config: Mapping[str, Any]) -> Iterator[Port]:
    for reader in items(config, "service", "telemetry", "metrics", "readers"):
        prometheus = at(reader, ("pull", "exporter", "prometheus"))
        port = prometheus.get("port") if isinstance(prometheus, dict) else 0
        number = METRICS_PORT if port is None else _number(port)
        if number:
            yield Port("metrics", number, exposed=False)


def _named(ports: list[Port]) -> list[Port]:
    """Give every port a name of its own, and drop a second listener on the same port."""
    result: dict[tuple[int, str], Port] = {}
    names: set[str] = set()
    for port in ports:
        if (port.number, port.protocol) in result:
            continue
        result[(port.number, port.protocol)] = replace(port, name=_unique(port.name, names, _LONGEST_PORT_NAME))
    return list(result.values())


def _unique(wanted: str, taken: set[str], longest: int) -> str:
    """Return a name that is not taken and not too long, as near to the wanted one as it can be; it is taken then."""
    name, count = wanted[:longest].rstrip("-"), 2
    while name in taken:
        suffix = f"-{count}"
        name, count = wanted[: longest - len(suffix)] + suffix, count + 1
    taken.add(name)
    return name


def _rules(used: list[tuple[Component, str, dict[str, Any]]]) -> Rules:
    """Return the permissions of all components, each once and in a stable order."""
    rules: dict[str, dict[str, Any]] = {}
    for row, _id, settings in used:
        for rule in row.rules(settings):
            rules.setdefault(repr(sorted(rule.items())), rule)
    return tuple(rules[key] for key in sorted(rules))


def variables(config: Mapping[str, Any]) -> Iterator[Variable]:
    """Yield every variable once; the place that cannot do without it first."""
    found: dict[str, Variable] = {}
    for path, value in leaves(config):
        for match in REFERENCE.finditer(value) if isinstance(value, str) else ():
            if match[1] and (match[1] not in found or found[match[1]].optional):
                found[match[1]] = Variable(match[1], path, optional=match[2] is not None)
    yield from found.values()


def _implied(used: list[tuple[Component, str, dict[str, Any]]], known: tuple[Variable, ...]) -> Iterator[Variable]:
    """Yield variables that a component reads by itself, without a reference in the config."""
    names = {variable.name for variable in known}
    for name in sorted({name for row, _id, settings in used for name in row.variables(settings)} - names):
        yield Variable(name, (), optional=False)


def _mounts(config: Mapping[str, Any], used: list[tuple[Component, str, dict[str, Any]]]) -> Iterator[Mount]:
    """Yield Secrets and ConfigMaps that paths in the config lie in, then host paths that components read."""
    seen: dict[str, Mount] = {}
    for _path, value in leaves(config):
        match = _MOUNTED.match(value) if isinstance(value, str) else None
        if match:
            root, name = match[1], match[2]
            source = {"secret": {"secretName": name}} if root == SECRETS_ROOT else {"configMap": {"name": name}}
            prefix = "secret" if root == SECRETS_ROOT else "configmap"
            seen.setdefault(f"{root}/{name}", Mount(f"{prefix}-{name.replace('.', '-')}", f"{root}/{name}", source))
    for row, _id, settings in used:
        for host, path in row.host_paths(settings):
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
