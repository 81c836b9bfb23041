# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names by which collectors of a cluster are reached from outside, and those that they send to. Private.

The result of otel_render has both. Whoever renders one cluster knows no other, so later tasks compare those of all. For
example, `gateway` of cluster eu has an Ingress for otlp.example.com, and `agent` of cluster us sends there:

    reached_at of eu:     {"host": "otlp.example.com", "collector": "telemetry/gateway"}
    sends_outside of us:  {"host": "otlp.example.com", "sender": "telemetry/agent", "exporter": "otlp_grpc/gateway"}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict

from ..module_utils._collector.manifests.network import list_external_dns_names, list_outside_hosts
from ..module_utils._collector.options import Collector
from ..module_utils._host.sending_exporters import sent_protocol
from ..module_utils._otelcol.config.addresses import is_loopback
from ..module_utils._otelcol.needs.peers import Peer, find_peers


class ReachedName(TypedDict):
    """A host name that leads to a collector from outside of its cluster."""

    host: str
    collector: str
    """The collector as NAMESPACE/NAME."""


class OutsideDestination(TypedDict):
    """A host name outside of the cluster that a collector sends OTLP to."""

    sender: str
    """The collector as NAMESPACE/NAME."""
    exporter: str
    host: str


def list_reached_names(collectors: Iterable[Collector]) -> list[ReachedName]:
    """Return the names that lead to collectors from outside of their cluster."""
    reached_names: list[ReachedName] = []
    for collector in collectors:
        hosts = [*list_outside_hosts(collector), *list_external_dns_names(collector)]
        for host in dict.fromkeys(hosts):
            reached_names.append({"host": host, "collector": _full_name(collector)})
    return reached_names


def list_outside_destinations(
    configs: Iterable[tuple[Collector, Mapping[str, Any]]],
) -> list[OutsideDestination]:
    """Return the names outside of their cluster that collectors send OTLP to. Each collector has its config beside."""
    destinations: list[OutsideDestination] = []
    for collector, config in configs:
        for peer in _find_outside_peers(collector, config):
            destinations.append({"sender": _full_name(collector), "exporter": peer.exporter, "host": peer.host})
    return destinations


def _find_outside_peers(collector: Collector, config: Mapping[str, Any]) -> Iterator[Peer]:
    """Yield the addresses that are neither a Service of the cluster nor the pod itself."""
    for peer in find_peers(config, collector.namespace):
        is_service = bool(peer.service) and peer.is_certain
        is_inside = is_service or is_loopback(peer.host)
        if sent_protocol(peer.exporter) and not is_inside:
            yield peer


def _full_name(collector: Collector) -> str:
    return f"{collector.namespace}/{collector.name}"
