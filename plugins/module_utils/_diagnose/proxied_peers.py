# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which exporters send through a proxy, and which failures in the log are due to it.

A variable of the container such as HTTPS_PROXY leads to the proxy. Services of the cluster are rarely reached through
one, so `live/diagnosed_collector.py` looks for exporters that send to a Service by a proxy. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._otelcol.config.addresses import is_internal_host
from .._otelcol.needs.peers import Peer
from .._otelcol.needs.proxies import Proxy, find_proxies, find_proxy_for

# The causes in `log_causes.py` of a failed connection, which a proxy may explain. None is an entry without known cause.
_CONNECTION_CAUSES = ("refused", "no_route", "no_such_host", "timeout", "broken", None)


def find_proxied_peers(peers: Sequence[Peer], variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a row for each exporter that sends to a Service of the cluster through a proxy."""
    rows = []
    for peer in peers:
        # A name such as `jaeger.tracing` may be a Service or a name of DNS: it counts only if its domain is used
        # inside.
        is_service = peer.service and (peer.is_certain or is_internal_host(peer.host))
        if not is_service:
            continue
        proxy = find_proxy_for(peer.host, peer.port, peer.scheme, variables)
        if proxy:
            rows.append(
                {
                    "endpoint": peer.endpoint,
                    "host": peer.host,
                    "about": peer.component_path,
                    "variable": proxy.variable,
                    "proxy": f"{proxy.host}:{proxy.port}",
                }
            )
    return rows


def explain_proxy(log_entry: dict[str, Any], peers: Sequence[Peer], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry of the log. If it is about a connection to a proxy, its text names the variable that leads there.

    `log_entry` is a row of `logs.group_log_failures`.
    """
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
    """Return whether an address in the log, such as `10.0.0.7:3128` or a name, is that of a proxy.

    The log may have the number of a proxy that the variable names. Then the port tells it, unless a peer has that port.
    """
    if ":" not in address:
        return bool(address) and address == proxy.host
    host, _colon, port = address.rpartition(":")
    if not proxy.port or port != str(proxy.port):
        return False
    if host.strip("[]") == proxy.host:
        return True
    return all(peer.port != proxy.port for peer in peers)
