# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which exporters send through a proxy, and which entries of a log are about it. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._otelcol.config.paths import is_inside
from .._otelcol.needs.peers import Peer
from .._otelcol.needs.proxies import Proxy, proxies, proxy_for

# What a connection that does not come about is taken for, as long as its address says nothing.
_NO_CONNECTION = ("refused", "no_route", "no_such_host", "timeout", "broken", None)


def proxied(peers: Sequence[Peer], variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the exporters whose addresses are Services, and which send to a proxy all the same."""
    rows = []
    for peer in peers:
        of_cluster = peer.service and (peer.certain or is_inside(peer.host))
        proxy = proxy_for(peer.host, peer.port, peer.scheme, variables) if of_cluster else None
        if proxy:
            named = {"endpoint": peer.endpoint, "host": peer.host, "about": peer.about}
            rows.append({**named, "variable": proxy.variable, "proxy": f"{proxy.host}:{proxy.port}"})
    return rows


def through_proxy(row: dict[str, Any], peers: Sequence[Peer], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry of a log; one about a connection to a proxy names the variable that leads there."""
    of_row = [peer for peer in peers if peer.about == row["about"]]
    found = next((one for one in proxies(variables) if _is_to(one, row["address"], of_row)), None)
    if found is None or row["cause"] not in _NO_CONNECTION:
        return row
    why = row["text"] or "the connection breaks"
    return {
        **row,
        "cause": "proxy",
        "text": f"{found.variable} leads to the proxy {found.host}:{found.port}: {why}",
        "fix": f"Correct {found.variable} in `env`, or name the host in NO_PROXY; see docs/proxies.md.",
    }


def _is_to(proxy: Proxy, address: str, peers: Sequence[Peer]) -> bool:
    """Return whether an address is that of a proxy. One behind a name is known by its port, if no peer has it."""
    host, colon, port = address.rpartition(":") if ":" in address else (address, "", "")
    if not colon:
        return bool(host) and host == proxy.host
    same_port = bool(proxy.port) and port == str(proxy.port)
    named = host.strip("[]") == proxy.host
    return same_port and (named or all(peer.port != proxy.port for peer in peers))
