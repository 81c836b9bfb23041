# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect facts about running collectors, for the checks of a diagnosis. Changes nothing. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.connect import connect
from ..._kube.live.libraries import import_library
from ..._kube.live.task_end import run
from ..._otelcol.catalogue.port_rows import Listeners, map_listeners
from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import make_masker
from ..._otelcol.config.paths import list_at, mapping_at, value_at
from ..._otelcol.kube.network_policies import find_egress_policies
from ..._otelcol.kube.pod_references import list_sources
from ..._otelcol.needs.peers import find_peers
from ..._rollout.failures import find_newest_revision, find_symptoms, select_newest_pods, select_older_pods
from ..._rollout.live.failure_texts import describe_symptoms
from ..._rollout.readiness import describe_pod_counts, is_ready, read_pod_counts
from ..._telemetry import logs
from ..cluster_objects import (
    count_echoes,
    describe_pod,
    list_autoscalers,
    list_certificate_resources,
    list_recent_warnings,
)
from ..node_coverage import find_uncovered_nodes
from ..pod_config import read_environment
from ..proxied_peers import explain_proxy, find_proxied_peers
from ..reach import Reach, Surroundings, read_labels
from .allocated_targets import read_allocator
from .dependencies import (
    check_references,
    describe_peers,
    find_change_under_way,
    find_lacking_rights,
    find_passed_wave,
    read_peers_ahead,
)
from .dependency_certificates import CertificateChecks
from .find_collectors import DiagnosedTarget, call_isolated, find_targets, find_unlisted_collectors
from .flow import Meter, read_all_meters, watch_flow
from .reader import PLURALS, QUICK_SECONDS, ClusterReader, Object, object_path, utc_now
from .running_config import read_running_config

LOG_LINES = 500
# Of so many pods the log is read, those in trouble first.
LOG_PODS = 3


def run_diagnose(module: AnsibleModule) -> None:
    """Run a module that returns the facts of collectors, and which others there are."""
    params = module.params

    def read_facts() -> dict[str, Any]:
        reader = ClusterReader(connect(module), connect(module, QUICK_SECONDS))
        facts = collect_facts(reader, params, utc_now)
        return {"changed": False, "facts": facts, "unlisted": find_unlisted_collectors(reader, params["collectors"])}

    run(module, read_facts)


def collect_facts(reader: ClusterReader, params: dict[str, Any], read_time: Callable[[], str]) -> list[dict[str, Any]]:
    """Return the facts of each collector, all of them read at once, and measured over the same time."""
    collection = _Collection(reader, params, read_time)
    targets = find_targets(reader, params["collectors"])
    referred_objects = []
    for target in targets:
        referred_objects += call_isolated(target, _list_referred_objects)
    reader.read_ahead([], referred_objects)
    return collection.collect_facts(targets)


class _Collection:
    """One run for some collectors. `applied` among its options says that a run has just changed them."""

    def __init__(self, reader: ClusterReader, params: dict[str, Any], read_time: Callable[[], str]) -> None:
        self.reader, self.params, self.read_time = reader, params, read_time
        self.search = import_library("jmespath").search
        self.listeners = map_listeners(params["listeners"])
        self.is_fresh = bool(params.get("applied"))

    def collect_facts(self, targets: list[DiagnosedTarget]) -> list[dict[str, Any]]:
        """Return the facts of each collector."""
        collectors = [call_isolated(target, self._examine_target) for target in targets]
        started_at = self.reader.cluster.clock()
        meters = [collector.meter for collector in collectors]
        read_all_meters(self.reader, meters)
        read_peers_ahead(self.reader, [peer for collector in collectors for peer in collector.peers])
        facts_of_each = self.reader.cluster.call_in_parallel(self._collect_isolated, collectors)
        watch_flow(self.reader, meters, started_at, 0 if self.is_fresh else self.params["window_seconds"])
        return [collector.add_flow_facts(facts) for collector, facts in zip(collectors, facts_of_each, strict=True)]

    def _examine_target(self, target: DiagnosedTarget) -> DiagnosedCollector:
        """Return a collector with its config and what follows from that alone."""
        collector = DiagnosedCollector(self.reader, target, self.listeners, self.params["metrics_port"])
        collector.meter.is_fresh = self.is_fresh
        return collector

    def _collect_isolated(self, collector: DiagnosedCollector) -> dict[str, Any]:
        """Return the facts of a collector; without its objects, if they cannot be had."""

        def facts_of_target(target: DiagnosedTarget) -> dict[str, Any]:
            if target is collector.target:
                return self._collect_one(collector)
            return self._collect_one(self._examine_target(target))

        return call_isolated(collector.target, facts_of_target)

    def _collect_one(self, collector: DiagnosedCollector) -> dict[str, Any]:
        """Return all facts; of one that has just been changed, those about where it sends to."""
        if self.is_fresh:
            return collector.collect_end_facts(self.params, self.read_time())
        return collector.collect_facts(self.search, self.params, self.read_time())


def _list_referred_objects(target: DiagnosedTarget) -> list[tuple[str, str, str]]:
    """Return the Secrets and ConfigMaps that the container refers to, as plural, namespace and name."""
    referred_sources = list_sources(mapping_at(target.representative_pod, "spec"), target.collector_container)
    return [(PLURALS[source.kind], target.pod_namespace, source.name) for source in referred_sources]


def _find_working_components(flow: Mapping[str, Any]) -> set[str]:
    """Return the exporters that send, and the receivers to which something comes or nothing is sent."""
    working_components, failing_components = set(), set()
    for row in flow["receives"] or ():
        if row["state"] in ("comes", "rests"):
            working_components.add(f"receivers/{row['id']}")
    for row in flow["exports"]:
        if row["state"] == "sends":
            working_components.add(row["about"])
        elif row["state"] != "idle":
            failing_components.add(row["about"])
    return working_components - failing_components


def _correct_peer_state(peer: dict[str, Any], working_components: set[str]) -> dict[str, Any]:
    """Return the row of a peer. What arrives is not kept out: then nothing enforces the network policy."""
    if peer["state"] == "kept_out" and peer["about"] in working_components:
        return {**peer, "state": "ok"}
    return peer


class DiagnosedCollector:
    """One collector under examination."""

    def __init__(self, reader: ClusterReader, target: DiagnosedTarget, listeners: Listeners, metrics_port: int) -> None:
        self.reader, self.target, self.listeners, self.notes = reader, target, listeners, target.notes
        self.pod, self.container = target.representative_pod, target.collector_container
        self.namespace = target.pod_namespace
        self.config, self.sources, self.config_maps = read_running_config(reader, target)
        self.meter = Meter(target, self.config, listeners, metrics_port)
        self.peers = find_peers(self.config, self.namespace)
        self.variables = read_environment(self.container, self.pod)

    def collect_facts(
        self, search: Callable[[str, Any], Any], params: dict[str, Any], current_time: str
    ) -> dict[str, Any]:
        """Return all facts but those of the own metrics."""
        target = self.target
        reach = Reach(
            target.name, self.config, self.pod, self.container, self._read_surroundings(), listeners=self.listeners
        )
        services = reach.describe_services()
        certificates = CertificateChecks(self.reader, self.namespace, self.config, self.sources, self.notes)
        trust, servers = certificates.describe_server_trust(self.peers, current_time)
        own_objects = [manifest for manifest in (target.workload, target.custom_resource) if manifest]
        own_names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in own_objects]
        secret_names = [source.name for source in self.sources if source.kind == "Secret"]
        return {
            **self.collect_end_facts(params, current_time),
            **self._build_known_facts(search, current_time),
            "services": services,
            "listeners": reach.describe_listeners(),
            "probes": reach.list_misdirected_probes(),
            "references": check_references(self.reader, target.pod_namespaces, self.sources, self.notes),
            "certificates": [*certificates.list_certificate_rows(services or [], current_time), *servers],
            "trust": trust,
            "certificate_resources": list_certificate_resources(
                self._list_in_namespace("certificates") or [], secret_names
            ),
            "rights": find_lacking_rights(self.reader, self.config, self.pod, self.namespace, self.notes),
            "autoscalers": list_autoscalers(self._list_in_namespace("horizontalpodautoscalers") or [], own_names),
            "target_allocator": read_allocator(self.reader, self.config, self.namespace, len(target.pods), self.notes),
        }

    def collect_end_facts(self, params: dict[str, Any], current_time: str) -> dict[str, Any]:
        """Return where its exporters send to, what the cluster has there, and what its log says."""
        egress = find_egress_policies(self._list_in_namespace("networkpolicies"), read_labels(self.pod))
        peers = describe_peers(self.reader, self.peers, self.pod, egress, self.notes)
        return {
            "name": self.target.name,
            "namespace": self.target.namespace,
            "mode": self.target.mode,
            "running": True,
            "peers": peers,
            "proxied": find_proxied_peers(self.peers, self.variables),
            **self._logs(params["log_seconds"], current_time),
            "config": self.config,
        }

    def _list_in_namespace(self, plural: str) -> list[Object] | None:
        """Return the objects of a kind in the pod's namespace; None when this user may not see them."""
        return self.reader.list_objects(plural, self.namespace, self.notes)

    def _read_surroundings(self) -> Surroundings:
        """Return what leads to the pod, and what keeps others from it."""
        return Surroundings(
            *(self._list_in_namespace(plural) for plural in ("services", "endpointslices", "networkpolicies"))
        )

    def _build_known_facts(self, search: Callable[[str, Any], Any], current_time: str) -> dict[str, Any]:
        """Return what the objects of the collector say of themselves."""
        target, workload = self.target, self.target.workload
        container_name = str(self.container.get("name") or "")
        pods = [describe_pod(own_pod, container_name, current_time) for own_pod in target.pods]
        is_hidden = not workload and not target.custom_resource and bool(target.notes.build_rows())
        return {
            "name": target.name,
            "namespace": target.namespace,
            "kind": target.kind,
            "mode": target.mode,
            "image": str(self.container.get("image") or ""),
            "hidden": is_hidden,
            "workload": workload,
            "custom_resource": target.custom_resource,
            "resource_conditions": list_at(target.custom_resource, "status", "conditions"),
            **self._describe_readiness(pods),
            "pods": pods,
            "uncovered_nodes": self._list_uncovered_nodes(),
            "symptoms": self._find_symptoms(search),
            "events": self._list_warnings(current_time),
        }

    def _describe_readiness(self, pods: list[dict[str, Any]]) -> dict[str, Any]:
        """Return how many pods are wanted and ready, and whether a change is under way."""
        workload, custom = self.target.workload, self.target.custom_resource
        ready_pods = [row for row in pods if row["ready"]]
        desired_pods, is_complete, ready_text = None, False, f"{len(ready_pods)} pods ready"
        if workload:
            desired_pods = read_pod_counts(workload).desired
            is_complete = is_ready(workload, allow_empty=True)
            ready_text = describe_pod_counts(workload)
        return {
            "wanted": desired_pods,
            "change": find_change_under_way(self.reader, workload or custom, self.notes),
            "wave": find_passed_wave(self.reader, custom or workload, workload, self.notes),
            "complete": is_complete,
            "ready_text": ready_text,
            "running": bool(ready_pods) or self._is_available(),
        }

    def _list_uncovered_nodes(self) -> list[dict[str, str]]:
        """Return the nodes without a pod of a DaemonSet, unless this user may not see its pods."""
        workload = self.target.workload
        if not workload or workload["kind"] != "DaemonSet" or self._list_in_namespace("pods") is None:
            return []
        return find_uncovered_nodes(workload, self.target.pods, self.reader.list_nodes(self.notes))

    def _list_warnings(self, current_time: str) -> list[dict[str, Any]]:
        """Return recent warnings about the pods and the objects of the collector."""
        objects = [*self.target.pods, self.target.workload, self.target.custom_resource]
        object_by_uid = {manifest["metadata"]["uid"]: manifest for manifest in objects if manifest}
        return list_recent_warnings(
            self.reader.list_in_namespaces_of("events", object_by_uid.values(), self.notes), object_by_uid, current_time
        )

    def _is_available(self) -> bool:
        """Return whether the workload has available pods, for a user who may not list them."""
        workload = self.target.workload
        if not workload or self._list_in_namespace("pods") is not None:
            return False
        return bool(read_pod_counts(workload).available)

    def _find_symptoms(self, search: Callable[[str, Any], Any]) -> list[dict[str, Any]]:
        """Return why the newest revision is not ready, as rollout_wait reports it."""
        workload = self.target.workload
        if not workload or is_ready(workload, allow_empty=True):
            return []
        plural = "replicasets" if workload["kind"] == "Deployment" else "controllerrevisions"
        revision = find_newest_revision(workload, self._list_in_namespace(plural) or [])
        new_pods = select_newest_pods(workload, revision, self.target.pods)
        old_pods = select_older_pods(workload, new_pods, self.target.pods)
        events = self._list_in_namespace("events") or []
        own_symptoms = find_symptoms(search, workload, revision, new_pods, events, allow_empty=True, old=old_pods)
        workload_symptoms = [(workload, symptom) for symptom in own_symptoms]
        rows, _problems = describe_symptoms(self.reader.cluster, workload_symptoms, self._build_mask())
        return [{**row, "last_words": logs.find_last_words(row["log"])} for row in rows]

    def _logs(self, seconds: int, current_time: str) -> dict[str, list[dict[str, Any]]]:
        """Return what the pods say is wrong, masked, with whether they still say it; and their own logs in it."""
        text = self._read_log_text(seconds)
        entries = []
        for row in logs.group_log_failures(text, current_time, self._build_mask()):
            is_current = row["seconds_ago"] <= logs.CURRENT_SECONDS
            entries.append(explain_proxy({**row, "current": is_current}, self.peers, self.variables))
        pod_names = []
        for own_pod in self.target.pods:
            metadata = own_pod["metadata"]
            pod_names.append(f"{metadata['namespace']}/{metadata['name']}")
        return {"logs": entries, "echoes": count_echoes(text, pod_names, current_time)}

    def _build_mask(self) -> Callable[[str], str]:
        """Return what hides the secrets of the config."""
        return make_masker(find_secrets(self.config))

    def _read_log_text(self, seconds: int) -> str:
        """Return the end of the logs of some pods, those in trouble first, with the time of each line."""
        pending_first = sorted(
            self.target.pods, key=lambda own_pod: value_at(own_pod, ("status", "phase")) != "Pending"
        )
        paths = []
        for own_pod in pending_first[:LOG_PODS]:
            metadata = own_pod["metadata"]
            paths.append(f"{object_path('pods', metadata['namespace'], metadata['name'])}/log")
        query = {
            "container": self.container.get("name"),
            "sinceSeconds": seconds,
            "tailLines": LOG_LINES,
            "timestamps": "true",
        }
        answers = self.reader.cluster.call_in_parallel(lambda path: self.reader.read_text(path, query), paths)
        for answer in answers:
            if answer.unread_reason:
                self.notes.note_unseen("logs", answer.unread_reason)
        return "\n".join(answer.value or "" for answer in answers)

    def add_flow_facts(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the facts with those of the own metrics, which need time."""
        flow = self.meter.signal_flow
        flows: dict[str, Any] = {"receives": None, "processes": [], "exports": []}
        if flow and self.config:
            flows.update(flow.collect_facts())
        working_components = _find_working_components(flows)
        return {
            **facts,
            **flows,
            "peers": [_correct_peer_state(row, working_components) for row in facts["peers"]],
            "proxied": [row for row in facts["proxied"] if row["about"] not in working_components],
            "seconds": flow.seconds if flow else 0,
            "memory": self.meter.describe_memory(),
            "logs": [{**row, "calm": row["about"] in working_components} for row in facts["logs"]],
            "unseen": self.notes.build_rows(),
            "objects": self._list_judged_objects(),
        }

    def _list_judged_objects(self) -> list[Object]:
        """Return the objects by which pipeline_validate judges the config."""
        services = self._list_with_kind("services", "Service")
        if self.target.custom_resource:
            return [self.target.custom_resource, *services]
        policies = self._list_with_kind("networkpolicies", "NetworkPolicy")
        workloads = [self.target.workload] if self.target.workload else []
        return [*workloads, *self.config_maps.values(), *services, *policies]

    def _list_with_kind(self, plural: str, kind: str) -> list[Object]:
        """Return the listed objects of the namespace with their kind, which lists leave out."""
        return [{**manifest, "kind": kind} for manifest in self._list_in_namespace(plural) or []]
