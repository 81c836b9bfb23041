# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the certificates that a collector mounts, and whether its exporters trust those of their servers. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.config.paths import at, section
from ..._otelcol.kube.pod_references import Source, sources
from ..._otelcol.needs.peers import Peer
from .. import checks_trust
from ..pod_config import collector_container
from ..reach import endpoints, slices_of
from .flow import Parsed, available, certificates, decoded, trusts
from .reader import PLURALS, ClusterReader, Notes


def _uncovered_services(
    use: checks_trust.Used | None, chain: list[Parsed], services: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Return the Services whose names a server's certificate lacks, if it has the name of none of them."""
    is_server = use is not None and use.about == "in" and use.role == "cert_file"
    hosts = checks_trust.uncovered(chain[0].facts, services) if is_server else []
    return hosts if len(hosts) == len(services) else []


class _ServerKey(NamedTuple):
    """A key of a Secret that holds a server's certificate."""

    secret: str
    key: str


class CertificateChecks:
    """The certificates of one collector, and of those whom it sends to."""

    def __init__(
        self, reader: ClusterReader, namespace: str, config: Any, found: Sequence[Source], notes: Notes
    ) -> None:
        self.reader, self.namespace, self.notes, self.sources = reader, namespace, notes, found
        self.used = checks_trust.used(config, found)
        why = available()
        if why and self.used:
            notes.add("certificates", why)
        self.can_read_certificates = not why

    def facts(self, services: Sequence[Mapping[str, Any]], now: str) -> list[dict[str, Any]]:
        """Return the certificates in what the collector mounts; those of its config say what they are for."""
        if not self.can_read_certificates:
            return []
        rows: list[dict[str, Any]] = []
        for kind, name in dict.fromkeys((source.kind, source.name) for source in self.sources if source.path):
            uses = self._uses_of(kind, name)
            for key, chain in self._certificates_in(kind, name).items():
                if uses and key not in uses:
                    continue
                use = uses.get(key)
                holder = {"kind": kind, "namespace": self.namespace, "name": name, "key": key}
                about = {"about": use.about if use else "", "uncovered": _uncovered_services(use, chain, services)}
                rows += [checks_trust.dates(parsed.facts, now) | holder | about for parsed in chain]
        return rows

    def _uses_of(self, kind: str, name: str) -> dict[str, checks_trust.Used]:
        """Return the first use of each key of an object in the config."""
        uses: dict[str, checks_trust.Used] = {}
        for use in self.used:
            if (use.kind, use.name) == (kind, name):
                uses.setdefault(use.key, use)
        return uses

    def trust(self, peers: Sequence[Peer], now: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return whether each exporter trusts the server that it sends to, and the certificates of those servers."""
        trusted: list[dict[str, Any]] = []
        dated: list[dict[str, Any]] = []
        for use in self.used:
            is_of_exporter = use.role == "ca_file" and use.about.startswith("exporters/")
            if not is_of_exporter or not self.can_read_certificates:
                continue
            authorities = self._certificates_in(use.kind, use.name).get(use.key, [])
            for peer in peers:
                if peer.about != use.about or not peer.service:
                    continue
                for server, chain in self._server_certificates(peer).items():
                    trusted.append(self._trust_row(use, authorities, peer, server, chain))
                    holder = {"kind": "Secret", "namespace": peer.namespace, "name": server.secret, "key": server.key}
                    dates = checks_trust.dates(chain[0].facts, now)
                    dated.append({**dates, **holder, "uncovered": [], "about": use.about})
        return trusted, dated

    def _trust_row(
        self, use: checks_trust.Used, authorities: list[Parsed], peer: Peer, server: _ServerKey, chain: list[Parsed]
    ) -> dict[str, Any]:
        """Return whether an exporter trusts a server's certificate, and calls it by one of its names."""
        leaf = chain[0].facts
        state = "trusted"
        if not trusts(authorities, chain):
            state = "untrusted"
        elif not checks_trust.covers(leaf.names, peer.host):
            state = "other_name"
        return {
            "about": use.about,
            "ca": f"{use.kind} {self.namespace}/{use.name} ({use.key})",
            "server": f"{peer.namespace}/{server.secret} ({server.key})",
            "issuer": leaf.issuer,
            "names": ", ".join(leaf.names),
            "host": peer.host,
            "state": state,
        }

    def _certificates_in(self, kind: str, name: str, namespace: str = "") -> dict[str, list[Parsed]]:
        """Return the certificates in an object, by key."""
        manifest = self.reader.one(PLURALS[kind], namespace or self.namespace, name, self.notes).value
        decode = decoded if kind == "Secret" else str.encode
        by_key = {}
        for key, text in section(manifest, "data").items():
            parsed = certificates(decode(text))
            if parsed:
                by_key[key] = parsed
        return by_key

    def _server_certificates(self, peer: Peer) -> dict[_ServerKey, list[Parsed]]:
        """Return the certificates that the pods behind a Service have beside a key, which a server's has."""
        slices = slices_of(peer.service, self.reader.listed("endpointslices", peer.namespace, self.notes) or [])
        names = [at(point, ("targetRef", "name")) for point in endpoints(slices, True)]
        if not names or not names[0]:
            return {}
        pod = self.reader.one("pods", peer.namespace, names[0], self.notes).value
        spec = section(pod, "spec")
        servers = {}
        for source in sources(spec, collector_container(spec)):
            if source.kind != "Secret" or not source.path:
                continue
            for key, chain in self._certificates_in("Secret", source.name, peer.namespace).items():
                leaf = chain[0].facts
                if not leaf.is_ca and leaf.names:
                    servers[_ServerKey(source.name, key)] = chain
        return servers
