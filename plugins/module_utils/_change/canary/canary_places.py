# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the exporters of a canary send to, and on which ports its pods refuse connections. Private.

The checks `endpoint_nowhere` and `not_listening` read these rows. They work without data: nobody has to send anything
to see that a Service is missing. The keys of facts that are used here:

| key | in which facts | meaning |
|---|---|---|
| `ends` | of the rest | where its exporters send to, as `HOST:PORT` |
| `open` | of canary and rest | the ports on which a pod accepts connections, as `RECEIVER:PORT` |
| `ways` | of the comparison | where the canary sends to: `known` if the rest does too, `nowhere` if nothing arrives |
| `ports` | of the comparison | the ports that a pod of the canary refuses: `closed` if a pod of the rest does not |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..._diagnose.peer_state import PeerRow
from ..._otelcol.needs.peers import find_peers
from .fact_rows import RefusedPortRow, RestFacts
from .sides import Sides

# Why nothing arrives at an address, by the `state` that peer_state.py of _diagnose gives it. Any other state is fine.
_NOWHERE_TEMPLATES = {
    "no_service": "Service {service} does not exist",
    "no_port": "Service {service} has no port {port}, only {has}",
    "no_endpoints": "Service {service} has no endpoints",
}


def list_peer_addresses(config: Mapping[str, Any]) -> list[str]:
    """Return where the exporters of a config send to, as host:port."""
    return [_join_address(peer.host, peer.port) for peer in find_peers(config, "")]


class DestinationRow(PeerRow):
    """An address that an exporter of the canary sends to."""

    known: bool
    """Whether the rest sends there too."""
    nowhere: str
    """Why nothing arrives there; empty if something may."""


def describe_destinations(peer_rows: Iterable[PeerRow], rest_facts: RestFacts) -> list[DestinationRow]:
    """Return where the exporters of a canary send to, beside where those of the rest do.

    If the record of an interrupted run does not say where the rest sends to, every address counts as known.
    """
    rest_addresses = rest_facts.get("ends")
    destinations: list[DestinationRow] = []
    for row in peer_rows:
        is_known = rest_addresses is None or _join_address(row["host"], row["port"]) in rest_addresses
        nowhere_text = _NOWHERE_TEMPLATES.get(row["state"], "").format(**row)
        destinations.append({**row, "known": is_known, "nowhere": nowhere_text})
    return destinations


def _join_address(host: str, port: int) -> str:
    return f"{host}:{port}"


def find_refused_ports(sides: Sides) -> Iterator[RefusedPortRow]:
    """Yield the ports on which a pod of the canary refuses connections.

    `closed` is true if the rest accepts connections there: then the change has closed the port, which is a fault.
    """
    open_in_rest = sides.rest_facts["open"]
    last_reading = sides.canary.readings[-1]
    for sample in last_reading.sample_by_pod.values():
        for (receiver, port), accepts in sample.open.items():
            if not accepts:
                yield {
                    "about": f"receivers/{receiver}",
                    "id": receiver,
                    "pod": sample.pod,
                    "port": port,
                    "closed": f"{receiver}:{port}" in open_in_rest,
                }
