# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the certificates that a collector mounts, and whether its exporters trust the certificates of their servers.

`diagnosed_collector.py` makes a `CertificateChecks` for each collector. `certificate_facts.py` describes a single
certificate. An exporter trusts its server if the CA of its `ca_file` has signed what the server shows. For example, the
`ca_file` of exporter otlp is in ConfigMap obs/ca, and the pods behind its Service mount Secret backend/gateway-tls,
which another CA has signed. Then `describe_server_trust` returns the row

    {about: exporters/otlp, ca: ConfigMap obs/ca (ca.crt), server: backend/gateway-tls (tls.crt), issuer: CN=other-ca,
     names: gateway.backend.svc, host: gateway.backend.svc, state: untrusted}

A chain is what one key of a Secret holds: the certificate of the server itself, `chain[0]`, then those that have signed
it. A use is a place of the config that names such a key: `CertificateFile`. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.kube.pod_sources import PodSource, list_sources
from ..._otelcol.needs.peers import Peer
from .. import certificate_facts
from ..pod_config import find_collector_container
from ..service_endpoints import filter_slices
from .parsed_certificates import (
    ParsedCertificate,
    decode_secret_value,
    explain_unavailable,
    parse_certificates,
    trusts_chain,
)
from .peers_in_cluster import read_first_ready_pod
from .reader import PLURALS_OF_SOURCES, ClusterReader, Notes


class _ServerKey(NamedTuple):
    """A key of a Secret that holds a server's certificate."""

    secret_name: str
    key: str


class ServerTrust(NamedTuple):
    """What a diagnosis says of the servers of a collector's exporters."""

    trust_rows: list[dict[str, Any]]
    """Whether each exporter trusts the certificate of its server, such as {about: exporters/otlp, state: untrusted}."""
    certificate_rows: list[dict[str, Any]]
    """These certificates, as `CertificateChecks.list_certificate_rows` describes those of the collector."""


class CertificateChecks:
    """The certificates of one collector, and of the servers that it sends to."""

    def __init__(
        self, reader: ClusterReader, namespace: str, config: Any, mounted_sources: Sequence[PodSource], notes: Notes
    ) -> None:
        self.reader = reader
        self.namespace = namespace
        self.notes = notes
        self.sources = mounted_sources
        self.used_files = certificate_facts.find_certificate_files(config, mounted_sources)
        unavailable_reason = explain_unavailable()
        if unavailable_reason and self.used_files:
            notes.note_unseen("certificates", unavailable_reason)
        self.can_read_certificates = not unavailable_reason

    def list_certificate_rows(self, services: Sequence[Mapping[str, Any]], current_time: str) -> list[dict[str, Any]]:
        """Return the certificates in the Secrets and ConfigMaps that the collector mounts, such as this row:

            {subject: CN=gateway, issuer: CN=ca, not_before: …, not_after: …, names: [gateway.obs.svc], is_ca: false,
             left: 3 days, state: soon, kind: Secret, namespace: obs, name: gateway-tls, key: tls.crt, about: in,
             uncovered: []}

        If the config uses some keys of an object, only the certificates of these keys count.
        """
        if not self.can_read_certificates:
            return []
        rows: list[dict[str, Any]] = []
        for kind, name in dict.fromkeys((source.kind, source.name) for source in self.sources if source.path):
            uses = self._find_uses(kind, name)
            for key, chain in self._read_certificates(kind, name).items():
                # Without a known use of the object, all its keys count.
                if uses and key not in uses:
                    continue
                use = uses.get(key)
                place = {
                    "kind": kind,
                    "namespace": self.namespace,
                    "name": name,
                    "key": key,
                    "about": use.subject if use else "",
                    "uncovered": _list_services_with_other_names(use, chain, services),
                }
                for parsed in chain:
                    rows.append({**certificate_facts.describe_certificate(parsed.facts, current_time), **place})
        return rows

    def _find_uses(self, kind: str, name: str) -> dict[str, certificate_facts.CertificateFile]:
        """Return the first use of each key of an object in the config. Empty if the config uses no key of it."""
        uses: dict[str, certificate_facts.CertificateFile] = {}
        for use in self.used_files:
            if (use.kind, use.name) == (kind, name):
                uses.setdefault(use.key, use)
        return uses

    def describe_server_trust(self, peers: Sequence[Peer], current_time: str) -> ServerTrust:
        """Return whether each exporter trusts its server, and the certificates of these servers.

        Only an exporter with a `ca_file` of its own counts, and only a server that is a Service of the cluster.
        """
        trust_rows: list[dict[str, Any]] = []
        certificate_rows: list[dict[str, Any]] = []
        for use in self.used_files:
            is_of_exporter = use.role == "ca_file" and use.subject.startswith("exporters/")
            if not is_of_exporter or not self.can_read_certificates:
                continue
            authorities = self._read_certificates(use.kind, use.name).get(use.key, [])
            for peer in peers:
                is_of_other_exporter = peer.component_path != use.subject
                if is_of_other_exporter or not peer.service:
                    continue
                for server, chain in self._read_server_certificates(peer).items():
                    trust_rows.append(self._describe_trust(use, authorities, peer, server, chain))
                    certificate_rows.append(_describe_server_certificate(use, peer, server, chain, current_time))
        return ServerTrust(trust_rows, certificate_rows)

    def _describe_trust(
        self,
        use: certificate_facts.CertificateFile,
        authorities: list[ParsedCertificate],
        peer: Peer,
        server: _ServerKey,
        chain: list[ParsedCertificate],
    ) -> dict[str, Any]:
        """Return the row on whether an exporter trusts the certificate of its server.

        `state` is `trusted`, `untrusted`, or `other_name` if the exporter uses a name that the certificate lacks.
        """
        leaf = chain[0].facts  # the certificate of the server itself
        state = "trusted"
        if not trusts_chain(authorities, chain):
            state = "untrusted"
        elif not certificate_facts.covers_host(leaf.names, peer.host):
            state = "other_name"
        return {
            "about": use.subject,
            "ca": f"{use.kind} {self.namespace}/{use.name} ({use.key})",
            "server": f"{peer.namespace}/{server.secret_name} ({server.key})",
            "issuer": leaf.issuer,
            "names": ", ".join(leaf.names),
            "host": peer.host,
            "state": state,
        }

    def _read_certificates(self, kind: str, name: str, namespace: str = "") -> dict[str, list[ParsedCertificate]]:
        """Return the certificates of each key of a Secret or ConfigMap, without keys that have none."""
        manifest = self.reader.read_object(
            PLURALS_OF_SOURCES[kind], namespace or self.namespace, name, self.notes
        ).value
        # A ConfigMap has the text itself, a Secret has base64.
        decode = decode_secret_value if kind == "Secret" else str.encode
        chain_by_key = {}
        for key, text in mapping_at(manifest, "data").items():
            parsed = parse_certificates(decode(text))
            if parsed:
                chain_by_key[key] = parsed
        return chain_by_key

    def _read_server_certificates(self, peer: Peer) -> dict[_ServerKey, list[ParsedCertificate]]:
        """Return the certificates of servers that the pods behind a Service mount from Secrets.

        The first ready pod stands for all of them. A certificate of a CA, or one without host names, is no server's.
        """
        slices = filter_slices(
            peer.service, self.reader.list_objects("endpointslices", peer.namespace, self.notes) or []
        )
        pod = read_first_ready_pod(self.reader, peer.namespace, slices, self.notes)
        spec = mapping_at(pod, "spec")
        chain_by_server = {}
        for source in list_sources(spec, find_collector_container(spec)):
            if source.kind != "Secret" or not source.path:
                continue
            for key, chain in self._read_certificates("Secret", source.name, peer.namespace).items():
                leaf = chain[0].facts
                if not leaf.is_ca and leaf.names:
                    chain_by_server[_ServerKey(source.name, key)] = chain
        return chain_by_server


def _list_services_with_other_names(
    use: certificate_facts.CertificateFile | None,
    chain: list[ParsedCertificate],
    services: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Return the Services if the certificate of a receiver has the name of none of them, else an empty list.

    `use` is where the config names the certificate; None if it does not.
    """
    is_of_receiver = use is not None and use.subject == "in" and use.role == "cert_file"
    if not is_of_receiver:
        return []
    uncovered_services = certificate_facts.find_uncovered_services(chain[0].facts, services)
    # Clients use one of the Services, such as the headless one or the other. Which one is not known.
    has_name_of_none = len(uncovered_services) == len(services)
    return uncovered_services if has_name_of_none else []


def _describe_server_certificate(
    use: certificate_facts.CertificateFile,
    peer: Peer,
    server: _ServerKey,
    chain: list[ParsedCertificate],
    current_time: str,
) -> dict[str, Any]:
    """Return the row of the certificate of a server to which an exporter sends."""
    return {
        **certificate_facts.describe_certificate(chain[0].facts, current_time),
        "kind": "Secret",
        "namespace": peer.namespace,
        "name": server.secret_name,
        "key": server.key,
        "uncovered": [],
        "about": use.subject,
    }
