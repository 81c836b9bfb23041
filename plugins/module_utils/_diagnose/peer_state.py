# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster has where an exporter sends to. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._otelcol.config.addresses import is_loopback
from .._otelcol.config.paths import items
from .._otelcol.kube.network_policies import Object, Policies, Sender
from .._otelcol.kube.service_kinds import is_alias, is_headless
from .._otelcol.needs.peers import Peer
from .reach import endpoints


def peer_row(peer: Peer, found: Mapping[str, Any], egress: Policies, sender: Sender | None = None) -> dict[str, Any]:
    """Return what the cluster has at an address.

    `found` has service, slices, whether the namespace is there, and the policies and port names of the pods behind.
    """
    row = {
        "exporter": peer.exporter,
        "endpoint": peer.endpoint,
        "host": peer.host,
        "port": peer.port,
        "path": peer.path,
        "service": f"{peer.namespace}/{peer.service}" if peer.service else "",
        "policies": "",
        "has": "",
        "about": peer.about,
    }
    slices = found.get("slices") or []
    ports = items(found.get("service"), "spec", "ports")
    row["has"] = ", ".join(str(port.get("port")) for port in ports)
    state, numbers = _state(peer, found, ports, slices), _numbers(slices)
    if state in ("ok", "outside") and egress.admits([peer.port, *numbers], "TCP") == "none":
        return row | {"state": "blocked", "policies": egress.names}
    ingress = found.get("ingress")
    if state == "ok" and sender and ingress and ingress.keeps_out(sender, numbers, found.get("names") or ()):
        return row | {"state": "kept_out", "policies": ingress.names}
    return row | {"state": state}


def _numbers(slices: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the ports of the pods behind a Service."""
    targets = {port.get("port") for item in slices for port in items(item, "ports")}
    return [target for target in targets if isinstance(target, int)]


def _state(peer: Peer, found: Mapping[str, Any], ports: Sequence[Object], slices: Sequence[Object]) -> str:
    """Return the state of an address: what is wrong with it, then what is behind it."""
    service = found.get("service")
    if peer.schemeless:
        return "no_scheme"
    if is_loopback(peer.host):
        return "loopback"
    if not peer.service:
        return "outside"
    if found.get("denied"):
        return "unseen"
    if service is None:
        is_of_cluster = peer.certain or found.get("namespace")
        return "no_service" if is_of_cluster else "outside"
    return _state_of_service(peer, service, ports, slices)


def _state_of_service(peer: Peer, service: Object, ports: Sequence[Object], slices: Sequence[Object]) -> str:
    """Return the state of an address that is a Service: of its port, then of the endpoints behind it."""
    if is_alias(service):
        return "outside"
    if peer.port and not is_headless(service) and peer.port not in [port.get("port") for port in ports]:
        return "no_port"
    if endpoints(slices, True):
        return "ok"
    return "not_ready" if endpoints(slices, False) else "no_endpoints"
