# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collectors of one run send to which other ones. Private.

Rendering says so of the new configs. Of the configs that run now, `live/apply.py` asks `find_earlier_flows`, and
dependency_order.py orders the collectors by both. For example, this config of the collector `obs/agent`

    exporters: {otlp_grpc: {endpoint: "gateway:4317"}}

and a Service `gateway` of the collector `obs/gateway` make `Flow(sender="obs/agent", receiver="obs/gateway")`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._kube.operator_status import COLLECTOR
from .._kube.ownership import read_collector_name
from .._otelcol.kube.objects import Manifest
from .._otelcol.kube.operator_names import list_operator_names
from .._otelcol.needs.peers import find_peers


@dataclass(frozen=True)
class Flow:
    """Two collectors of one run, as `namespace/name`: one sends to the other."""

    sender: str
    receiver: str


class EarlierConfig(NamedTuple):
    """A config that runs now, and that this run replaces."""

    collector: str
    """Its `namespace/name`."""
    config: Any
    """As it was read: a mapping if it is valid."""


class _Service(NamedTuple):
    """By what an address names a Service."""

    namespace: str | None
    name: str | None


def find_earlier_flows(manifests: Iterable[Manifest], earlier_configs: Iterable[EarlierConfig]) -> list[Flow]:
    """Return which collectors send to Services of a bundle (the manifests of a run) by their earlier configs."""
    collector_of_service = _map_services_to_collectors(manifests)
    flows = []
    for sender, config in earlier_configs:
        namespace = sender.partition("/")[0]
        for peer in find_peers(config, namespace):
            receiver = collector_of_service.get(_Service(peer.namespace, peer.service))
            if receiver:
                flows.append(Flow(sender, receiver))
    return flows


def _map_services_to_collectors(manifests: Iterable[Manifest]) -> dict[_Service, str]:
    """Return the collectors of a bundle by each of their Services."""
    collector_of_service: dict[_Service, str] = {}
    for manifest in manifests:
        collector = read_collector_name(manifest)
        if collector:
            for name in _list_service_names(manifest):
                collector_of_service[_Service(manifest["metadata"].get("namespace"), name)] = collector
    return collector_of_service


def _list_service_names(manifest: Manifest) -> tuple[str, ...]:
    """Return the names of the Services that a manifest is, or that the operator makes for it."""
    name = manifest["metadata"]["name"]
    if manifest["kind"] == "Service":
        return (name,)
    if manifest["kind"] == COLLECTOR:
        return tuple(list_operator_names(name))
    return ()
