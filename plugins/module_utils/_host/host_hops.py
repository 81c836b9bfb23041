# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that exporters of a collector and the gateways that get their data fit together, by both configs. Private.

A `GroupHop` is one exporter with one gateway: an exporter with three gateways has three hops. `_host_groups.py` finds
the hops to groups of hosts and `_inventory_addresses.py` those by address; `_connected_collectors.py` checks them and
hands them to the rules. Gateways and routes are those of host_groups.py. A `FlowCollector` of the rules (_otelcol)
is something else: one of the collectors between which data flows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._otelcol.config.paths import iter_leaves, list_at, mapping_at, value_at
from .._otelcol.errors import Problem
from .._otelcol.needs.listeners import started_parts
from .._otelcol.rules.client_metadata import find_asked_headers
from .._otelcol.rules.data_flow import find_unreceived_signals
from .._otelcol.rules.flow_collectors import FlowCollector
from .._otelcol.rules.sent_headers import DIVIDED_CLIENT
from .._otelcol.rules.subject import Receiving
from .._otelcol.traits import EXPORTERS, Trait, find_otlp_protocol, traits_of
from .host_groups import GRPC, HTTP, Gateway, Route

_HTTPS = "https"
_PROTOCOL_TITLES = {GRPC: "gRPC", HTTP: "HTTP"}
# Source: receiver/otlpreceiver/factory.go of the Collector.
_DEFAULT_ENDPOINTS = {GRPC: ":4317", HTTP: ":4318"}
# The default compression of an exporter of OTLP over HTTP, and the values that turn compression off.
# Source: exporter/otlphttpexporter/factory.go and config/configcompression of the Collector.
_DEFAULT_COMPRESSION, _UNCOMPRESSED = "gzip", ("none", "")


@dataclass(frozen=True)
class TlsFixes:
    """What to do if a sender and its gateway do not agree on TLS. Options differ by where the sender runs."""

    clear_text_fix: str
    """If only the gateway uses TLS."""
    tls_fix: str
    """If only the sender uses TLS."""
    no_certificate_fix: str
    """If the gateway asks for a certificate, and the sender has none."""


HOST_TLS_FIXES = TlsFixes(
    clear_text_fix="Remove `insecure`, and set `otel_host_tls`; with `endpoint`, `mutual_tls: true` too.",
    tls_fix="Set certificates for the gateway too, or `insecure: true` here (`http://` for HTTP).",
    no_certificate_fix="Set `otel_host_tls` for the sender too; with `endpoint`, `mutual_tls: true` too.",
)
CLUSTER_TLS_FIXES = TlsFixes(
    clear_text_fix="Remove `insecure`, and set `ca_secret` and `client_tls_secret`.",
    tls_fix="Set `otel_host_tls` for the gateway, or `insecure: true` here (`http://` for HTTP).",
    no_certificate_fix="Set `client_tls_secret`, a Secret with a certificate of the gateways' CA.",
)


@dataclass(frozen=True)
class GroupHop:
    """An exporter and a gateway that gets its data."""

    exporter: str
    """As the config names it, such as `otlp/gateway`."""
    exporter_settings: Mapping[str, Any]
    gateway: Gateway
    gateway_config: Mapping[str, Any]
    """The config of the gateway's collector."""
    endpoint_scheme: str = ""
    """The scheme of the exporter's address, such as `https`; empty without one."""
    is_direct: bool = True
    """Whether nothing, such as an Ingress, is between both, so that their protocols and TLS must agree."""
    is_otlp: bool = True
    """Whether the gateway receives OTLP at this address."""

    @property
    def protocol(self) -> str:
        """The protocol of OTLP that the exporter speaks."""
        return sent_protocol(self.exporter)

    @property
    def client_settings(self) -> dict[str, Any]:
        """The settings of the exporter's client."""
        if _divides_data(self.exporter):
            return mapping_at(self.exporter_settings, *DIVIDED_CLIENT)
        return dict(self.exporter_settings)

    @property
    def receiver_description(self) -> str:
        """The gateway's collector and its host, for people."""
        return f"{self.gateway.collector} on {self.gateway.host}"

    @property
    def receiver_settings(self) -> list[dict[str, Any]]:
        """The settings of the gateway's receivers of OTLP."""
        parts = started_parts(self.gateway_config)
        return [part.settings for part in parts if (part.section, part.kind) == ("receivers", "otlp")]

    @property
    def server_settings(self) -> dict[str, Any]:
        """The settings of the gateway's servers at the port of the exporter, by the protocol of OTLP."""
        servers: dict[str, Any] = {}
        for receiver_settings in self.receiver_settings:
            for protocol, server in mapping_at(receiver_settings, "protocols").items():
                if _read_port(protocol, server) == str(self.gateway.port):
                    servers[protocol] = server
        return servers


def sent_protocol(exporter: str) -> str:
    """Return the protocol over which an exporter sends OTLP, `grpc` or `http`; empty if it does not send OTLP."""
    return GRPC if _divides_data(exporter) else find_otlp_protocol(exporter)


def _divides_data(exporter: str) -> bool:
    """Return whether an exporter divides its data among gateways itself, as load_balancing does."""
    return Trait.DIVIDES in traits_of(EXPORTERS, exporter)


class SendingExporter(NamedTuple):
    """An exporter that sends to a gateway."""

    name: str
    settings: dict[str, Any]
    gateway: Gateway


def find_exporters(config: Mapping[str, Any], route: Route) -> Iterator[SendingExporter]:
    """Yield the exporters of OTLP that send to a route, once for each gateway that gets their data."""
    for name, settings in mapping_at(config, "exporters").items():
        if isinstance(name, str) and sent_protocol(name):
            for gateway in route.gateways_at(_list_addresses(settings)):
                yield SendingExporter(name, settings, gateway)


def _list_addresses(settings: Any) -> set[str]:
    """Return all texts of some settings, without a scheme: addresses are among them."""
    setting_texts = (value for _path, value in iter_leaves(settings) if isinstance(value, str))
    return {text.rpartition("/")[2] for text in setting_texts}


def unreceived_by(config: Mapping[str, Any], hops: Sequence[GroupHop]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the signals that each exporter sends and a gateway does not receive: gateway and signal, by exporter.

    `config` is that of the sender. `find_unreceived_signals` takes a list of collectors and, for each, the indexes of
    those that each of its exporters sends to. Here the sender has index 0, and the gateway of each hop one from 1 on;
    gateways send to nobody here.
    """
    own_hop = FlowCollector("", "", (), config)
    gateway_hops = [FlowCollector(hop.receiver_description, "", (), hop.gateway_config) for hop in hops]
    gateway_indexes_by_exporter: dict[str, set[int]] = {}
    for index, hop in enumerate(hops, 1):
        gateway_indexes_by_exporter.setdefault(hop.exporter, set()).add(index)
    routes_of_gateways: list[dict[str, set[int]]] = [{} for _gateway in gateway_hops]
    routes = [gateway_indexes_by_exporter, *routes_of_gateways]
    lost_signals = find_unreceived_signals([own_hop, *gateway_hops], routes)[0]
    for hop in hops:
        if not hop.is_otlp:
            sent_signals = [signal for exporter, signal in own_hop.sent if exporter == hop.exporter]
            lost_signals[hop.exporter] = tuple(
                (hop.receiver_description, signal) for signal in dict.fromkeys(sent_signals)
            )
    return lost_signals


def _read_port(protocol: str, server: Any) -> str:
    """Return the port of a server of a receiver of OTLP, as digits; `server` has the settings of the protocol."""
    endpoint = value_at(server, ("endpoint",)) or _DEFAULT_ENDPOINTS.get(protocol, "")
    return str(endpoint).rpartition(":")[2]


def describe_hops(hops: Iterable[GroupHop]) -> list[dict[str, str]]:
    """Return a row for each hop: `exporter`, and the `collector` that gets its data on the host or cluster `place`."""
    return [{"exporter": hop.exporter, "place": hop.gateway.host, "collector": hop.gateway.collector} for hop in hops]


def map_receiving_gateways(hops: Iterable[GroupHop]) -> dict[str, tuple[Receiving, ...]]:
    """Return the gateways that get the requests of each exporter, in the form that the rules read."""
    gateways_by_exporter: dict[str, tuple[Receiving, ...]] = {}
    for hop in hops:
        receiving = Receiving(
            hop.receiver_description, tuple(hop.receiver_settings), tuple(find_asked_headers(hop.gateway_config))
        )
        gateways_by_exporter[hop.exporter] = (*gateways_by_exporter.get(hop.exporter, ()), receiving)
    return gateways_by_exporter


def check_hops(hops: Iterable[GroupHop], fixes: TlsFixes) -> None:
    """Raise Problem for a hop whose sides do not agree: on the protocol, on TLS, on certificates or on compression."""
    for hop in hops:
        servers = hop.server_settings if hop.is_direct else {}
        _check_protocol(hop, servers)
        if not _has_tls_in_scheme(hop):
            for server in servers.values():
                _check_tls(hop, value_at(server, ("tls",)), fixes)
        if hop.protocol == HTTP:
            _check_compression(hop, list_at(servers, HTTP, "compression_algorithms"))


def _check_protocol(hop: GroupHop, servers: Mapping[str, Any]) -> None:
    """Raise Problem for an exporter that sends to the port of another protocol."""
    if servers and hop.protocol not in servers:
        sending_text = f"sends {_PROTOCOL_TITLES[hop.protocol]} to port {hop.gateway.port}"
        receiving_text = " and ".join(_PROTOCOL_TITLES.get(name, name) for name in servers)
        wrong = (
            f"exporter '{hop.exporter}' {sending_text}, where collector '{hop.receiver_description}' receives"
            f" {receiving_text}"
        )
        raise Problem(wrong, fix="Send to the port of the exporter's protocol, or change the protocol.")


def _check_compression(hop: GroupHop, accepted: Sequence[Any]) -> None:
    """Raise Problem for a compression that the gateway refuses. `accepted` is its list; an empty list accepts all.

    Measured with 0.158.0: the gateway answers 400, and the exporter drops the data. Servers of gRPC have no such list.
    """
    compression = str(hop.client_settings.get("compression", _DEFAULT_COMPRESSION))
    if compression in _UNCOMPRESSED:
        compression = ""
    if not accepted or compression in accepted:
        return
    compression_text = f"compressed by {compression}" if compression else "uncompressed"
    accepted_text = ", ".join(str(algorithm) or "none" for algorithm in accepted)
    wrong = (
        f"exporter '{hop.exporter}' sends {compression_text}, and collector '{hop.receiver_description}' takes"
        f" {accepted_text} alone"
    )
    fix = f"Add '{compression}' to `compression_algorithms` of its receiver, or set `compression` of the exporter."
    raise Problem(wrong, fix=fix)


def _has_tls_in_scheme(hop: GroupHop) -> bool:
    """Return whether an exporter of gRPC has an address with a scheme, which decides whether it uses TLS."""
    return hop.protocol == GRPC and hop.endpoint_scheme.startswith("http")


def _check_tls(hop: GroupHop, server_tls: Any, fixes: TlsFixes) -> None:
    """Raise Problem if the exporter and a server of the gateway do not agree on TLS. `server_tls` is `tls` of it."""
    client_tls = mapping_at(hop.client_settings, "tls")
    is_secure = _is_secure(hop, client_tls)
    if server_tls and not is_secure:
        wrong = (
            f"exporter '{hop.exporter}' sends in clear text, and collector '{hop.receiver_description}' receives TLS"
        )
        raise Problem(wrong, fix=fixes.clear_text_fix)
    if is_secure and not server_tls:
        wrong = f"exporter '{hop.exporter}' sends TLS, and collector '{hop.receiver_description}' receives clear text"
        raise Problem(wrong, fix=fixes.tls_fix)
    if value_at(server_tls, ("client_ca_file",)) and not client_tls.get("cert_file") and not client_tls.get("cert_pem"):
        wrong = f"exporter '{hop.exporter}' has no certificate, and collector '{hop.receiver_description}' asks for one"
        raise Problem(wrong, fix=fixes.no_certificate_fix)


def _is_secure(hop: GroupHop, client_tls: Mapping[str, Any]) -> bool:
    """Return whether an exporter uses TLS: over HTTP by the scheme of its address, over gRPC by `insecure`."""
    if hop.protocol == HTTP:
        endpoint_scheme = str(hop.exporter_settings.get("endpoint")).partition("://")[0]
        return (hop.endpoint_scheme or endpoint_scheme) == _HTTPS
    return client_tls.get("insecure") is not True
