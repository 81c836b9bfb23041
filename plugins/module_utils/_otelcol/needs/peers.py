# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that the exporters of a config send to. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import dotted, leaves, section
from ..config.pipelines import PipelineGraph
from ..kube.service_names import service_of
from ..traits import EXPORTERS, Trait, traits_of

# The settings of exporters that are addresses, whatever the exporter. Source: their READMEs.
_ADDRESSES = re.compile(
    r"(?:.+_)?endpoints?\Z|(?:.+_)?urls?\Z|brokers\Z|hostname\Z|service\Z|nodes\Z|server\Z|address\Z"
)
_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*):///?)?(?:[^/@\s]*@)?(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?(?:/.*)?\Z"
)
_USUAL_PORTS = {"http": 80, "https": 443}
_TYPE_PORTS = {Trait.SPEAKS_GRPC: 4317, Trait.SPEAKS_HTTP: 4318}


class Peer(NamedTuple):
    """An address that an exporter sends to; namespace and service are empty for what is outside of the cluster."""

    exporter: str
    path: str
    endpoint: str
    host: str
    port: int
    namespace: str
    service: str
    certain: bool
    scheme: str = ""

    @property
    def schemeless(self) -> bool:
        """Whether the address lacks the scheme that its exporter needs."""
        return Trait.NEEDS_URL in traits_of(EXPORTERS, self.exporter) and not self.scheme

    @property
    def about(self) -> str:
        return f"exporters/{self.exporter}"


def peers(config: Any, namespace: str) -> list[Peer]:
    """Return the addresses of all exporters that a pipeline uses."""
    configured = section(config, "exporters")
    used = sorted(name for name in PipelineGraph.of(config).signals_by_id("exporters") if name in configured)
    found = [peer for name in used for peer in _peers(name, section(configured, name), namespace)]
    return list({(peer.exporter, peer.host, peer.port): peer for peer in reversed(found)}.values())[::-1]


def _peers(exporter: str, settings: Mapping[str, Any], namespace: str) -> Iterator[Peer]:
    known = traits_of(EXPORTERS, exporter)
    listens = Trait.IS_SCRAPED in known
    for path, value in () if listens else leaves(settings):
        word = next((part for part in reversed(path) if isinstance(part, str)), "")
        match = _ADDRESS.match(value) if isinstance(value, str) and _ADDRESSES.match(word) else None
        if match:
            usual = next((number for trait, number in _TYPE_PORTS.items() if trait in known), 0)
            port = int(match["port"] or _USUAL_PORTS.get(match["scheme"] or "", usual))
            place, service, certain = service_of(match["host"], namespace)
            where = dotted(("exporters", exporter, *path))
            scheme = match["scheme"] or ""
            yield Peer(exporter, where, value, match["host"], port, place, service, certain, scheme)
