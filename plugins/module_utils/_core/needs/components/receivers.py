# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receivers that need something from Kubernetes.

Sources: the README and metadata.yaml of each component in opentelemetry-collector and -contrib 0.158, section
"RBAC" or "Permissions". Private.
"""

from __future__ import annotations

import re
from typing import Any

from ...config.paths import at, items, section
from .row import READ, Component, Rules, Settings, rule

_POD_LOGS = "/var/log/pods"
_JOURNAL = "/var/log/journal"
_PROXIED = re.compile(r"/api/v1/nodes/[^/]+/proxy/")


def _file_log_host_paths(settings: Settings) -> tuple[tuple[str, str], ...]:
    reads_pods = any(str(glob).startswith(_POD_LOGS) for glob in items(settings, "include"))
    return ((_POD_LOGS, _POD_LOGS),) if reads_pods else ()


def _host_metrics_host_paths(settings: Settings) -> tuple[tuple[str, str], ...]:
    root = settings.get("root_path")
    return (("/", str(root)),) if root else ()


def _journal_host_paths(settings: Settings) -> tuple[tuple[str, str], ...]:
    directory = str(settings.get("directory") or _JOURNAL)
    return ((directory, directory),)


def _kubelet_stats_rules(settings: Settings) -> Rules:
    """The kubelet's list of pods has a resource of its own since Kubernetes 1.33 (KEP-2862), on by default."""
    claims = rule("core", "persistentvolumeclaims persistentvolumes", ("get",))
    reads = rule("core", "nodes/stats nodes/pods" if _asks_for_pods(settings) else "nodes/stats", ("get",))
    return (reads, claims) if settings.get("k8s_api_config") else (reads,)


def _kubelet_stats_older(settings: Settings) -> Rules:
    return (rule("core", "nodes/proxy", ("get",)),) if _asks_for_pods(settings) else ()


def _asks_for_pods(settings: Settings) -> bool:
    """Whether the receiver reads the specs of the pods for its metadata or metrics."""
    metrics = section(settings, "metrics")
    shares = [name for name in metrics if str(name).endswith("_utilization") and at(metrics, (name, "enabled"))]
    return bool(settings.get("extra_metadata_labels") or shares)


def _k8s_cluster_rules(settings: Settings) -> Rules:
    rules = (
        rule(
            "core",
            "events namespaces namespaces/status nodes nodes/spec persistentvolumeclaims persistentvolumes "
            "pods pods/status replicationcontrollers replicationcontrollers/status resourcequotas services",
        ),
        rule("apps", "daemonsets deployments replicasets statefulsets"),
        rule("batch", "cronjobs jobs"),
        rule("autoscaling", "horizontalpodautoscalers"),
    )
    return (
        (*rules, rule("quota.openshift.io", "clusterresourcequotas"))
        if settings.get("distribution") == "openshift"
        else rules
    )


def _k8s_objects_rules(settings: Settings) -> Rules:
    return tuple(
        rule(
            str(item.get("group") or "core"),
            str(item["name"]),
            ("get", *((str(item["mode"]),) if item.get("mode") == "watch" else ()), "list"),
        )
        for item in items(settings, "objects")
        if isinstance(item, dict) and item.get("name")
    )


def _prometheus_rules(settings: Settings) -> Rules:
    """Service discovery reads what its roles name; scraping the API server's own metrics needs a non-resource URL."""
    roles = {str(role) for role in _discovery_roles(settings)}
    rules = [*(_DISCOVERY[role] for role in sorted(roles & set(_DISCOVERY))), *through_api(settings)]
    return (*rules, {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}) if rules else ()


def through_api(settings: Settings) -> Rules:
    """Return the right to ask kubelets through the API server, where a job relabels its path to lead there."""
    replaced = (
        str(item.get("replacement"))
        for job in items(settings, "config", "scrape_configs")
        for item in items(job, "relabel_configs")
        if isinstance(item, dict) and item.get("target_label") == "__metrics_path__"
    )
    asks = any(_PROXIED.match(path) for path in replaced)
    return (rule("core", "nodes/proxy", ("get",)),) if asks else ()


def _discovery_roles(settings: Settings) -> list[Any]:
    return [
        discovery.get("role")
        for job in items(settings, "config", "scrape_configs")
        for discovery in items(job, "kubernetes_sd_configs")
        if isinstance(discovery, dict)
    ]


# Source: Prometheus documentation, kubernetes_sd_config.
_DISCOVERY = {
    "node": rule("core", "nodes nodes/metrics"),
    "pod": rule("core", "pods"),
    "service": rule("core", "services"),
    "endpoints": rule("core", "endpoints pods services"),
    "endpointslice": rule("core discovery.k8s.io", "endpointslices pods services"),
    "ingress": rule("networking.k8s.io", "ingresses"),
}

RECEIVERS = (
    Component(
        ("file_log", "filelog"),
        host_paths=_file_log_host_paths,
        root=lambda settings: bool(_file_log_host_paths(settings)),
    ),
    Component(("journald",), host_paths=_journal_host_paths, root=lambda _settings: True),
    Component(("host_metrics", "hostmetrics"), host_paths=_host_metrics_host_paths),
    Component(("kubelet_stats", "kubeletstats"), rules=_kubelet_stats_rules, older=_kubelet_stats_older),
    Component(("k8s_cluster",), rules=_k8s_cluster_rules),
    Component(
        ("k8s_events",), rules=lambda _settings: (rule("core", "events namespaces"), rule("events.k8s.io", "events"))
    ),
    Component(("k8s_objects", "k8sobjects"), rules=_k8s_objects_rules),
    Component(("prometheus",), rules=_prometheus_rules),
    Component(("awscontainerinsightreceiver",), api=True),
    Component(("receiver_creator",), rules=lambda _settings: (rule("core", "pods", READ),)),
)
