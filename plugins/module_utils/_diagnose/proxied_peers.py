# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which exporters send through a proxy, and which entries of a log are about it. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._otelcol.config.addresses import is_internal_host
from .._otelcol.needs.peers import Peer
from .._otelcol.needs.proxies import Proxy, find_proxies, find_proxy_for

# What a connection that does not come about is taken for, as long as its address says nothing.
_CONNECTION_CAUSES = ("refused", "no_route", "no_such_host", "timeout", "broken", None)


def find_proxied_peers(peers: Sequence[Peer], variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the exporters whose addresses are Services, and which send to a proxy all the same."""
    rows = []
    for peer in peers:
        is_service = peer.service and (peer.is_certain or is_internal_host(peer.host))
        if not is_service:
            continue
        proxy = find_proxy_for(peer.host, peer.port, peer.scheme, variables)
        if proxy:
            peer_fields = {"endpoint": peer.endpoint, "host": peer.host, "about": peer.component_path}
            rows.append({**peer_fields, "variable": proxy.variable, "proxy": f"{proxy.host}:{proxy.port}"})
    return rows


def explain_proxy(log_entry: dict[str, Any], peers: Sequence[Peer], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry of a log; one about a connection to a proxy names the variable that leads there."""
    if log_entry["cause"] not in _CONNECTION_CAUSES:
        return log_entry
    own_peers = [peer for peer in peers if peer.component_path == log_entry["about"]]
    for proxy in find_proxies(variables):
        if _is_proxy_address(proxy, log_entry["address"], own_peers):
            breakage = log_entry["text"] or "the connection breaks"
            return {
                **log_entry,
                "cause": "proxy",
                "text": f"{proxy.variable} leads to the proxy {proxy.host}:{proxy.port}: {breakage}",
                "fix": f"Correct {proxy.variable} in `env`, or name the host in NO_PROXY; see docs/proxies.md.",
            }
    return log_entry


def _is_proxy_address(proxy: Proxy, address: str, peers: Sequence[Peer]) -> bool:
    """Return whether an address is that of a proxy. One behind a name is known by its port, if no peer has it."""
    if ":" not in address:
        return bool(address) and address == proxy.host
    host, _colon, port = address.rpartition(":")
    if not proxy.port or port != str(proxy.port):
        return False
    if host.strip("[]") == proxy.host:
        return True
    return all(peer.port != proxy.port for peer in peers)
