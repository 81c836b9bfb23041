# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A subject taken apart for the rules, once: started parts, pipelines, scalars, listeners. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from ..config.catalogue import Port
from ..config.paths import Path, at, items, leaves, section
from ..config.sections import ROLES
from ..needs.components.table import component
from .addresses import ANY_IPV4, LOCALHOST, address
from .build import build_of
from .subject import Subject

_SECTIONS = ("extensions", "receivers", "processors", "exporters", "connectors")
_READER: Path = ("pull", "exporter", "prometheus")
_KEPT = "_view"
# Source: createDefaultConfig of service/telemetry/otelconftelemetry in the Collector.
_METRICS_PORT = 8888


class Part(NamedTuple):
    """A component that a pipeline or the service starts. `kind` spells old and new names alike, see `kind_of`."""

    section: str
    id: str
    kind: str
    settings: dict[str, Any]

    @property
    def path(self) -> Path:
        """Where it stands in the config."""
        return (self.section, self.id)


class Pipeline(NamedTuple):
    """A pipeline: its key, and what stands in it."""

    key: str
    receivers: list[str]
    processors: list[str]
    exporters: list[str]

    @property
    def path(self) -> Path:
        """Where it stands in the config."""
        return ("service", "pipelines", self.key)


class Listener(NamedTuple):
    """A port that something opens. `path` is its endpoint, or what opens it where no endpoint is written."""

    part: Part | None
    path: Path
    host: str
    port: int
    protocol: str

    @property
    def end(self) -> tuple[int, str]:
        """Port and protocol."""
        return self.port, self.protocol


class View:
    """A subject, taken apart; every piece is made when a rule first asks for it."""

    def __init__(self, subject: Subject) -> None:
        # Not the subject itself, which keeps its view: without a cycle, memory is free as soon as both are done.
        self.config, self._target, self._deployment = subject.config, subject.target, subject.deployment

    @cached_property
    def pipelines(self) -> tuple[Pipeline, ...]:
        """The pipelines, without what is no text in their lists; not those of which a variable says what is in them."""
        found = section(self.config, "service", "pipelines").items()
        return tuple(
            Pipeline(key, *(_texts(items(value, role)) for role in ROLES))
            for key, value in found
            if isinstance(key, str) and not any(isinstance(at(value, (role,)), str) for role in ROLES)
        )

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The components that are started, extensions first; not those whose settings are a variable."""
        started = {("extensions", name) for name in _texts(items(self.config, "service", "extensions"))}
        for pipeline in self.pipelines:
            for role, ids in zip(ROLES, pipeline[1:], strict=True):
                started.update((name, component_id) for name in ROLES[role] for component_id in ids)
        return tuple(
            Part(name, key, kind_of(key), value if isinstance(value, dict) else {})
            for name in _SECTIONS
            for key, value in section(self.config, name).items()
            if isinstance(key, str) and (name, key) in started and not isinstance(value, str)
        )

    @cached_property
    def leaves(self) -> tuple[tuple[Path, Any], ...]:
        """Every scalar of the config with its path."""
        return tuple(leaves(self.config))

    @cached_property
    def listeners(self) -> tuple[Listener, ...]:
        """Every port that is surely opened and whose number is known; the service's own metrics come first."""
        return (*_telemetry(self.config), *(item for part in self.parts for item in self._listeners(part)))

    def of(self, name: str, *kinds: str) -> Iterator[Part]:
        """Yield the started components of a section that are of one of these kinds."""
        return (part for part in self.parts if part.section == name and part.kind in kinds)

    def _listeners(self, part: Part) -> Iterator[Listener]:
        if part.section == "processors":  # each pipeline has its own, so their ports say nothing
            return
        # Source: the operator's internal/components; a receiver without an address gets 0.0.0.0 from it.
        operator = bool(self._deployment and self._deployment.operator_version)
        for port in self._ports(part):
            endpoint = at(part.settings, port.path)
            known = (ANY_IPV4 if operator else LOCALHOST, port.port) if endpoint is None else address(endpoint)
            protocol = _protocol(part, port)
            if known[1] and protocol and _is_on(part, port):
                path = part.path if endpoint is None else (*part.path, *port.path)
                yield Listener(part, path, known[0], known[1], protocol)

    def _ports(self, part: Part) -> Iterable[Port]:
        """Return the listeners of a type: the catalogue knows all, the table of needs the frequent ones."""
        kind = part.id.split("/", 1)[0]
        if self._target:
            return build_of(self._target).ports(part.section, kind)
        row = component(part.section, kind)
        rules = row.ports if row else ()
        return [Port(rule.endpoint, rule.default, rule.protocol, rule.when or ()) for rule in rules]


def view(subject: Subject) -> View:
    """Return the view of a subject, the same one each time."""
    kept = vars(subject)
    if _KEPT not in kept:
        kept[_KEPT] = View(subject)
    found: View = kept[_KEPT]
    return found


def kind_of(component_id: str) -> str:
    """Return the type of an id without underscores, in which old and new names are the same but for `otlp_grpc`."""
    return component_id.split("/", 1)[0].replace("_", "")


def _texts(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def _is_on(part: Part, port: Port) -> bool:
    """Whether a listener is turned on; the second health check leaves its first endpoint alone once it has others."""
    if part.kind == "healthcheckv2" and not port.when and part.settings.keys() & {"http", "grpc", "use_v2"}:
        return False
    if at(part.settings, (*port.when, "enabled")) is False:
        return False
    return not port.when or port.when[-1] in section(part.settings, *(str(key) for key in port.when[:-1]))


def _protocol(part: Part, port: Port) -> str:
    """Return the protocol, which `transport` can change; nothing for a socket that is no port."""
    transport = str(at(part.settings, (*port.path[:-1], "transport"), port.protocol)).upper().rstrip("46")
    return transport if transport in ("TCP", "UDP") else ""


def _telemetry(config: Any) -> Iterator[Listener]:
    """Yield where the collector serves its own metrics: what is written, else the default."""
    metrics = section(config, "service", "telemetry", "metrics")
    here: Path = ("service", "telemetry", "metrics")
    if metrics.get("level") == "none":
        return
    if "address" in metrics:
        host, port = address(metrics["address"])
        yield from [Listener(None, (*here, "address"), host, port, "TCP")] if port else []
    elif "readers" not in metrics:
        yield Listener(None, ("service", "telemetry"), LOCALHOST, _METRICS_PORT, "TCP")
    for index, reader in enumerate(items(metrics, "readers")):
        host, number = at(reader, (*_READER, "host")), at(reader, (*_READER, "port"))
        port = address(f":{number}")[1]
        if host and port:
            yield Listener(None, (*here, "readers", index), str(host), port, "TCP")
