# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that an exporter and the gateway that gets its data agree, by both configs. Private.

`_linked_collectors.py` of plugin_utils calls `check_connections` for the collectors of a host or a cluster, before
anything is rendered. Both sides must agree on the protocol, TLS, certificates and compression. For example:

    exporter 'otlp/gateway' sends in clear text, and collector 'gateway on gw1' receives TLS
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.errors import Problem
from .gateway_connections import GatewayConnection
from .host_groups import GRPC, HTTP
from .otlp_servers import has_otlp_port

_HTTPS = "https"
_PROTOCOL_TITLES = {GRPC: "gRPC", HTTP: "HTTP"}
# The compression of an exporter of OTLP over HTTP that sets none.
# Source: exporter/otlphttpexporter/factory.go of the Collector.
_DEFAULT_COMPRESSION = "gzip"
# The values that turn compression off. Source: config/configcompression of the Collector.
_UNCOMPRESSED = ("none", "")


@dataclass(frozen=True)
class TlsFixes:
    """What to do if a sender and its gateway do not agree on TLS. Options differ by where the sender runs."""

    clear_text_fix: str
    """If only the gateway uses TLS."""
    tls_fix: str
    """If only the sender uses TLS."""
    no_certificate_fix: str
    """If the gateway asks for a certificate, and the sender has none."""


# For senders on hosts.
HOST_TLS_FIXES = TlsFixes(
    clear_text_fix="Remove `insecure`, and set `otel_host_tls`; with `endpoint`, `mutual_tls: true` too.",
    tls_fix="Set certificates for the gateway too, or `insecure: true` here (`http://` for HTTP).",
    no_certificate_fix="Set `otel_host_tls` for the sender too; with `endpoint`, `mutual_tls: true` too.",
)
# For senders in clusters.
CLUSTER_TLS_FIXES = TlsFixes(
    clear_text_fix="Remove `insecure`, and set `ca_secret` and `client_tls_secret`.",
    tls_fix="Set `otel_host_tls` for the gateway, or `insecure: true` here (`http://` for HTTP).",
    no_certificate_fix="Set `client_tls_secret`, a Secret with a certificate of the gateways' CA.",
)


def check_connections(connections: Iterable[GatewayConnection], fixes: TlsFixes) -> None:
    """Raise Problem if both sides of a connection do not agree on the protocol, TLS, certificates or compression.

    `fixes` say what to do about TLS, where the sender runs.
    """
    for connection in connections:
        # What is between both, such as an Ingress, may speak another protocol to the sender than to the gateway. Then
        # there is no server to compare with, and none of the checks finds anything.
        servers = connection.server_settings if connection.is_direct else {}
        # At the port of another protocol, a difference of TLS or compression would only be a consequence.
        _check_protocol(connection, servers)
        # `_is_secure` finds TLS of gRPC by `insecure`, which an address with a scheme overrides.
        if not _has_tls_in_scheme(connection):
            for server in servers.values():
                _check_tls(connection, value_at(server, ("tls",)), fixes)
        if connection.protocol == HTTP:
            _check_compression(connection, list_at(servers, HTTP, "compression_algorithms"))


def check_no_return(config: Mapping[str, Any], connections: Iterable[GatewayConnection], host: str, name: str) -> None:
    """Raise Problem for an exporter that sends to a receiver of its own pipeline: its data would go round for ever.

    `config` is that of the sender, the collector `name` of `host`.
    """
    graph = PipelineGraph.of(config)
    for connection in connections:
        if (connection.gateway.host, connection.gateway.collector) == (host, name):
            for pipeline in graph.pipelines:
                _check_pipeline_end(config, graph, pipeline, connection)


def _check_pipeline_end(
    config: Mapping[str, Any], graph: PipelineGraph, pipeline: str, connection: GatewayConnection
) -> None:
    """Raise Problem if a pipeline gets the data of a connection, and sends it there."""
    if connection.exporter not in graph.list_ids(pipeline, "exporters"):
        return
    for receiver in graph.list_ids(pipeline, "receivers"):
        if has_otlp_port(receiver, mapping_at(config, "receivers", receiver), connection.gateway.port):
            wrong = (
                f"data would go round in a loop: exporter '{connection.exporter}' sends to port"
                f" {connection.gateway.port}, where receiver '{receiver}' of its own pipeline '{pipeline}' listens"
            )
            raise Problem(wrong, fix="Send to another collector, or let the receiver listen on another port.")


def _check_protocol(connection: GatewayConnection, servers: Mapping[str, Any]) -> None:
    """Raise Problem for an exporter that sends to the port of another protocol."""
    if servers and connection.protocol not in servers:
        exporter, receiver = connection.exporter, connection.receiver_description
        sending_text = f"sends {_PROTOCOL_TITLES[connection.protocol]} to port {connection.gateway.port}"
        receiving_text = " and ".join(_PROTOCOL_TITLES.get(name, name) for name in servers)
        wrong = f"exporter '{exporter}' {sending_text}, where collector '{receiver}' receives {receiving_text}"
        raise Problem(wrong, fix="Send to the port of the exporter's protocol, or change the protocol.")


def _check_compression(connection: GatewayConnection, accepted: Sequence[Any]) -> None:
    """Raise Problem for a compression that the gateway refuses. `accepted` is its list; an empty list accepts all.

    Measured with 0.158.0: the gateway answers 400, and the exporter drops the data. Servers of gRPC have no such list.
    """
    compression = str(connection.client_settings.get("compression", _DEFAULT_COMPRESSION))
    if compression in _UNCOMPRESSED:
        compression = ""
    if not accepted or compression in accepted:
        return
    compression_text = f"compressed by {compression}" if compression else "uncompressed"
    exporter, receiver = connection.exporter, connection.receiver_description
    accepted_text = ", ".join(str(algorithm) or "none" for algorithm in accepted)
    wrong = f"exporter '{exporter}' sends {compression_text}, and collector '{receiver}' takes {accepted_text} alone"
    fix = f"Add '{compression}' to `compression_algorithms` of its receiver, or set `compression` of the exporter."
    raise Problem(wrong, fix=fix)


def _has_tls_in_scheme(connection: GatewayConnection) -> bool:
    """Return whether an exporter of gRPC has an address with a scheme, which decides whether it uses TLS."""
    return connection.protocol == GRPC and connection.endpoint_scheme.startswith("http")


def _check_tls(connection: GatewayConnection, server_tls: Any, fixes: TlsFixes) -> None:
    """Raise Problem if the exporter and a server of the gateway do not agree on TLS. `server_tls` is `tls` of it."""
    exporter, receiver = connection.exporter, connection.receiver_description
    client_tls = mapping_at(connection.client_settings, "tls")
    is_secure = _is_secure(connection, client_tls)
    if server_tls and not is_secure:
        wrong = f"exporter '{exporter}' sends in clear text, and collector '{receiver}' receives TLS"
        raise Problem(wrong, fix=fixes.clear_text_fix)
    if is_secure and not server_tls:
        wrong = f"exporter '{exporter}' sends TLS, and collector '{receiver}' receives clear text"
        raise Problem(wrong, fix=fixes.tls_fix)
    if value_at(server_tls, ("client_ca_file",)) and not client_tls.get("cert_file") and not client_tls.get("cert_pem"):
        wrong = f"exporter '{exporter}' has no certificate, and collector '{receiver}' asks for one"
        raise Problem(wrong, fix=fixes.no_certificate_fix)


def _is_secure(connection: GatewayConnection, client_tls: Mapping[str, Any]) -> bool:
    """Return whether an exporter uses TLS: over HTTP by the scheme of its address, over gRPC by `insecure`.

    A connection that was found by an address has the scheme of that address, which may be from another setting than
    `endpoint`, such as `traces_endpoint`. One to a group has no scheme of its own.
    """
    if connection.protocol == HTTP:
        scheme_of_endpoint = str(connection.exporter_settings.get("endpoint")).partition("://")[0]
        return (connection.endpoint_scheme or scheme_of_endpoint) == _HTTPS
    return client_tls.get("insecure") is not True
