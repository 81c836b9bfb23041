# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that the exporters of a canary send to, and whether anything receives there. Private.

Check `endpoint_nowhere` reads these rows. It works without data: nobody has to send anything to see that a Service is
missing. `live/destination_watch.py` asks the cluster for each address (a `PeerRow`), and `describe_destinations` adds
what the check needs. For example, if a new config sends to a Service that is not deployed:

    {"exporter": "otlp", "endpoint": "http://tempo:4317", "service": "obs/tempo", "state": "no_service", …}
    → the same, with "known": False, "nowhere": "Service obs/tempo does not exist"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._diagnose.peer_state import PeerRow
from ..._otelcol.needs.peers import find_peers
from .fact_rows import RestFacts

# Why nothing arrives at an address, by the `state` that peer_state.py of _diagnose gives it. Any other state is fine.
_NOWHERE_TEMPLATES = {
    "no_service": "Service {service} does not exist",
    "no_port": "Service {service} has no port {port}, only {has}",
    "no_endpoints": "Service {service} has no endpoints",
}


class DestinationRow(PeerRow):
    """An address that an exporter of the canary sends to."""

    known: bool
    """Whether the rest, the pods with the earlier config, sends there too."""
    nowhere: str
    """Why nothing arrives there; empty if something may."""


def describe_destinations(peer_rows: Iterable[PeerRow], rest_facts: RestFacts) -> list[DestinationRow]:
    """Return the addresses that the exporters of a canary send to, each with what the check needs.

    If the record of an interrupted run does not say where the rest sends to, every address counts as known.
    """
    rest_addresses = rest_facts.get("ends")  # records of earlier versions have no such key
    destinations: list[DestinationRow] = []
    for row in peer_rows:
        is_known = rest_addresses is None or _join_address(row["host"], row["port"]) in rest_addresses
        nowhere_text = _NOWHERE_TEMPLATES.get(row["state"], "").format(**row)
        destinations.append({**row, "known": is_known, "nowhere": nowhere_text})
    return destinations


def list_exporter_addresses(config: Mapping[str, Any]) -> list[str]:
    """Return where the exporters of a config send to, such as `tempo:4317`."""
    return [_join_address(peer.host, peer.port) for peer in find_peers(config, "")]


def _join_address(host: str, port: int) -> str:
    return f"{host}:{port}"
