# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of one running collector: its objects, its log, its peers, and what flows through it.

`collect.py` makes a `DiagnosedCollector` for each collector of a diagnosis and asks it for its facts. They are one
mapping, because the checks search it by JMESPath, such as

    {"name": "gateway", "namespace": "obs", "mode": "deployment", "running": True, "config": {…}, "pods": […],
     "peers": [{"about": "exporters/otlp", "endpoint": "jaeger:4317", "state": "no_endpoints", …}], "logs": […], …}

docs/diagnose.md lists the keys. The facts are made in three steps:

    config, peers, meter    by `__init__`, before anything else is read
    objects, log, peers     by `collect_facts`, between the two readings of the metrics
    flow                    by `add_flow_facts`, after the second reading

A peer is an address that an exporter sends to. The meter keeps the readings of the metrics that the collector has of
itself (flow.py). Reach is how clients get to the ports of the collector (reach.py). Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._otelcol.catalogue.port_rows import Listeners
from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import make_masker
from ..._otelcol.config.paths import list_at
from ..._otelcol.kube.network_policies import find_egress_policies
from ..._otelcol.needs.peers import find_peers
from ..._rollout.failures import WorkloadSymptom, find_symptoms
from ..._rollout.live.failure_texts import describe_symptoms
from ..._rollout.pod_revisions import find_newest_revision, select_newest_pods, select_older_pods
from ..._rollout.readiness import describe_pod_counts, is_ready, read_pod_counts
from ..._telemetry import crash_logs, logs
from ..cluster_objects import (
    AutoscalerRow,
    CertificateResourceRow,
    WarningRow,
    count_echoes,
    describe_pod,
    list_autoscalers,
    list_certificate_resources,
    list_recent_warnings,
    sort_by_trouble,
)
from ..node_coverage import find_uncovered_nodes
from ..pod_config import read_environment
from ..proxied_peers import explain_proxy, find_proxied_peers
from ..reach import CollectorReach, NamespaceObjects, describe_listeners, describe_services, list_misdirected_probes
from ..result_rows import PodRow
from ..service_endpoints import read_labels
from .account_rights import find_lacking_rights
from .allocated_targets import read_allocator
from .dependency_certificates import CertificateChecks
from .find_collectors import DiagnosedTarget
from .flow import Meter
from .needed_objects import check_references
from .peers_in_cluster import describe_peers
from .reader import ClusterReader, Object, object_path
from .release_records import find_change_under_way, find_passed_wave
from .running_config import read_running_config

# Last lines of the log of a pod that are read.
LOG_LINES = 500
# Pods whose log is read, those in trouble first.
LOG_PODS = 3


@dataclass(frozen=True)
class DiagnoseOptions:
    """The options of module collector_diagnose that facts depend on. `search` searches data by JMESPath."""

    listeners: Listeners
    metrics_port: int
    """The port of the own metrics of a collector whose config does not set it."""
    window_seconds: float
    """The longest time between two readings of the metrics."""
    log_seconds: int
    """How far back the log is read."""
    is_fresh: bool
    """Whether a run has just changed the collectors, and wants a quick look at where they send to."""
    search: Callable[[str, Any], Any]


class DiagnosedCollector:
    """One collector under examination. Making one reads its config."""

    def __init__(self, reader: ClusterReader, target: DiagnosedTarget, options: DiagnoseOptions) -> None:
        self.reader = reader
        self.target = target
        self.options = options
        self.notes = target.notes
        self.pod = target.representative_pod
        self.container = target.collector_container
        self.namespace = target.pod_namespace
        self.config, self.sources, self.config_maps = read_running_config(reader, target)
        self.meter = Meter(target, self.config, options.listeners, options.metrics_port, is_fresh=options.is_fresh)
        self.peers = find_peers(self.config, self.namespace)
        self.variables = read_environment(self.container, self.pod)

    def collect_facts(self, current_time: str) -> dict[str, Any]:
        """Return all facts except for those of the own metrics, which `add_flow_facts` adds.

        `current_time` is as Kubernetes writes it, such as `2026-01-31T12:00:00+00:00`.
        """
        target = self.target
        reach = self._build_reach()
        services = describe_services(reach)
        certificates = CertificateChecks(self.reader, self.namespace, self.config, self.sources, self.notes)
        trust, server_certificates = certificates.describe_server_trust(self.peers, current_time)
        return {
            # The facts of the objects come second: only they know whether it really runs.
            **self.collect_end_facts(current_time),
            **self._collect_object_facts(current_time),
            "services": services,
            "listeners": describe_listeners(reach, services),
            "probes": list_misdirected_probes(reach),
            "references": check_references(self.reader, target.pod_namespaces, self.sources, self.notes),
            "certificates": [
                *certificates.list_certificate_rows(services or [], current_time),
                *server_certificates,
            ],
            "trust": trust,
            "certificate_resources": self._list_own_certificate_resources(),
            "rights": find_lacking_rights(self.reader, self.config, self.pod, self.namespace, self.notes),
            "autoscalers": self._list_own_autoscalers(),
            "target_allocator": read_allocator(self.reader, self.config, self.namespace, len(target.pods), self.notes),
        }

    def _list_own_certificate_resources(self) -> list[CertificateResourceRow]:
        """Return the Certificates of cert-manager that make the mounted Secrets."""
        secret_names = [source.name for source in self.sources if source.kind == "Secret"]
        return list_certificate_resources(self._list_in_namespace("certificates") or [], secret_names)

    def _list_own_autoscalers(self) -> list[AutoscalerRow]:
        """Return the autoscalers of the workload and of the custom resource."""
        own_objects = [manifest for manifest in (self.target.workload, self.target.custom_resource) if manifest]
        own_names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in own_objects]
        return list_autoscalers(self._list_in_namespace("horizontalpodautoscalers") or [], own_names)

    def collect_end_facts(self, current_time: str) -> dict[str, Any]:
        """Return the facts about where the exporters send to: what the cluster has there, and what the log says.

        They are all that a run asks for which has just changed the collector. Its rollout is complete, so it runs.
        """
        egress = find_egress_policies(self._list_in_namespace("networkpolicies"), read_labels(self.pod))
        peers = describe_peers(self.reader, self.peers, self.pod, egress, self.notes)
        return {
            "name": self.target.name,
            "namespace": self.target.namespace,
            "mode": self.target.mode,
            "running": True,
            "peers": peers,
            "proxied": find_proxied_peers(self.peers, self.variables),
            **self._collect_log_facts(current_time),
            "config": self.config,
        }

    def add_flow_facts(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the facts with those of the own metrics, which are known only after the second reading.

        What works is no fault: if an exporter sends, no policy keeps it out, its proxy is right, and its failures in
        the log are over.
        """
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

    # ── Its objects ──

    def _collect_object_facts(self, current_time: str) -> dict[str, Any]:
        """Return the facts about the workload, the custom resource and the pods."""
        target, workload = self.target, self.target.workload
        container_name = str(self.container.get("name") or "")
        pods = [describe_pod(own_pod, container_name, current_time) for own_pod in target.pods]
        is_hidden = not workload and not target.custom_resource and bool(target.list_hiding_parts())
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
            "symptoms": self._describe_rollout_symptoms(),
            "events": self._list_warnings(current_time),
        }

    def _describe_readiness(self, pods: list[PodRow]) -> dict[str, Any]:
        """Return how many pods are wanted and ready, and whether a change is under way."""
        workload, custom_resource = self.target.workload, self.target.custom_resource
        ready_pods = [row for row in pods if row["ready"]]
        if workload:
            desired_pods = read_pod_counts(workload).desired
            is_complete = is_ready(workload, allow_empty=True)
            ready_text = describe_pod_counts(workload)
        else:
            desired_pods = None
            is_complete = False
            ready_text = f"{len(ready_pods)} pods ready"
        return {
            "wanted": desired_pods,
            # Both have the labels of the collector. Only the workload has the pods that a wave has judged.
            "change": find_change_under_way(self.reader, workload or custom_resource, self.notes),
            "wave": find_passed_wave(self.reader, custom_resource or workload, workload, self.notes),
            "complete": is_complete,
            "ready_text": ready_text,
            "running": bool(ready_pods) or self._is_available(),
        }

    def _is_available(self) -> bool:
        """Return whether the workload has available pods, for a user who may not list pods."""
        workload = self.target.workload
        can_list_pods = self._list_in_namespace("pods") is not None
        if not workload or can_list_pods:
            return False
        return bool(read_pod_counts(workload).available)

    def _list_uncovered_nodes(self) -> list[dict[str, str]]:
        """Return the nodes on which a DaemonSet has no pod; none if this user may not list pods."""
        workload = self.target.workload
        if not workload or workload["kind"] != "DaemonSet" or self._list_in_namespace("pods") is None:
            return []
        return find_uncovered_nodes(workload, self.target.pods, self.reader.list_nodes(self.notes))

    def _list_warnings(self, current_time: str) -> list[WarningRow]:
        """Return the recent warnings about the pods and the objects of the collector."""
        objects = [*self.target.pods, self.target.workload, self.target.custom_resource]
        object_by_uid = {manifest["metadata"]["uid"]: manifest for manifest in objects if manifest}
        events = self.reader.list_in_namespaces_of("events", object_by_uid.values(), self.notes)
        return list_recent_warnings(events, object_by_uid, current_time)

    def _describe_rollout_symptoms(self) -> list[dict[str, Any]]:
        """Return why the newest revision is not ready, in the words of module rollout_wait; nothing if it is ready."""
        workload = self.target.workload
        if not workload or is_ready(workload, allow_empty=True):
            return []
        plural = "replicasets" if workload["kind"] == "Deployment" else "controllerrevisions"
        revision = find_newest_revision(workload, self._list_in_namespace(plural) or [])
        new_pods = select_newest_pods(workload, revision, self.target.pods)
        old_pods = select_older_pods(workload, new_pods, self.target.pods)
        events = self._list_in_namespace("events") or []
        symptoms = find_symptoms(
            self.options.search, workload, revision, new_pods, events, allow_empty=True, old=old_pods
        )
        symptoms_of_workload = [WorkloadSymptom(workload, symptom) for symptom in symptoms]
        rows, _problems = describe_symptoms(self.reader.cluster, symptoms_of_workload, self._build_mask())
        return [{**row, "last_words": crash_logs.find_last_words(row["log"])} for row in rows]

    # ── Its log ──

    def _collect_log_facts(self, current_time: str) -> dict[str, Any]:
        """Return the failures that the log shows, masked, and the pods whose own log is in it."""
        log_text = self._read_log_text()
        pod_names = []
        for own_pod in self.target.pods:
            metadata = own_pod["metadata"]
            pod_names.append(f"{metadata['namespace']}/{metadata['name']}")
        return {
            "logs": self._describe_log_failures(log_text, current_time),
            "echoes": count_echoes(log_text, pod_names, current_time),
        }

    def _describe_log_failures(self, log_text: str, current_time: str) -> list[dict[str, Any]]:
        """Return the failures in a log. Key `current` says whether a failure still goes on."""
        entries = []
        for row in logs.group_log_failures(log_text, current_time, self._build_mask()):
            is_current = row["seconds_ago"] <= logs.CURRENT_SECONDS
            entries.append(explain_proxy({**row, "current": is_current}, self.peers, self.variables))
        return entries

    def _build_mask(self) -> Callable[[str], str]:
        """Return the function that hides the secrets of the config in a text: a collector may log what it is given."""
        return make_masker(find_secrets(self.config))

    def _read_log_text(self) -> str:
        """Return the end of the logs of some pods. Each line begins with its time."""
        if not self.container:  # without a name, the API server would return the log of the application
            return ""
        paths = []
        for own_pod in sort_by_trouble(self.target.pods)[:LOG_PODS]:
            metadata = own_pod["metadata"]
            paths.append(f"{object_path('pods', metadata['namespace'], metadata['name'])}/log")
        query = {
            "container": self.container.get("name"),
            "sinceSeconds": self.options.log_seconds,
            "tailLines": LOG_LINES,
            "timestamps": "true",
        }
        answers = self.reader.cluster.call_in_parallel(lambda path: self.reader.read_answer_text(path, query), paths)
        for answer in answers:
            if answer.unread_reason:
                self.notes.note_unseen("logs", answer.unread_reason)
        return "\n".join(answer.value or "" for answer in answers)

    # ── The objects around it ──

    def _build_reach(self) -> CollectorReach:
        """Return the ports of the collector, with the objects that lead to its pods or keep others from them."""
        objects = NamespaceObjects(
            services=self._list_in_namespace("services"),
            endpoint_slices=self._list_in_namespace("endpointslices"),
            policies=self._list_in_namespace("networkpolicies"),
        )
        return CollectorReach.of(
            self.target.name, self.config, self.pod, self.container, objects, table=self.options.listeners
        )

    def _list_judged_objects(self) -> list[Object]:
        """Return the objects by which the rules of module pipeline_validate judge the config.

        For a collector of the operator, the custom resource has the config and the pods that it describes.
        """
        services = self._list_with_kind("services", "Service")
        if self.target.custom_resource:
            return [self.target.custom_resource, *services]
        policies = self._list_with_kind("networkpolicies", "NetworkPolicy")
        workloads = [self.target.workload] if self.target.workload else []
        return [*workloads, *self.config_maps.values(), *services, *policies]

    def _list_with_kind(self, plural: str, kind: str) -> list[Object]:
        """Return the listed objects of the namespace with their kind, which lists leave out."""
        return [{**manifest, "kind": kind} for manifest in self._list_in_namespace(plural) or []]

    def _list_in_namespace(self, plural: str) -> list[Object] | None:
        """Return the objects of a kind in the pod's namespace; None if this user may not see them."""
        return self.reader.list_objects(plural, self.namespace, self.notes)


# ── What works is no fault ──


def _find_working_components(flow: Mapping[str, Any]) -> set[str]:
    """Return the exporters that send, and the receivers that get data or to which nobody sends at the moment.

    Each is as `exporters/otlp`. One that works for one signal and fails for another does not count.
    """
    working_components, failing_components = set(), set()
    for row in flow["receives"] or ():
        if row["state"] in ("comes", "rests"):
            working_components.add(f"receivers/{row['id']}")
    for row in flow["exports"]:
        if row["state"] == "sends":
            working_components.add(row["about"])
        elif row["state"] != "idle":  # without data, an exporter can neither work nor fail
            failing_components.add(row["about"])
    return working_components - failing_components


def _correct_peer_state(peer: dict[str, Any], working_components: set[str]) -> dict[str, Any]:
    """Return the row of a peer. If its data arrives, no network policy keeps it out: nothing enforces the policy."""
    if peer["state"] == "kept_out" and peer["about"] in working_components:
        return {**peer, "state": "ok"}
    return peer
