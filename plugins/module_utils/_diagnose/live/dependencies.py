# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the dependencies of a collector: permissions, backends, Secrets, certificates, target allocator. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..._kube.live.cluster import ApiError
from ..._kube.ownership import collector_of, is_ours, release_of
from ..._kube.rights import Right
from ..._otelcol.bounded.json_text import json_value
from ..._otelcol.config.masking import quoted
from ..._otelcol.config.paths import at, items, section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.network_policies import Policies, Sender
from ..._otelcol.kube.pod_references import Source, missing_keys, sources
from ..._otelcol.kube.service_names import service_of
from ..._otelcol.needs.peers import Peer
from ..._rollout.change_record import is_record, record_reference, standing
from ..._rollout.wave_note import note_name, own_note, passed_wave, pods_release
from .. import checks_trust
from ..checks_start import missing, needed
from ..cluster_objects import share
from ..peer_state import peer_row
from ..pod_config import collector_container
from ..reach import endpoints, labels_of, slices_of
from .flow import Parsed, available, certificates, decoded, trusts
from .reader import ClusterReader, Notes, Object

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
PLURALS = {"Secret": "secrets", "ConfigMap": "configmaps"}
MOST_JOBS = 50


def change_under_way(reader: ClusterReader, workload: Object | None, notes: Notes) -> dict[str, Any] | None:
    """Return the record of a change that a run has begun and not completed, and what it says."""
    if not workload or not collector_of(workload):
        return None
    expected = record_reference(workload)
    metadata = expected["metadata"]
    config_map = reader.one("configmaps", metadata["namespace"], metadata["name"], notes).value
    record = {**(config_map or {"metadata": {}}), "kind": "ConfigMap"}
    if is_record(record) and is_ours(record, {release_of(expected)}, OWNER):
        return {"record": metadata["name"], "what": standing(record)}
    return None


def wave_that_passed(
    reader: ClusterReader, collector: Object | None, workload: Object | None, notes: Notes
) -> dict[str, str]:
    """Return the wave that the pods of a collector have passed, by its note; empty if they have passed none.

    `collector` is the object with the labels of the collector: a custom resource, or the workload itself.
    """
    if not workload or not collector or not collector_of(collector):
        return {}
    wanted = note_name(collector)["metadata"]
    found = reader.one("configmaps", wanted["namespace"], wanted["name"], notes).value
    return passed_wave(own_note(found, collector), pods_release(workload))


def rights(
    reader: ClusterReader, config: Any, pod: Object, namespace: str, notes: Notes
) -> list[dict[str, Any]] | None:
    """Return the rights that the collector's account lacks; None when this user may not ask."""
    needs = needed(config)
    account = str(at(pod, ("spec", "serviceAccountName")) or at(pod, ("spec", "serviceAccount")) or "default")
    needed_rights = list(dict.fromkeys(right for component_rights in needs.values() for right in component_rights))

    def is_allowed(right: Right, scope: str) -> bool:
        user = f"system:serviceaccount:{namespace}:{account}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": groups, **right.attributes(scope)},
        }
        return bool(at(reader.cluster.request("POST", REVIEWS, body=body), ("status", "allowed")))

    def is_allowed_in_namespace(right: Right) -> bool:
        return not right.path and is_allowed(right, namespace)

    try:
        everywhere = reader.cluster.parallel(lambda right: is_allowed(right, ""), needed_rights)
        denied = [right for right, is_granted in zip(needed_rights, everywhere, strict=True) if not is_granted]
        in_namespace = reader.cluster.parallel(is_allowed_in_namespace, denied)
    except ApiError as error:
        notes.add("rights of its ServiceAccount", error.message)
        return None
    scopes = {}
    for right, is_granted in zip(denied, in_namespace, strict=True):
        scopes[right] = "namespace" if is_granted else "none"
    return missing(needs, scopes, account, namespace)


def read_peers(reader: ClusterReader, peers: Iterable[Peer]) -> None:
    """Read ahead what stands behind the addresses of exporters."""
    lists, services = [], []
    for peer in peers:
        if peer.service:
            services.append(("services", peer.namespace, peer.service))
            lists += [("endpointslices", peer.namespace), ("networkpolicies", peer.namespace)]
    reader.read_ahead(lists, services)


def peer_facts(
    reader: ClusterReader, peers: Sequence[Peer], pod: Object, egress: Policies, notes: Notes
) -> list[dict[str, Any]]:
    """Return what the cluster has at the address of each exporter of a pod."""
    sender = _sender(reader, pod) if any(peer.service for peer in peers) else None
    return [peer_row(peer, _behind(reader, peer, notes), egress, sender) for peer in peers]


def _sender(reader: ClusterReader, pod: Object) -> Sender | None:
    """Return what network policies know of a pod; None for one of the node's network, where they rarely apply."""
    namespace = str(at(pod, ("metadata", "namespace")) or "")
    if not namespace or at(pod, ("spec", "hostNetwork")) is True:
        return None
    try:
        of_namespace = labels_of(reader.cluster.get(f"/api/v1/namespaces/{namespace}") or {})
    except ApiError:
        of_namespace = None
    addresses = tuple(str(address.get("ip")) for address in items(pod, "status", "podIPs"))
    return Sender(namespace, labels_of(pod), of_namespace, addresses)


def _in_front(reader: ClusterReader, peer: Peer, slices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the network policies for the pods behind a Service, and the names of the ports of these pods."""
    policies = reader.listed("networkpolicies", peer.namespace, Notes())
    pod_names = [at(point, ("targetRef", "name")) for point in endpoints(slices, True)]
    if not policies or not pod_names or not pod_names[0]:
        return {}
    pod = reader.one("pods", peer.namespace, pod_names[0], Notes()).value
    if not pod:
        return {}
    target_ports = {port.get("port") for item in slices for port in items(item, "ports")}
    called_names = []
    for container in items(pod, "spec", "containers"):
        for port in items(container, "ports"):
            if port.get("containerPort") in target_ports:
                called_names.append(str(port.get("name")))
    return {"ingress": Policies(policies, labels_of(pod), "Ingress"), "names": called_names}


def _behind(reader: ClusterReader, peer: Peer, notes: Notes) -> dict[str, Any]:
    """Return what stands behind the address of an exporter, in the words of `peer_row`."""
    if not peer.service:
        return {}
    service = reader.one("services", peer.namespace, peer.service, notes)
    slices = reader.listed("endpointslices", peer.namespace, notes)
    found = {"service": service.value, "denied": bool(service.why) or slices is None}
    if service.value is None and not service.why and not peer.certain:
        try:
            found["namespace"] = reader.cluster.get(f"/api/v1/namespaces/{peer.namespace}") is not None
        except ApiError:  # then the name may be one of this cluster or not
            found["namespace"] = False
    behind = slices_of(peer.service, slices or [])
    return {**found, "slices": behind, **_in_front(reader, peer, behind)}


def references(
    reader: ClusterReader, namespaces: Sequence[str], found: Sequence[Source], notes: Notes
) -> list[dict[str, Any]]:
    """Return the Secrets and ConfigMaps that pods in these namespaces need, and whether they have their keys."""
    needed_sources = [(namespace, source) for namespace in namespaces for source in found if not source.optional]
    reader.read_ahead([], [(PLURALS[source.kind], namespace, source.name) for namespace, source in needed_sources])
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for namespace, source in needed_sources:
        state, lacking_keys = _state_of(reader, namespace, source, notes)
        row = {"kind": source.kind, "namespace": namespace, "name": source.name, "key": lacking_keys, "state": state}
        rows[tuple(row.values())] = row
    return list(rows.values())


def _state_of(reader: ClusterReader, namespace: str, source: Source, notes: Notes) -> tuple[str, str]:
    """Return whether a Secret or ConfigMap is there with its keys, and the keys that it lacks."""
    answer = reader.one(PLURALS[source.kind], namespace, source.name, notes)
    if answer.why:
        return "unseen", ""
    if answer.value is None:
        return "missing", ""
    wanted_keys = [source.key, *(key for _path, key in source.files)]
    lacking_keys = missing_keys([key for key in wanted_keys if key], answer.value)
    return ("no_key", ", ".join(lacking_keys)) if lacking_keys else ("ok", "")


def _uncovered(use: checks_trust.Used | None, chain: list[Parsed], services: Sequence[Mapping[str, Any]]) -> list[Any]:
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
        self.able = not why

    def facts(self, services: Sequence[Mapping[str, Any]], now: str) -> list[dict[str, Any]]:
        """Return the certificates in what the collector mounts; those of its config say what they are for."""
        if not self.able:
            return []
        rows: list[dict[str, Any]] = []
        for kind, name in dict.fromkeys((source.kind, source.name) for source in self.sources if source.path):
            uses = self._uses_of(kind, name)
            for key, chain in self._certificates_in(kind, name).items():
                if uses and key not in uses:
                    continue
                use = uses.get(key)
                holder = {"kind": kind, "namespace": self.namespace, "name": name, "key": key}
                about = {"about": use.about if use else "", "uncovered": _uncovered(use, chain, services)}
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
            if not is_of_exporter or not self.able:
                continue
            authorities = self._certificates_in(use.kind, use.name).get(use.key, [])
            for peer in peers:
                if peer.about != use.about or not peer.service:
                    continue
                for server, chain in self._servers(peer).items():
                    trusted.append(self._judged(use, authorities, peer, server, chain))
                    holder = {"kind": "Secret", "namespace": peer.namespace, "name": server.secret, "key": server.key}
                    dates = checks_trust.dates(chain[0].facts, now)
                    dated.append({**dates, **holder, "uncovered": [], "about": use.about})
        return trusted, dated

    def _judged(
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

    def _servers(self, peer: Peer) -> dict[_ServerKey, list[Parsed]]:
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


def allocator(reader: ClusterReader, config: Any, namespace: str, pods: int, notes: Notes) -> dict[str, Any] | None:
    """Return the jobs and targets of the target allocator that a Prometheus receiver asks; None without one."""
    endpoint = _allocator_endpoint(config)
    if not endpoint:
        return None
    try:
        return _allocated(reader, endpoint, namespace, pods, notes)
    except (AttributeError, KeyError, Problem, TypeError, ValueError):  # what it answers is the text of a pod
        notes.add("target allocator", f"{endpoint}: its address or its answer is not understood")
        return None


def _allocator_endpoint(config: Any) -> str:
    """Return the address of the target allocator in the first receiver that has one; empty without one."""
    for settings in section(config, "receivers").values():
        endpoint = at(settings, ("target_allocator", "endpoint"))
        if isinstance(endpoint, str):
            return endpoint
    return ""


def _allocated(reader: ClusterReader, endpoint: str, namespace: str, pods: int, notes: Notes) -> dict[str, Any] | None:
    """Return what the target allocator at an address says; None if it does not answer, which is noted."""
    url = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    place, service, _certain = service_of(url.hostname or "", namespace)
    scheme, port = ("https:", 443) if url.scheme == "https" else ("", 80)
    root = f"/api/v1/namespaces/{place}/services/{scheme}{service}:{url.port or port}/proxy"
    scrape_configs = reader.text(f"{root}/scrape_configs")
    jobs_answer = reader.text(f"{root}/jobs")
    why = scrape_configs.why or jobs_answer.why
    if why or not service:
        notes.add("target allocator", f"{endpoint}: {why or 'it is not in this cluster'}")
        return None
    jobs = json_value(jobs_answer.value)
    names = list({**json_value(scrape_configs.value), **jobs})
    targets = _targets(reader, root, names, jobs)
    shares = share(targets)
    unread = [name for name in names if name not in targets]
    if unread:
        is_are = "is" if len(unread) == 1 else "are"
        why = f"{len(unread)} of {len(names)} jobs {is_are} not read, such as {quoted(unread[0])}"
        notes.add("targets of the target allocator", why)
    return {**shares, "endpoint": endpoint, "idle": [] if unread else _idle(shares, pods)}


def _targets(
    reader: ClusterReader, root: str, names: Sequence[str], jobs: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """Return the number of targets of each job by collector, without the jobs that cannot be read.

    At most MOST_JOBS jobs are asked for. A job that the allocator has not read yet has no target.
    """
    links = [(name, jobs[name]["_link"]) for name in names if name in jobs][:MOST_JOBS]
    answers = reader.cluster.parallel(lambda link: reader.text(f"{root}{link[1]}"), links)
    targets: dict[str, dict[str, int]] = {name: {} for name in names if name not in jobs}
    for (name, _link), answer in zip(links, answers, strict=True):
        if not answer.why:
            by_collector = json_value(answer.value or "{}")
            targets[name] = {key: _count(value) for key, value in by_collector.items()}
    return targets


def _idle(shares: Mapping[str, Any], pods: int) -> list[str]:
    """Return the collectors without a target; none while there are fewer targets than pods."""
    if sum(row["targets"] for row in shares["jobs"]) < pods:
        return []
    return [row["name"] for row in shares["collectors"] if not row["targets"]]


def _count(value: Any) -> int:
    return sum(len(items(target, "targets")) for target in items(value, "targets"))
