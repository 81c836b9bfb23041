# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that the exporters of a config send to. Private.

A peer is such an address. Rules on the flow of data between collectors ask for them (rules/data_flow.py), and so does
the rest of the collection. In a config of namespace obs,

    exporters: {otlp: {endpoint: "jaeger.tracing:4317"}}

    Peer(exporter="otlp", path="exporters.otlp.endpoint", endpoint="jaeger.tracing:4317", host="jaeger.tracing",
         port=4317, namespace="tracing", service="jaeger", is_certain=False, scheme="")
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import Path, format_path, iter_leaves, mapping_at
from ..config.pipelines import PipelineGraph
from ..kube.service_names import resolve_service
from ..traits import EXPORTERS, Trait, traits_of

# The settings of exporters that are addresses, whatever the exporter. Source: their READMEs.
_ADDRESS_SETTING = re.compile(
    r"(?:.+_)?endpoints?\Z|(?:.+_)?urls?\Z|brokers\Z|hostname\Z|service\Z|nodes\Z|server\Z|address\Z"
)
# `SCHEME://USER@HOST:PORT/PATH`, in which everything but the host may be missing.
_ADDRESS_PATTERN = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*):///?)?(?:[^/@\s]*@)?(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?(?:/.*)?\Z"
)
# The port of an address without one: by its scheme, else by what its exporter speaks.
_USUAL_PORTS = {"http": 80, "https": 443}
_PORT_BY_TRAIT = {Trait.SPEAKS_GRPC: 4317, Trait.SPEAKS_HTTP: 4318}


class Peer(NamedTuple):
    """An address that an exporter sends to; namespace and service are empty for what is outside of the cluster."""

    exporter: str
    path: str
    """The setting with the address, as text."""
    endpoint: str
    """The address as it is written."""
    host: str
    port: int
    """0 if none is written and the usual one is not known."""
    namespace: str
    service: str
    is_certain: bool
    """Whether the host can mean nothing else than this Service."""
    scheme: str = ""
    """Empty without one."""

    @property
    def lacks_scheme(self) -> bool:
        """Whether the address lacks the scheme that its exporter needs."""
        return Trait.NEEDS_URL in traits_of(EXPORTERS, self.exporter) and not self.scheme

    @property
    def component_path(self) -> str:
        """The exporter, as findings name it."""
        return f"exporters/{self.exporter}"


def find_peers(config: Any, namespace: str) -> list[Peer]:
    """Return the addresses of all exporters that a pipeline uses, each address of an exporter once.

    `namespace` is that of the collector: a host name without a namespace means a Service there.
    """
    exporters = mapping_at(config, "exporters")
    peer_by_address: dict[tuple[str, str, int], Peer] = {}
    for exporter in sorted(PipelineGraph.of(config).find_signals_by_id("exporters")):
        if exporter in exporters:
            for peer in _find_exporter_peers(exporter, mapping_at(exporters, exporter), namespace):
                address = (peer.exporter, peer.host, peer.port)
                peer_by_address[address] = peer_by_address.pop(address, peer)
    return list(peer_by_address.values())


def _find_exporter_peers(exporter: str, settings: Mapping[str, Any], namespace: str) -> Iterator[Peer]:
    """Yield the addresses in the settings of an exporter; none of one that is asked for its data."""
    traits = traits_of(EXPORTERS, exporter)
    if Trait.IS_SCRAPED in traits:
        return
    for path, value in iter_leaves(settings):
        if not isinstance(value, str) or not _ADDRESS_SETTING.match(_last_key(path)):
            continue
        match = _ADDRESS_PATTERN.match(value)
        if match:
            scheme = match["scheme"] or ""
            peer_namespace, service, is_certain = resolve_service(match["host"], namespace)
            yield Peer(
                exporter=exporter,
                path=format_path(("exporters", exporter, *path)),
                endpoint=value,
                host=match["host"],
                port=int(match["port"] or _USUAL_PORTS.get(scheme, _default_port(traits))),
                namespace=peer_namespace,
                service=service,
                is_certain=is_certain,
                scheme=scheme,
            )


def _last_key(path: Path) -> str:
    """Return the last key of a path that is no index; empty text if there is none."""
    for key in reversed(path):
        if isinstance(key, str):
            return key
    return ""


def _default_port(traits: Collection[Trait]) -> int:
    """Return the port to which exporters with these traits send without one in the address; 0 if none is known."""
    for trait, port in _PORT_BY_TRAIT.items():
        if trait in traits:
            return port
    return 0
