# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the exporters of a canary send to, and on which ports its pods refuse connections. Private.

This needs no data: a Service that is not there takes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..._otelcol.needs.peers import find_peers
from .count_rows import Row
from .sides import Sides

# What a Service that leads nowhere lacks, by the state of a peer of diagnose.
_NOWHERE_TEXTS = {
    "no_service": "Service {service} does not exist",
    "no_port": "Service {service} has no port {port}, only {has}",
    "no_endpoints": "Service {service} has no endpoints",
}


def list_peer_addresses(config: Mapping[str, Any]) -> list[str]:
    """Return where the exporters of a config send to, as host:port."""
    return [_join_address(peer.host, peer.port) for peer in find_peers(config, "")]


def describe_destinations(peer_rows: Iterable[Row], rest_facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return where exporters send to, with whether the rest sends there too, and why nothing arrives there.

    Readings of earlier versions of the collection, in the record of an interrupted run, do not have `ends`.
    """
    rest_addresses = rest_facts.get("ends")
    destinations = []
    for row in peer_rows:
        is_known = rest_addresses is None or _join_address(row["host"], row["port"]) in rest_addresses
        destinations.append({**row, "known": is_known, "nowhere": _NOWHERE_TEXTS.get(row["state"], "").format(**row)})
    return destinations


def _join_address(host: str, port: int) -> str:
    return f"{host}:{port}"


def find_refused_ports(sides: Sides) -> Iterator[dict[str, Any]]:
    """Yield the ports on which a pod of the canary refuses connections; `closed` if an older pod accepts them."""
    open_in_rest = sides.rest_facts["open"]
    for sample in sides.canary.polls[-1].sample_by_pod.values():
        for (receiver, port), accepts in sample.open.items():
            if not accepts:
                yield {
                    "about": f"receivers/{receiver}",
                    "id": receiver,
                    "pod": sample.pod,
                    "port": port,
                    "closed": f"{receiver}:{port}" in open_in_rest,
                }
