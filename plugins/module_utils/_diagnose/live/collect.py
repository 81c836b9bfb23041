# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect facts about running collectors, for the checks of a diagnosis. Changes nothing. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import library
from ..._kube.live.connect import connect, run
from ..._otelcol.catalogue.port_rows import Listeners, listeners_by_type
from ..._otelcol.config.config_secrets import secrets_in
from ..._otelcol.config.masking import masker
from ..._otelcol.config.paths import at, items, section
from ..._otelcol.kube.network_policies import policies_to
from ..._otelcol.kube.pod_references import sources
from ..._otelcol.needs.peers import peers
from ..._rollout.failures import newest, newest_pods, older_pods, symptoms
from ..._rollout.live.failure_texts import described
from ..._rollout.readiness import count, is_ready, pod_counts
from ..._telemetry import logs
from ..cluster_objects import autoscalers, certificate_resources, echoes, pod, warnings
from ..node_coverage import uncovered_nodes
from ..pod_config import environment
from ..proxied_peers import proxied, through_proxy
from ..reach import Around, Reach, labels_of
from .allocated_targets import allocator
from .dependencies import (
    change_under_way,
    peer_facts,
    read_peers,
    references,
    rights,
    wave_that_passed,
)
from .dependency_certificates import CertificateChecks
from .find_collectors import DiagnosedTarget, alone, find, unlisted
from .flow import Meter, read_all, watch
from .reader import PLURALS, QUICK_SECONDS, ClusterReader, Object, path_of, utc_now
from .running_config import running_config

LOG_LINES = 500
# Of so many pods the log is read, those in trouble first.
LOG_PODS = 3


def run_diagnose(module: AnsibleModule) -> None:
    """Run a module that returns the facts of collectors, and which others there are."""
    params = module.params

    def work() -> dict[str, Any]:
        reader = ClusterReader(connect(module), connect(module, QUICK_SECONDS))
        facts = collect(reader, params, utc_now)
        return {"changed": False, "facts": facts, "unlisted": unlisted(reader, params["collectors"])}

    run(module, work)


def collect(reader: ClusterReader, params: dict[str, Any], now: Callable[[], str]) -> list[dict[str, Any]]:
    """Return the facts of each collector, all of them read at once, and measured over the same time."""
    collection = _Collection(reader, params, now)
    targets = find(reader, params["collectors"])
    referred_objects = []
    for target in targets:
        referred_objects += alone(target, _referred)
    reader.read_ahead([], referred_objects)
    return collection.facts_of(targets)


class _Collection:
    """One run for some collectors. `applied` among its options says that a run has just changed them."""

    def __init__(self, reader: ClusterReader, params: dict[str, Any], now: Callable[[], str]) -> None:
        self.reader, self.params, self.now = reader, params, now
        self.search = library("jmespath").search
        self.listeners = listeners_by_type(params["listeners"])
        self.is_fresh = bool(params.get("applied"))

    def facts_of(self, targets: list[DiagnosedTarget]) -> list[dict[str, Any]]:
        """Return the facts of each collector."""
        collectors = [alone(target, self._examined) for target in targets]
        since = self.reader.cluster.clock()
        meters = [collector.meter for collector in collectors]
        read_all(self.reader, meters)
        read_peers(self.reader, [peer for collector in collectors for peer in collector.peers])
        facts_of_each = self.reader.cluster.parallel(self._facts_alone, collectors)
        watch(self.reader, meters, since, 0 if self.is_fresh else self.params["window_seconds"])
        return [collector.flowing(facts) for collector, facts in zip(collectors, facts_of_each, strict=True)]

    def _examined(self, target: DiagnosedTarget) -> DiagnosedCollector:
        """Return a collector with its config and what follows from that alone."""
        collector = DiagnosedCollector(self.reader, target, self.listeners, self.params["metrics_port"])
        collector.meter.fresh = self.is_fresh
        return collector

    def _facts_alone(self, collector: DiagnosedCollector) -> dict[str, Any]:
        """Return the facts of a collector; without its objects, if they cannot be had."""

        def facts_of_target(target: DiagnosedTarget) -> dict[str, Any]:
            if target is collector.target:
                return self._facts(collector)
            return self._facts(self._examined(target))

        return alone(collector.target, facts_of_target)

    def _facts(self, collector: DiagnosedCollector) -> dict[str, Any]:
        """Return all facts; of one that has just been changed, those about where it sends to."""
        if self.is_fresh:
            return collector.ends(self.params, self.now())
        return collector.facts(self.search, self.params, self.now())


def _referred(target: DiagnosedTarget) -> list[tuple[str, str, str]]:
    """Return the Secrets and ConfigMaps that the container refers to, as plural, namespace and name."""
    referred = sources(section(target.pod, "spec"), target.container)
    return [(PLURALS[source.kind], target.pod_namespace, source.name) for source in referred]


def _working(flow: Mapping[str, Any]) -> set[str]:
    """Return the exporters that send, and the receivers to which something comes or nothing is sent."""
    working, failing = set(), set()
    for row in flow["receives"] or ():
        if row["state"] in ("comes", "rests"):
            working.add(f"receivers/{row['id']}")
    for row in flow["exports"]:
        if row["state"] == "sends":
            working.add(row["about"])
        elif row["state"] != "idle":
            failing.add(row["about"])
    return working - failing


def _by_what_arrives(peer: dict[str, Any], working: set[str]) -> dict[str, Any]:
    """Return the row of a peer. What arrives is not kept out: then nothing enforces the network policy."""
    if peer["state"] == "kept_out" and peer["about"] in working:
        return {**peer, "state": "ok"}
    return peer


class DiagnosedCollector:
    """One collector under examination."""

    def __init__(self, reader: ClusterReader, target: DiagnosedTarget, listeners: Listeners, metrics_port: int) -> None:
        self.reader, self.target, self.listeners, self.notes = reader, target, listeners, target.notes
        self.pod, self.container = target.pod, target.container
        self.namespace = target.pod_namespace
        self.config, self.sources, self.config_maps = running_config(reader, target)
        self.meter = Meter(target, self.config, listeners, metrics_port)
        self.peers = peers(self.config, self.namespace)
        self.variables = environment(self.container, self.pod)

    def facts(self, search: Callable[[str, Any], Any], params: dict[str, Any], now: str) -> dict[str, Any]:
        """Return all facts but those of the own metrics."""
        target = self.target
        reach = Reach(target.name, self.config, self.pod, self.container, self._around(), listeners=self.listeners)
        services = reach.services()
        certificates = CertificateChecks(self.reader, self.namespace, self.config, self.sources, self.notes)
        trust, servers = certificates.trust(self.peers, now)
        own_objects = [manifest for manifest in (target.workload, target.custom) if manifest]
        own_names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in own_objects]
        secret_names = [source.name for source in self.sources if source.kind == "Secret"]
        return {
            **self.ends(params, now),
            **self._known(search, now),
            "services": services,
            "listeners": reach.listeners(),
            "probes": reach.probes(),
            "references": references(self.reader, target.namespaces, self.sources, self.notes),
            "certificates": [*certificates.facts(services or [], now), *servers],
            "trust": trust,
            "certificate_resources": certificate_resources(self._listed("certificates") or [], secret_names),
            "rights": rights(self.reader, self.config, self.pod, self.namespace, self.notes),
            "autoscalers": autoscalers(self._listed("horizontalpodautoscalers") or [], own_names),
            "target_allocator": allocator(self.reader, self.config, self.namespace, len(target.pods), self.notes),
        }

    def ends(self, params: dict[str, Any], now: str) -> dict[str, Any]:
        """Return where its exporters send to, what the cluster has there, and what its log says."""
        egress = policies_to(self._listed("networkpolicies"), labels_of(self.pod))
        peers = peer_facts(self.reader, self.peers, self.pod, egress, self.notes)
        return {
            "name": self.target.name,
            "namespace": self.target.namespace,
            "mode": self.target.mode,
            "running": True,
            "peers": peers,
            "proxied": proxied(self.peers, self.variables),
            **self._logs(params["log_seconds"], now),
            "config": self.config,
        }

    def _listed(self, plural: str) -> list[Object] | None:
        """Return the objects of a kind in the pod's namespace; None when this user may not see them."""
        return self.reader.listed(plural, self.namespace, self.notes)

    def _around(self) -> Around:
        """Return what leads to the pod, and what keeps others from it."""
        return Around(*(self._listed(plural) for plural in ("services", "endpointslices", "networkpolicies")))

    def _known(self, search: Callable[[str, Any], Any], now: str) -> dict[str, Any]:
        """Return what the objects of the collector say of themselves."""
        target, workload = self.target, self.target.workload
        container_name = str(self.container.get("name") or "")
        pods = [pod(own_pod, container_name, now) for own_pod in target.pods]
        is_hidden = not workload and not target.custom and bool(target.notes.rows())
        return {
            "name": target.name,
            "namespace": target.namespace,
            "kind": target.kind,
            "mode": target.mode,
            "image": str(self.container.get("image") or ""),
            "hidden": is_hidden,
            "workload": workload,
            "custom_resource": target.custom,
            "resource_conditions": items(target.custom, "status", "conditions"),
            **self._readiness(pods),
            "pods": pods,
            "uncovered_nodes": self._uncovered_nodes(),
            "symptoms": self._symptoms(search),
            "events": self._events(now),
        }

    def _readiness(self, pods: list[dict[str, Any]]) -> dict[str, Any]:
        """Return how many pods are wanted and ready, and whether a change is under way."""
        workload, custom = self.target.workload, self.target.custom
        ready_pods = [row for row in pods if row["ready"]]
        desired_pods, is_complete, ready_text = None, False, f"{len(ready_pods)} pods ready"
        if workload:
            desired_pods = pod_counts(workload).desired
            is_complete = is_ready(workload, allow_empty=True)
            ready_text = count(workload)
        return {
            "wanted": desired_pods,
            "change": change_under_way(self.reader, workload or custom, self.notes),
            "wave": wave_that_passed(self.reader, custom or workload, workload, self.notes),
            "complete": is_complete,
            "ready_text": ready_text,
            "running": bool(ready_pods) or self._is_available(),
        }

    def _uncovered_nodes(self) -> list[dict[str, str]]:
        """Return the nodes without a pod of a DaemonSet, unless this user may not see its pods."""
        workload = self.target.workload
        if not workload or workload["kind"] != "DaemonSet" or self._listed("pods") is None:
            return []
        return uncovered_nodes(workload, self.target.pods, self.reader.nodes(self.notes))

    def _events(self, now: str) -> list[dict[str, Any]]:
        """Return recent warnings about the pods and the objects of the collector."""
        objects = [*self.target.pods, self.target.workload, self.target.custom]
        by_uid = {manifest["metadata"]["uid"]: manifest for manifest in objects if manifest}
        return warnings(self.reader.around("events", by_uid.values(), self.notes), by_uid, now)

    def _is_available(self) -> bool:
        """Return whether the workload has available pods, for a user who may not list them."""
        workload = self.target.workload
        if not workload or self._listed("pods") is not None:
            return False
        return bool(pod_counts(workload).available)

    def _symptoms(self, search: Callable[[str, Any], Any]) -> list[dict[str, Any]]:
        """Return why the newest revision is not ready, as rollout_wait reports it."""
        workload = self.target.workload
        if not workload or is_ready(workload, allow_empty=True):
            return []
        plural = "replicasets" if workload["kind"] == "Deployment" else "controllerrevisions"
        revision = newest(workload, self._listed(plural) or [])
        new_pods = newest_pods(workload, revision, self.target.pods)
        old_pods = older_pods(workload, new_pods, self.target.pods)
        events = self._listed("events") or []
        own_symptoms = symptoms(search, workload, revision, new_pods, events, allow_empty=True, old=old_pods)
        of_workload = [(workload, symptom) for symptom in own_symptoms]
        rows, _problems = described(self.reader.cluster, of_workload, self._mask())
        return [{**row, "last_words": logs.last_words(row["log"])} for row in rows]

    def _logs(self, seconds: int, now: str) -> dict[str, list[dict[str, Any]]]:
        """Return what the pods say is wrong, masked, with whether they still say it; and their own logs in it."""
        text = self._log_text(seconds)
        entries = []
        for row in logs.groups(text, now, self._mask()):
            is_current = row["seconds_ago"] <= logs.CURRENT_SECONDS
            entries.append(through_proxy({**row, "current": is_current}, self.peers, self.variables))
        pod_names = []
        for own_pod in self.target.pods:
            metadata = own_pod["metadata"]
            pod_names.append(f"{metadata['namespace']}/{metadata['name']}")
        return {"logs": entries, "echoes": echoes(text, pod_names, now)}

    def _mask(self) -> Callable[[str], str]:
        """Return what hides the secrets of the config."""
        return masker(secrets_in(self.config))

    def _log_text(self, seconds: int) -> str:
        """Return the end of the logs of some pods, those in trouble first, with the time of each line."""
        pending_first = sorted(self.target.pods, key=lambda own_pod: at(own_pod, ("status", "phase")) != "Pending")
        paths = []
        for own_pod in pending_first[:LOG_PODS]:
            metadata = own_pod["metadata"]
            paths.append(f"{path_of('pods', metadata['namespace'], metadata['name'])}/log")
        query = {
            "container": self.container.get("name"),
            "sinceSeconds": seconds,
            "tailLines": LOG_LINES,
            "timestamps": "true",
        }
        answers = self.reader.cluster.parallel(lambda path: self.reader.text(path, query), paths)
        for answer in answers:
            if answer.why:
                self.notes.add("logs", answer.why)
        return "\n".join(answer.value or "" for answer in answers)

    def flowing(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the facts with those of the own metrics, which need time."""
        flow = self.meter.flow
        flows: dict[str, Any] = {"receives": None, "processes": [], "exports": []}
        if flow and self.config:
            flows.update(flow.facts())
        working = _working(flows)
        return {
            **facts,
            **flows,
            "peers": [_by_what_arrives(row, working) for row in facts["peers"]],
            "proxied": [row for row in facts["proxied"] if row["about"] not in working],
            "seconds": flow.seconds if flow else 0,
            "memory": self.meter.memory(),
            "logs": [{**row, "calm": row["about"] in working} for row in facts["logs"]],
            "unseen": self.notes.rows(),
            "objects": self._objects(),
        }

    def _objects(self) -> list[Object]:
        """Return the objects by which pipeline_validate judges the config."""
        services = self._of_kind("services", "Service")
        if self.target.custom:
            return [self.target.custom, *services]
        policies = self._of_kind("networkpolicies", "NetworkPolicy")
        workloads = [self.target.workload] if self.target.workload else []
        return [*workloads, *self.config_maps.values(), *services, *policies]

    def _of_kind(self, plural: str, kind: str) -> list[Object]:
        """Return the listed objects of the namespace with their kind, which lists leave out."""
        return [{**manifest, "kind": kind} for manifest in self._listed(plural) or []]
