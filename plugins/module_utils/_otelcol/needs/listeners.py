# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listeners of a config: the ports that its started components open. Private.

Services, network policies, probes and firewalls need the ports of a collector, and rules judge who can reach them. So
the needs of a config, the diagnosis and the rules ask here. For the config

    receivers: {otlp: {protocols: {grpc: {}}}}
    service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}

`find_listeners` yields `Listener(part=otlp, host="localhost", port=4317, protocol="TCP", name="otlp-grpc", …)`.

A part is a component that the config starts (started_components.py). Which component type opens which port is a table
of the catalogue, _data/catalogue/ports.json, whose rows are `ListenerRow` of catalogue/port_rows.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..catalogue.port_rows import ListenerRow, Listeners
from ..config.addresses import ANY_IPV4, LOCALHOST, is_loopback, split_host_and_port
from ..config.metrics_level import has_own_metrics
from ..config.paths import Path, format_path, list_at, mapping_at, value_at
from ..traits import Trait, kind_of, traits_of
from .started_components import StartedComponent

# Where the config has the settings of the Collector's own telemetry.
_TELEMETRY_PATH = ("service", "telemetry")
# Where a reader of `service.telemetry.metrics.readers` has the host and the port of the own metrics.
_READER_PATH: Path = ("pull", "exporter", "prometheus")


class Listener(NamedTuple):
    """A port that a component opens, or the service itself."""

    part: StartedComponent | None
    """The component; None for the service itself."""
    path: Path
    """The path of its endpoint, or of what opens it where no endpoint is written."""
    host: str
    port: int
    """0 if a variable has it."""
    protocol: str
    name: str
    """The name of the row, such as `otlp-grpc`."""
    app_protocol: str | None = None
    is_exposed: bool = True
    """Whether clients connect to it; other ports are for the kubelet, for scrapers and for people who debug."""
    host_setting: Path = ("endpoint",)
    """Where the host is written, below `path` or beside it."""
    has_separate_port: bool = False
    """Whether the port is written in another setting than the host."""

    def describe_host_setting(self, host: str) -> str:
        """Return the setting that makes it listen on a host, as YAML: a bracket would begin a list."""
        setting_value = host if self.has_separate_port else f"{host}:{self.port}"
        if setting_value.startswith("["):
            setting_value = f'"{setting_value}"'
        return f"{format_path(self.host_setting)}: {setting_value}"

    @property
    def port_and_protocol(self) -> tuple[int, str]:
        """The port and the protocol."""
        return self.port, self.protocol


def find_listeners(
    config: Any, parts: Iterable[StartedComponent], table: Listeners, with_operator_defaults: bool = False
) -> Iterator[Listener]:
    """Yield every port that the parts of a config open and whose number is known; the service's own comes first.

    `with_operator_defaults` is for a collector of the operator, which gives the address 0.0.0.0 to the components that
    it knows and that have none.
    """
    for listener in _find_opened_ports(config, parts, table, with_operator_defaults=with_operator_defaults):
        if listener.port:
            yield listener


def are_ports_known(config: Any, parts: Iterable[StartedComponent], table: Listeners) -> bool:
    """Whether the number of every port that the parts of a config open for others is known before they run.

    It is not for `endpoint: 0.0.0.0:${env:PORT}`.
    """
    opened_listeners = _find_opened_ports(config, parts, table, with_operator_defaults=False)
    return all(listener.port or is_loopback(listener.host) for listener in opened_listeners)


def _find_opened_ports(
    config: Any, parts: Iterable[StartedComponent], table: Listeners, *, with_operator_defaults: bool
) -> Iterator[Listener]:
    """Yield every port that is opened, with number 0 if a variable has it."""
    yield from _find_service_listeners(config, table)
    for part in parts:
        yield from _find_part_listeners(part, table, with_operator_defaults)


def _find_part_listeners(part: StartedComponent, table: Listeners, with_operator_defaults: bool) -> Iterator[Listener]:
    """Yield the ports of one component. Each pipeline has processors of its own, so their ports say nothing."""
    if part.section == "processors":
        return
    for row in table.get((part.section, part.type), ()):
        listener = _make_listener(row, part, with_operator_defaults)
        if listener:
            yield listener


def _make_listener(row: ListenerRow, part: StartedComponent, with_operator_defaults: bool) -> Listener | None:
    """Return the port that a row of the table names; None if the component does not open it with its settings."""
    protocol = _find_protocol(part, row)
    if not protocol or not _is_turned_on(part, row):
        return None
    address = _find_address(row, part, with_operator_defaults)
    if address is None:
        return None
    host = address.host
    if row.host_path:
        host = str(value_at(part.settings, row.host_path, host))
    return Listener(
        part=part,
        path=address.path,
        host=host,
        port=address.port,
        protocol=protocol,
        name=row.name,
        app_protocol=row.app_protocol,
        is_exposed=row.is_exposed,
        host_setting=address.host_setting,
        has_separate_port=bool(row.host_path),
    )


class _ListenAddress(NamedTuple):
    """Where a component listens. The fields mean what those of `Listener` mean."""

    path: Path
    host: str
    port: int
    host_setting: Path


def _find_address(row: ListenerRow, part: StartedComponent, with_operator_defaults: bool) -> _ListenAddress | None:
    """Return the address that the settings of a component write, else the default; None if there is no default.

    Source of the default host: the Collector's gate component.UseLocalHostAsDefaultHost (default since 0.104).
    """
    host_setting = row.host_path or row.path
    endpoint = value_at(part.settings, row.path)
    if endpoint is not None:
        host, port = split_host_and_port(endpoint)
        # `path` leads to the endpoint itself, so a message names the last key alone: `endpoint: localhost:4317`.
        return _ListenAddress((*part.path, *row.path), host, port or 0, host_setting[-1:])
    if not row.port:
        return None
    is_set_by_operator = with_operator_defaults and _gets_operator_address(part, row)
    default_host = ANY_IPV4 if is_set_by_operator else row.host or LOCALHOST
    # `path` leads to the component, so a message names all keys below it: `protocols.grpc.endpoint: localhost:4317`.
    return _ListenAddress(part.path, default_host, row.port, host_setting)


class ListenEndpoint(NamedTuple):
    """An address that the settings of a component name to listen on."""

    row: ListenerRow
    """The row of the table for this port."""
    path: Path
    text: str
    """The address as it is written."""


def list_written_endpoints(part: StartedComponent, table: Listeners) -> Iterator[ListenEndpoint]:
    """Yield the addresses that a component's settings write and on which it opens a port, whether it can or not.

    For `{protocols: {grpc: {endpoint: "0.0.0.0:99999"}}}`, the text is `0.0.0.0:99999`, though there is no such port.
    """
    for row in table.get((part.section, part.type), ()):
        text = value_at(part.settings, row.path)
        if not isinstance(text, str) or row.host_path:
            continue
        if _find_protocol(part, row) and _is_turned_on(part, row):
            yield ListenEndpoint(row, (*part.path, *row.path), text)


def waits_for_clients(section_name: str, component_id: str, config: Any, table: Listeners) -> bool:
    """Whether data reaches a component of a section because clients send it, wherever it listens.

    A receiver of type prometheus asks for its data, so it does not wait. Some types can listen or ask; without settings
    that say more, they are taken to listen.
    """
    part = StartedComponent(
        section_name, component_id, kind_of(component_id), mapping_at(config, section_name, component_id)
    )
    rows = table.get((part.section, part.type), ())
    return any(row.is_exposed and (not part.settings or _is_turned_on(part, row)) for row in rows)


def _is_turned_on(part: StartedComponent, row: ListenerRow) -> bool:
    """Whether the settings turn a listener on.

    Without a switch it is on. Extension healthcheckv2 is special: it does not open its old endpoint beside new ones.
    """
    if value_at(part.settings, (*row.switch_path, "enabled")) is False:
        return False
    if not row.switch_path:
        has_new_endpoints = part.kind == "healthcheckv2" and part.settings.keys() & {"http", "grpc", "use_v2"}
        return not has_new_endpoints
    *parent_keys, key = row.switch_path
    return key in mapping_at(part.settings, *(str(name) for name in parent_keys))


def _gets_operator_address(part: StartedComponent, row: ListenerRow) -> bool:
    """Whether the operator writes 0.0.0.0 where a component has no endpoint."""
    is_opened = Trait.OPENED_BY_OPERATOR in traits_of(part.section, part.kind)
    return is_opened and row.path[0] in ("endpoint", "protocols")


def _find_protocol(part: StartedComponent, row: ListenerRow) -> str:
    """Return `TCP` or `UDP`, which `transport` can change; empty for what is no port, such as a Unix socket."""
    transport = str(value_at(part.settings, (*row.path[:-1], "transport"), row.protocol)).upper().rstrip("46")
    return transport if transport in ("TCP", "UDP") else ""


def _find_service_listeners(config: Any, table: Listeners) -> Iterator[Listener]:
    """Yield where the collector serves its own metrics: what is written, else the default."""
    if not has_own_metrics(config):
        return
    metrics = mapping_at(config, *_TELEMETRY_PATH, "metrics")
    for row in table.get(_TELEMETRY_PATH, ()):
        for path, host, port in _find_served_metrics(metrics, row.port):
            if port or host:
                yield Listener(
                    part=None,
                    path=path,
                    host=host,
                    port=port or 0,
                    protocol=row.protocol,
                    name=row.name,
                    is_exposed=row.is_exposed,
                )


class _ServedMetrics(NamedTuple):
    """Where the collector serves its own metrics; the port is None if it is unknown or none."""

    path: Path
    host: str
    port: int | None


def _find_served_metrics(metrics: Any, usual_port: int | None) -> Iterator[_ServedMetrics]:
    """Yield the address in settings of metrics, or the usual one, and the addresses of readers."""
    metrics_path: Path = (*_TELEMETRY_PATH, "metrics")
    if "address" in metrics:
        yield _ServedMetrics((*metrics_path, "address"), *split_host_and_port(metrics["address"]))
    elif "readers" not in metrics:
        yield _ServedMetrics(_TELEMETRY_PATH, LOCALHOST, usual_port)
    for index, reader in enumerate(list_at(metrics, "readers")):
        host = value_at(reader, (*_READER_PATH, "host"))
        port_value = value_at(reader, (*_READER_PATH, "port"))
        _no_host, port = split_host_and_port(f":{port_value}")
        yield _ServedMetrics((*metrics_path, "readers", index), str(host or ""), port if host else None)
