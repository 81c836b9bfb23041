# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which names collectors of a cluster are reached from outside, and which names they send to. Controller only.

What renders one cluster knows no other one, so this is kept until all of them are rendered. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..module_utils._collector.manifests.network import list_external_dns_names, list_outside_hosts
from ..module_utils._collector.options import Collector
from ..module_utils._host.host_hops import sent_protocol
from ..module_utils._otelcol.config.addresses import is_loopback
from ..module_utils._otelcol.needs.peers import Peer, find_peers


def list_reached_names(collectors: Iterable[Collector]) -> list[dict[str, str]]:
    """Return the names that lead to collectors from outside of their cluster: `host`, and `collector` of each."""
    return [
        {"host": host, "collector": _full_name(collector)}
        for collector in collectors
        for host in dict.fromkeys([*list_outside_hosts(collector), *list_external_dns_names(collector)])
    ]


def list_outside_destinations(configs: Iterable[tuple[Collector, Mapping[str, Any]]]) -> list[dict[str, str]]:
    """Return the names outside of their cluster that collectors send OTLP to: `sender`, `exporter` and `host`."""
    return [
        {"sender": _full_name(collector), "exporter": peer.exporter, "host": peer.host}
        for collector, config in configs
        for peer in _find_outside_peers(collector, config)
    ]


def _find_outside_peers(collector: Collector, config: Mapping[str, Any]) -> Iterator[Peer]:
    """Yield the addresses that are neither a Service of the cluster nor the pod itself."""
    for peer in find_peers(config, collector.namespace):
        is_inside = is_loopback(peer.host) or (bool(peer.service) and peer.is_certain)
        if sent_protocol(peer.exporter) and not is_inside:
            yield peer


def _full_name(collector: Collector) -> str:
    return f"{collector.namespace}/{collector.name}"
