# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listeners of a config: its started components, and the ports that they open.

Which component type opens which port is a table of the catalogue, _data/catalogue/ports.json. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..catalogue.port_rows import ListenerRow, Listeners
from ..config.addresses import ANY_IPV4, LOCALHOST, address, is_loopback
from ..config.paths import ROLES, Path, at, dotted, items, section
from ..traits import kind_of

_SECTIONS = ("extensions", "receivers", "processors", "exporters", "connectors")
_TELEMETRY = ("service", "telemetry")
# The components that get the address 0.0.0.0 from the operator, if they have none.
# Source: the registries of the operator's internal/components/receivers and extensions, 0.158.
_GIVEN = {
    "receivers": (
        *("awsxray", "carbon", "collectd", "fluentforward", "influxdb", "jaeger", "loki", "otlp", "sapm", "signalfx"),
        *("skywalking", "splunkhec", "statsd", "wavefront", "zipkin"),
    ),
    "extensions": ("healthcheck", "jaegerquery"),
}
_READER: Path = ("pull", "exporter", "prometheus")


class Part(NamedTuple):
    """A component that a pipeline or the service starts. `kind` spells old and new names alike, see `kind_of`."""

    section: str
    id: str
    kind: str
    settings: dict[str, Any]

    @property
    def path(self) -> tuple[str, str]:
        """Where it stands in the config."""
        return (self.section, self.id)

    @property
    def type(self) -> str:
        """The type, as the config spells it."""
        return self.id.split("/", 1)[0]


class Listener(NamedTuple):
    """A port that a component, or the service itself (`part` is None), opens.

    `path` is its endpoint, or what opens it where no endpoint is written. Clients connect to what is `exposed`; the
    rest is for the kubelet, for scrapers and for people who debug. `setting` is where the host is written, below `path`
    or beside it.
    """

    part: Part | None
    path: Path
    host: str
    port: int
    protocol: str
    name: str
    app_protocol: str | None = None
    exposed: bool = True
    setting: Path = ("endpoint",)
    port_apart: bool = False

    def at(self, host: str) -> str:
        """Return the setting that makes it listen on a host, as YAML: a bracket would begin a list."""
        value = host if self.port_apart else f"{host}:{self.port}"
        if value.startswith("["):
            value = f'"{value}"'
        return f"{dotted(self.setting)}: {value}"

    @property
    def end(self) -> tuple[int, str]:
        """The port and the protocol."""
        return self.port, self.protocol


def started_parts(config: Any) -> Iterator[Part]:
    """Yield the components that are started, extensions first; settings that are no mapping count as empty."""
    ids = _started_ids(config)
    for section_name in _SECTIONS:
        for key, value in section(config, section_name).items():
            if isinstance(key, str) and (section_name, key) in ids:
                yield Part(section_name, key, kind_of(key), value if isinstance(value, dict) else {})


def _started_ids(config: Any) -> set[tuple[str, str]]:
    """Return the sections and ids of what the service and its pipelines name."""
    ids = {("extensions", name) for name in _texts_at(config, "service", "extensions")}
    for pipeline in section(config, "service", "pipelines").values():
        for role, sections in ROLES.items():
            for name in _texts_at(pipeline, role):
                ids.update((section_name, name) for section_name in sections)
    return ids


def _texts_at(config: Any, *path: str) -> list[str]:
    """Return the texts in the list at a path."""
    return [value for value in items(config, *path) if isinstance(value, str)]


def listeners(config: Any, parts: Iterable[Part], table: Listeners, by_operator: bool = False) -> Iterator[Listener]:
    """Yield every port that the parts of a config open and whose number is known; the service's own comes first.

    The operator gives an address to the components that it knows and that have none.
    """
    return (listener for listener in _opened(config, parts, table, by_operator) if listener.port)


def ports_are_known(config: Any, parts: Iterable[Part], table: Listeners) -> bool:
    """Whether the number of every port that the parts of a config open for others is known before they run."""
    opened = _opened(config, parts, table, False)
    return all(listener.port or is_loopback(listener.host) for listener in opened)


def _opened(config: Any, parts: Iterable[Part], table: Listeners, by_operator: bool) -> Iterator[Listener]:
    """Yield every port that is opened, with number 0 if a variable has it."""
    yield from _of_service(config, table)
    for part in parts:
        yield from _of_part(part, table, by_operator)


def _of_part(part: Part, table: Listeners, by_operator: bool) -> Iterator[Listener]:
    """Yield the ports of one component. Each pipeline has processors of its own, so their ports say nothing."""
    if part.section == "processors":
        return
    for row in table.get((part.section, part.type), ()):
        listener = _of_row(row, part, by_operator)
        if listener:
            yield listener


def _of_row(row: ListenerRow, part: Part, by_operator: bool) -> Listener | None:
    """Return the port that a row of the table names; None if the component does not open it with its settings."""
    protocol = _protocol(part, row)
    if not protocol or not _is_on(part, row):
        return None
    endpoint = at(part.settings, row.path)
    path, setting = (*part.path, *row.path), (row.host_path or row.path)[-1:]
    if endpoint is None:
        path, setting = part.path, row.host_path or row.path
        host, port = _default(row, by_operator and _is_given(part, row))
        if not port:
            return None
    else:
        host, port = address(endpoint)
    if row.host_path:
        host = str(at(part.settings, row.host_path, host))
    about = (row.name, row.app_protocol, row.exposed, setting, bool(row.host_path))
    return Listener(part, path, host, port or 0, protocol, *about)


class Endpoint(NamedTuple):
    """An address that the settings of a component name to listen on: the row of the table, the path, and the text."""

    row: ListenerRow
    path: Path
    text: str


def written_endpoints(part: Part, table: Listeners) -> Iterator[Endpoint]:
    """Yield the addresses that a component's settings write and on which it opens a port, whether it can or not."""
    for row in table.get((part.section, part.type), ()):
        text = at(part.settings, row.path)
        if not isinstance(text, str) or row.host_path:
            continue
        if _protocol(part, row) and _is_on(part, row):
            yield Endpoint(row, (*part.path, *row.path), text)


def waits_for_clients(name: str, component_id: str, config: Any, table: Listeners) -> bool:
    """Whether data reaches a component of a section because clients send it, wherever it listens.

    Some types can listen or ask for their data; without settings that say more, they are taken to listen.
    """
    part = Part(name, component_id, kind_of(component_id), section(config, name, component_id))
    rows = table.get((part.section, part.type), ())
    return any(row.exposed and (not part.settings or _is_on(part, row)) for row in rows)


def _is_on(part: Part, row: ListenerRow) -> bool:
    """Whether a listener is turned on; the second health check leaves its first endpoint alone once it has others."""
    if at(part.settings, (*row.when, "enabled")) is False:
        return False
    if not row.when:
        has_others = part.kind == "healthcheckv2" and part.settings.keys() & {"http", "grpc", "use_v2"}
        return not has_others
    *above, key = row.when
    return key in section(part.settings, *(str(name) for name in above))


def _is_given(part: Part, row: ListenerRow) -> bool:
    """Whether the operator writes 0.0.0.0 where a component has no endpoint."""
    return part.kind in _GIVEN.get(part.section, ()) and row.path[0] in ("endpoint", "protocols")


def _default(row: ListenerRow, given: bool) -> tuple[str, int | None]:
    """Return where a component listens that has no endpoint.

    Source: the Collector's gate component.UseLocalHostAsDefaultHost (default since 0.104).
    """
    return (ANY_IPV4 if given else row.host or LOCALHOST), row.port


def _protocol(part: Part, row: ListenerRow) -> str:
    """Return the protocol, which `transport` can change; nothing for a socket that is no port."""
    transport = str(at(part.settings, (*row.path[:-1], "transport"), row.protocol)).upper().rstrip("46")
    return transport if transport in ("TCP", "UDP") else ""


def _of_service(config: Any, table: Listeners) -> Iterator[Listener]:
    """Yield where the collector serves its own metrics: what is written, else the default."""
    metrics = section(config, *_TELEMETRY, "metrics")
    if metrics.get("level") == "none":
        return
    for row in table.get(_TELEMETRY, ()):
        for served in _served_metrics(metrics, row.port):
            if served.port or served.host:
                port = served.port or 0
                yield Listener(None, served.path, served.host, port, row.protocol, row.name, exposed=row.exposed)


class _Served(NamedTuple):
    """Where the collector serves its own metrics; the port is None if it is unknown or none."""

    path: Path
    host: str
    port: int | None


def _served_metrics(metrics: Any, usual_port: int | None) -> Iterator[_Served]:
    """Yield the address in settings of metrics, or the usual one, and the addresses of readers."""
    here: Path = (*_TELEMETRY, "metrics")
    if "address" in metrics:
        yield _Served((*here, "address"), *address(metrics["address"]))
    elif "readers" not in metrics:
        yield _Served(_TELEMETRY, LOCALHOST, usual_port)
    for index, reader in enumerate(items(metrics, "readers")):
        host, number = at(reader, (*_READER, "host")), at(reader, (*_READER, "port"))
        _nobody, port = address(f":{number}")
        yield _Served((*here, "readers", index), str(host or ""), port if host else None)
