# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each component needs from its surroundings. Private.

Sources: the README and metadata.yaml of each component in opentelemetry-collector and -contrib 0.158, sections "RBAC",
"Permissions" and "Configuration".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..config.paths import at, items, mappings, section
from .component_row import READ, Component, Rules, Settings, rule

_POD_LOGS = "/var/log/pods"
_JOURNAL = "/var/log/journal"
_ACCOUNT, _METRICS = "/var/run/secrets/kubernetes.io/serviceaccount/", "/metrics"
# What the API server of EKS passes on. Source: EKS User Guide, "Fetch control plane raw metrics in Prometheus format".
_PASSED_ON = re.compile(r"/apis/metrics\.eks\.amazonaws\.com/v1/(ksh|kcm)/container/metrics\Z")
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
    rules = [
        rule(
            "core",
            "events namespaces namespaces/status nodes nodes/spec persistentvolumeclaims persistentvolumes "
            "pods pods/status replicationcontrollers replicationcontrollers/status resourcequotas services",
        ),
        rule("apps", "daemonsets deployments replicasets statefulsets"),
        rule("batch", "cronjobs jobs"),
        rule("autoscaling", "horizontalpodautoscalers"),
    ]
    if settings.get("distribution") == "openshift":
        rules.append(rule("quota.openshift.io", "clusterresourcequotas"))
    return tuple(rules)


def _k8s_objects_rules(settings: Settings) -> Rules:
    """The receiver lists the objects of each resource that it names, and watches those of some."""
    rules = []
    for watched in mappings(settings, "objects"):
        if watched.get("name"):
            verbs = ("get", "watch", "list") if watched.get("mode") == "watch" else ("get", "list")
            rules.append(rule(str(watched.get("group") or "core"), str(watched["name"]), verbs))
    return tuple(rules)


def _prometheus_rules(settings: Settings) -> Rules:
    """Service discovery reads what its roles name; metrics of the control plane need a non-resource URL."""
    roles = sorted(_discovery_roles(settings) & _DISCOVERY.keys())
    relayed = through_api(settings)
    paths = list(_paths_with_token(settings))
    rules = [*(_DISCOVERY[role] for role in roles), *relayed]
    passed_on = _passed_on(paths)
    if passed_on:
        rules.append(rule("metrics.eks.amazonaws.com", " ".join(passed_on), ("get",)))
    if roles or relayed or _METRICS in paths:
        rules.append({"nonResourceURLs": [_METRICS], "verbs": ["get"]})
    return tuple(rules)


def _passed_on(paths: Iterable[str]) -> list[str]:
    """Return the resources of the paths that the API server of EKS passes on to the control plane."""
    resources = set()
    for path in paths:
        match = _PASSED_ON.match(path)
        if match:
            resources.add(f"{match[1]}/metrics")
    return sorted(resources)


def _paths_with_token(settings: Settings) -> Iterator[str]:
    """Yield the paths of jobs that show the token of the ServiceAccount."""
    for job in mappings(settings, "config", "scrape_configs"):
        token_file = at(job, ("authorization", "credentials_file")) or job.get("bearer_token_file")
        if str(token_file).startswith(_ACCOUNT):
            yield str(job.get("metrics_path") or _METRICS)


def through_api(settings: Settings) -> Rules:
    """Return the right to ask kubelets through the API server, where a job relabels its path to lead there."""
    for job in items(settings, "config", "scrape_configs"):
        for step in mappings(job, "relabel_configs"):
            is_path = step.get("target_label") == "__metrics_path__"
            if is_path and _PROXIED.match(str(step.get("replacement"))):
                return (rule("core", "nodes/proxy", ("get",)),)
    return ()


def _discovery_roles(settings: Settings) -> set[str]:
    """Return the roles by which jobs discover targets in Kubernetes."""
    roles = set()
    for job in items(settings, "config", "scrape_configs"):
        for discovery in mappings(job, "kubernetes_sd_configs"):
            roles.add(str(discovery.get("role")))
    return roles


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


# k8s_attributes reads an owner only when one of these attributes is extracted: prefix of the attribute → rule.
_OWNERS = {
    "k8s.deployment.": rule("apps", "replicasets"),
    "k8s.replicaset.": rule("apps", "replicasets"),
    "k8s.statefulset.": rule("apps", "statefulsets"),
    "k8s.daemonset.": rule("apps", "daemonsets"),
    "k8s.job.": rule("batch", "jobs"),
    "k8s.cronjob.": rule("batch", "jobs"),
    "k8s.node.": rule("core", "nodes"),
    "service.name": rule("apps", "replicasets"),
}

# The same for labels and annotations: the `from` of one → rule; pods and namespaces are read anyway.
_LABELLED = {
    "node": rule("core", "nodes"),
    "deployment": rule("apps", "deployments replicasets"),
    "statefulset": rule("apps", "statefulsets"),
    "daemonset": rule("apps", "daemonsets"),
    "job": rule("batch", "jobs"),
}

_KUBE_SYSTEM = rule("core", "namespaces", ("get",), name="kube-system")
_DETECTORS: dict[str, Rules] = {
    "eks": (rule("core", "nodes", ("get",)),),
    "k8snode": (rule("core", "nodes", ("get", "list")),),
    "k8s_api": (rule("core", "nodes", ("get", "list")), _KUBE_SYSTEM),
    "kubeadm": (rule("core", "configmaps", ("get",), name="kubeadm-config"), _KUBE_SYSTEM),
    "openshift": (rule("config.openshift.io", "infrastructures infrastructures/status"),),
}


def _k8s_attributes_rules(settings: Settings) -> Rules:
    """Without `extract.metadata` the processor extracts its defaults, which include the Deployment's name."""
    if settings.get("passthrough") is True:
        return ()
    rules = [rule("core", "namespaces pods")]
    metadata = [str(name) for name in items(settings, "extract", "metadata") or ["k8s.deployment.name"]]
    for prefix, owner_rule in _OWNERS.items():
        if any(name.startswith(prefix) for name in metadata):
            rules.append(owner_rule)
    origins: set[str] = set()
    for key in ("labels", "annotations"):
        origins.update(str(at(extracted, ("from",))) for extracted in items(settings, "extract", key))
    rules += [label_rule for origin, label_rule in _LABELLED.items() if origin in origins]
    return tuple(rules)


def _detector_rules(settings: Settings) -> Rules:
    rules: list[dict[str, Any]] = []
    for name in items(settings, "detectors"):
        rules += _DETECTORS.get(str(name), ())
    return tuple(rules)


def _node_variables(settings: Settings) -> tuple[str, ...]:
    """Detectors that ask for their own node, and a filter by node, read its name; some do not start without it."""
    detectors = {str(name) for name in items(settings, "detectors")}
    if detectors & {"eks", "k8snode", "k8s_api"}:
        return ("K8S_NODE_NAME",)
    named = at(settings, ("filter", "node_from_env_var"))
    return (named,) if named and isinstance(named, str) else ()


def _storage_directory(settings: Settings) -> tuple[str, ...]:
    return (str(settings.get("directory") or "/var/lib/otelcol/file_storage"),)


PROCESSORS = (
    Component(("k8s_attributes", "k8sattributes"), rules=_k8s_attributes_rules, variables=_node_variables),
    Component(("resource_detection", "resourcedetection"), rules=_detector_rules, variables=_node_variables),
)


def _balancing_rules(settings: Settings) -> Rules:
    """The resolver `k8s` watches the pods behind a Service."""
    if at(settings, ("resolver", "k8s")) is None:
        return ()
    return (rule("discovery.k8s.io", "endpointslices"),)


def _elector_rules(settings: Settings) -> Rules:
    """Leases of other namespaces keep nodes and the control plane alive, so none of them is touched."""
    verbs = ("get", "list", "watch", "create", "update", "patch", "delete")
    namespace = str(settings.get("lease_namespace") or "")
    if "$" in namespace:
        namespace = ""
    return (rule("coordination.k8s.io", "leases", verbs, namespace=namespace),)


def _older_balancing_rules(settings: Settings) -> Rules:
    """The name before 0.153 may be that of a version that still watches Endpoints. Source: resolver_k8s.go."""
    slices = _balancing_rules(settings)
    return (*slices, rule("core", "endpoints")) if slices else ()


EXPORTERS = (
    Component(("load_balancing",), rules=_balancing_rules),
    Component(("loadbalancing",), rules=_older_balancing_rules),
)

EXTENSIONS = (
    Component(("health_check",), health=True),
    Component(("file_storage",), state=_storage_directory),
    Component(
        ("k8s_leader_elector",),
        rules=_elector_rules,
    ),
    Component(
        ("k8s_observer",),
        rules=lambda _settings: (rule("core", "nodes pods services"), rule("networking.k8s.io", "ingresses")),
        variables=lambda _settings: ("K8S_NODE_NAME",),
    ),
)


_CLASSES = {"receivers": RECEIVERS, "processors": PROCESSORS, "exporters": EXPORTERS, "extensions": EXTENSIONS}
COMPONENTS = {(role, name): row for role, rows in _CLASSES.items() for row in rows for name in row.types}


def component(role: str, kind: str) -> Component | None:
    """Return the row of a component type in a section such as `receivers`; None when it needs nothing."""
    return COMPONENTS.get((role, kind))
