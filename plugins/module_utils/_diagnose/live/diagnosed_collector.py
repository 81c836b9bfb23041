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

The second step has a short form, `collect_facts_after_change`. A peer is an address that an exporter sends to. The
meter keeps the readings of the metrics that the collector has of itself (flow.py). Reach is how clients get to the
ports of the collector (reach.py). workload_facts.py and log_facts.py have the facts of its objects and of its log.
Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._otelcol.catalogue.port_rows import Listeners
from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import make_masker
from ..._otelcol.kube.network_policies import find_egress_policies
from ..._otelcol.needs.peers import find_peers
from ..._rollout.failures import Search
from ..autoscaler_rows import AutoscalerRow, list_autoscalers
from ..certificate_resources import CertificateResourceRow, list_certificate_resources
from ..pod_config import read_environment
from ..proxied_peers import explain_proxy, find_proxied_peers
from ..reach import CollectorReach, NamespaceObjects, describe_listeners, describe_services, list_misdirected_probes
from ..service_endpoints import read_labels
from .account_rights import find_lacking_rights
from .allocated_targets import read_allocator
from .dependency_certificates import CertificateChecks
from .find_collectors import DiagnosedTarget
from .flow import Meter
from .log_facts import count_own_echoes, list_log_failures, read_log_text
from .needed_objects import check_references
from .peers_in_cluster import describe_peers
from .reader import ClusterReader, Object
from .running_config import read_running_config
from .workload_facts import collect_workload_facts, describe_rollout_symptoms, list_object_warnings


@dataclass(frozen=True)
class DiagnoseOptions:
    """The options of module collector_diagnose that facts depend on."""

    listeners: Listeners
    metrics_port: int
    """The port of the own metrics of a collector whose config does not set it."""
    window_seconds: float
    """The longest time between two readings of the metrics."""
    log_seconds: int
    """How far back the log is read."""
    is_fresh: bool
    """Whether a run has just changed the collectors, and wants a quick look at where they send to."""
    search: Search
    """The function that searches data by JMESPath."""


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
        reader, target, notes = self.reader, self.target, self.notes
        reach = self._build_reach()
        services = describe_services(reach)
        certificates = CertificateChecks(reader, self.namespace, self.config, self.sources, notes)
        trust, server_certificates = certificates.describe_server_trust(self.peers, current_time)
        return {
            **self._collect_identity_facts(),
            **self._collect_destination_facts(current_time),
            **collect_workload_facts(reader, target, current_time),
            "symptoms": describe_rollout_symptoms(reader, target, self.options.search, self._build_mask()),
            "events": list_object_warnings(reader, target, current_time),
            "services": services,
            "listeners": describe_listeners(reach, services),
            "probes": list_misdirected_probes(reach),
            "references": check_references(reader, target.pod_namespaces, self.sources, notes),
            "certificates": [
                *certificates.list_certificate_rows(services or [], current_time),
                *server_certificates,
            ],
            "trust": trust,
            "certificate_resources": self._list_own_certificate_resources(),
            "rights": find_lacking_rights(reader, self.config, self.pod, self.namespace, notes),
            "autoscalers": self._list_own_autoscalers(),
            "target_allocator": read_allocator(reader, self.config, self.namespace, len(target.pods), notes),
        }

    def collect_facts_after_change(self, current_time: str) -> dict[str, Any]:
        """Return the facts about where the exporters send to, in place of `collect_facts`.

        They are all that a run asks for which has just changed the collector. Its rollout is complete, so it runs.
        """
        return {
            **self._collect_identity_facts(),
            **self._collect_destination_facts(current_time),
            "running": True,
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

    # ── Parts of the facts ──

    def _collect_identity_facts(self) -> dict[str, Any]:
        """Return which collector it is."""
        return {"name": self.target.name, "namespace": self.target.namespace, "mode": self.target.mode}

    def _collect_destination_facts(self, current_time: str) -> dict[str, Any]:
        """Return what the config sends to, what the cluster has there, and what the log says about it."""
        egress = find_egress_policies(self._list_in_namespace("networkpolicies"), read_labels(self.pod))
        return {
            "config": self.config,
            "peers": describe_peers(self.reader, self.peers, self.pod, egress, self.notes),
            "proxied": find_proxied_peers(self.peers, self.variables),
            **self._collect_log_facts(current_time),
        }

    def _collect_log_facts(self, current_time: str) -> dict[str, Any]:
        """Return the failures that the log shows, masked, and the pods whose own log is in it."""
        log_text = read_log_text(self.reader, self.target, self.options.log_seconds)
        failures = list_log_failures(log_text, current_time, self._build_mask())
        return {
            "logs": [explain_proxy(row, self.peers, self.variables) for row in failures],
            "echoes": count_own_echoes(log_text, self.target, current_time),
        }

    def _build_mask(self) -> Callable[[str], str]:
        """Return the function that hides the secrets of the config in a text."""
        return make_masker(find_secrets(self.config))

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

    def _list_own_certificate_resources(self) -> list[CertificateResourceRow]:
        """Return the Certificates of cert-manager that make the mounted Secrets."""
        secret_names = [source.name for source in self.sources if source.kind == "Secret"]
        return list_certificate_resources(self._list_in_namespace("certificates") or [], secret_names)

    def _list_own_autoscalers(self) -> list[AutoscalerRow]:
        """Return the autoscalers of the workload and of the custom resource."""
        own_objects = [manifest for manifest in (self.target.workload, self.target.custom_resource) if manifest]
        own_names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in own_objects]
        return list_autoscalers(self._list_in_namespace("horizontalpodautoscalers") or [], own_names)

    def _list_judged_objects(self) -> list[Object]:
        """Return the objects by which the rules of module pipeline_validate judge the config.

        For a collector of the operator, the custom resource has the config and the pods that it describes.
        """
        services = self._list_in_namespace("services") or []
        if self.target.custom_resource:
            return [self.target.custom_resource, *services]
        policies = self._list_in_namespace("networkpolicies") or []
        workloads = [self.target.workload] if self.target.workload else []
        return [*workloads, *self.config_maps.values(), *services, *policies]

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
