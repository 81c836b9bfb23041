# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each type of component needs in Kubernetes: a table, and the functions of its rows. Private.

Receiver file_log with `include: [/var/log/pods/*/*/*.log]` needs the path `/var/log/pods` of the node, and root.
Receiver k8s_cluster needs to read nodes, pods and others. derive_needs.py asks the table for the components of a
config, and components_with_needs.py finds their rows. component_needs.py says what a row has.

Sources: the README and metadata.yaml of each component in opentelemetry-collector and -contrib 0.158, sections "RBAC",
"Permissions" and "Configuration".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..config.paths import list_at, mapping_at, mappings_at, value_at
from .component_needs import READ_VERBS, ComponentNeeds, HostPath, Rules, Settings, make_rule

_POD_LOGS = "/var/log/pods"
_JOURNAL = "/var/log/journal"
# The folder with the token of the ServiceAccount.
_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount/"
# Where Prometheus asks for metrics by default.
_METRICS_PATH = "/metrics"
# What the API server of EKS passes on. Source: EKS User Guide, "Fetch control plane raw metrics in Prometheus format".
_PASSED_ON_PATH = re.compile(r"/apis/metrics\.eks\.amazonaws\.com/v1/(ksh|kcm)/container/metrics\Z")
_PROXIED_PATH = re.compile(r"/api/v1/nodes/[^/]+/proxy/")


def _file_log_host_paths(settings: Settings) -> tuple[HostPath, ...]:
    reads_pods = any(str(glob).startswith(_POD_LOGS) for glob in list_at(settings, "include"))
    return (HostPath(_POD_LOGS, _POD_LOGS),) if reads_pods else ()


def _host_metrics_host_paths(settings: Settings) -> tuple[HostPath, ...]:
    """The receiver reads the file system of the node where `root_path` says that it is mounted."""
    root = settings.get("root_path")
    return (HostPath("/", str(root)),) if root else ()


def _journal_host_paths(settings: Settings) -> tuple[HostPath, ...]:
    directory = str(settings.get("directory") or _JOURNAL)
    return (HostPath(directory, directory),)


def _kubelet_stats_rules(settings: Settings) -> Rules:
    """The kubelet's list of pods has a resource of its own since Kubernetes 1.33 (KEP-2862), on by default."""
    claim_rule = make_rule("core", "persistentvolumeclaims persistentvolumes", ("get",))
    stats_rule = make_rule("core", "nodes/stats nodes/pods" if _reads_pod_specs(settings) else "nodes/stats", ("get",))
    return (stats_rule, claim_rule) if settings.get("k8s_api_config") else (stats_rule,)


def _older_kubelet_stats_rules(settings: Settings) -> Rules:
    return (make_rule("core", "nodes/proxy", ("get",)),) if _reads_pod_specs(settings) else ()


def _reads_pod_specs(settings: Settings) -> bool:
    """Whether the receiver reads the specs of the pods for its metadata or metrics."""
    metrics = mapping_at(settings, "metrics")
    utilization_metrics = [
        name for name in metrics if str(name).endswith("_utilization") and value_at(metrics, (name, "enabled"))
    ]
    return bool(settings.get("extra_metadata_labels") or utilization_metrics)


def _k8s_cluster_rules(settings: Settings) -> Rules:
    rules = [
        make_rule(
            "core",
            "events namespaces namespaces/status nodes nodes/spec persistentvolumeclaims persistentvolumes "
            "pods pods/status replicationcontrollers replicationcontrollers/status resourcequotas services",
        ),
        make_rule("apps", "daemonsets deployments replicasets statefulsets"),
        make_rule("batch", "cronjobs jobs"),
        make_rule("autoscaling", "horizontalpodautoscalers"),
    ]
    if settings.get("distribution") == "openshift":
        rules.append(make_rule("quota.openshift.io", "clusterresourcequotas"))
    return tuple(rules)


def _k8s_objects_rules(settings: Settings) -> Rules:
    """The receiver lists the objects of each resource that it names, and watches those of some."""
    rules = []
    for watched_object in mappings_at(settings, "objects"):
        if watched_object.get("name"):
            verbs = ("get", "watch", "list") if watched_object.get("mode") == "watch" else ("get", "list")
            rules.append(make_rule(str(watched_object.get("group") or "core"), str(watched_object["name"]), verbs))
    return tuple(rules)


def _prometheus_rules(settings: Settings) -> Rules:
    """Service discovery reads what its roles name; metrics of the API server need a non-resource URL."""
    discovery_rules = list_discovery_rules(settings)
    relay_rules = rules_through_api(settings)
    rules = [*discovery_rules, *relay_rules, *control_plane_rules(settings)]
    if discovery_rules or relay_rules or _METRICS_PATH in _find_paths_with_token(settings):
        rules.append({"nonResourceURLs": [_METRICS_PATH], "verbs": ["get"]})
    return tuple(rules)


def list_discovery_rules(settings: Settings) -> Rules:
    """Return the rights to read what the jobs of receiver `prometheus` discover targets by."""
    roles = sorted(_find_discovery_roles(settings) & _RULE_BY_DISCOVERY_ROLE.keys())
    return tuple(_RULE_BY_DISCOVERY_ROLE[role] for role in roles)


def control_plane_rules(settings: Settings) -> Rules:
    """Return the right to scrape the control plane of EKS, whose API server passes requests of some paths on."""
    resources = _find_passed_on_resources(_find_paths_with_token(settings))
    return (make_rule("metrics.eks.amazonaws.com", " ".join(resources), ("get",)),) if resources else ()


def _find_passed_on_resources(paths: Iterable[str]) -> list[str]:
    """Return the resources of the paths that the API server of EKS passes on to the control plane."""
    resources = set()
    for path in paths:
        match = _PASSED_ON_PATH.match(path)
        if match:
            resources.add(f"{match[1]}/metrics")
    return sorted(resources)


def _find_paths_with_token(settings: Settings) -> Iterator[str]:
    """Yield the paths of jobs that show the token of the ServiceAccount."""
    for job in mappings_at(settings, "config", "scrape_configs"):
        token_file = value_at(job, ("authorization", "credentials_file")) or job.get("bearer_token_file")
        if str(token_file).startswith(_ACCOUNT_FOLDER):
            yield str(job.get("metrics_path") or _METRICS_PATH)


def rules_through_api(settings: Settings) -> Rules:
    """Return the right to ask kubelets through the API server, where a job relabels its path to lead there."""
    for job in list_at(settings, "config", "scrape_configs"):
        for step in mappings_at(job, "relabel_configs"):
            is_path = step.get("target_label") == "__metrics_path__"
            if is_path and _PROXIED_PATH.match(str(step.get("replacement"))):
                return (make_rule("core", "nodes/proxy", ("get",)),)
    return ()


def _find_discovery_roles(settings: Settings) -> set[str]:
    """Return the roles by which jobs discover targets in Kubernetes."""
    roles = set()
    for job in list_at(settings, "config", "scrape_configs"):
        for discovery in mappings_at(job, "kubernetes_sd_configs"):
            roles.add(str(discovery.get("role")))
    return roles


# Source: Prometheus documentation, kubernetes_sd_config.
_RULE_BY_DISCOVERY_ROLE = {
    "node": make_rule("core", "nodes nodes/metrics"),
    "pod": make_rule("core", "pods"),
    "service": make_rule("core", "services"),
    "endpoints": make_rule("core", "endpoints pods services"),
    "endpointslice": make_rule("core discovery.k8s.io", "endpointslices pods services"),
    "ingress": make_rule("networking.k8s.io", "ingresses"),
}

RECEIVERS = (
    ComponentNeeds(
        ("file_log", "filelog"),
        list_host_paths=_file_log_host_paths,
        needs_root=lambda settings: bool(_file_log_host_paths(settings)),
    ),
    ComponentNeeds(("journald",), list_host_paths=_journal_host_paths, needs_root=lambda _settings: True),
    ComponentNeeds(("host_metrics", "hostmetrics"), list_host_paths=_host_metrics_host_paths),
    ComponentNeeds(
        ("kubelet_stats", "kubeletstats"), list_rules=_kubelet_stats_rules, list_older_rules=_older_kubelet_stats_rules
    ),
    ComponentNeeds(("k8s_cluster",), list_rules=_k8s_cluster_rules),
    ComponentNeeds(
        ("k8s_events",),
        list_rules=lambda _settings: (make_rule("core", "events namespaces"), make_rule("events.k8s.io", "events")),
    ),
    ComponentNeeds(("k8s_objects", "k8sobjects"), list_rules=_k8s_objects_rules),
    ComponentNeeds(("prometheus",), list_rules=_prometheus_rules),
    ComponentNeeds(("awscontainerinsightreceiver",), asks_api=True),
    ComponentNeeds(("receiver_creator",), list_rules=lambda _settings: (make_rule("core", "pods", READ_VERBS),)),
)


# k8s_attributes reads an owner only when one of these attributes is extracted: prefix of the attribute → rule.
_RULE_BY_OWNER_PREFIX = {
    "k8s.deployment.": make_rule("apps", "replicasets"),
    "k8s.replicaset.": make_rule("apps", "replicasets"),
    "k8s.statefulset.": make_rule("apps", "statefulsets"),
    "k8s.daemonset.": make_rule("apps", "daemonsets"),
    "k8s.job.": make_rule("batch", "jobs"),
    "k8s.cronjob.": make_rule("batch", "jobs"),
    "k8s.node.": make_rule("core", "nodes"),
    "service.name": make_rule("apps", "replicasets"),
}

# The same for labels and annotations: the `from` of one → rule; pods and namespaces are read anyway.
_RULE_BY_LABEL_ORIGIN = {
    "node": make_rule("core", "nodes"),
    "deployment": make_rule("apps", "deployments replicasets"),
    "statefulset": make_rule("apps", "statefulsets"),
    "daemonset": make_rule("apps", "daemonsets"),
    "job": make_rule("batch", "jobs"),
}

_KUBE_SYSTEM = make_rule("core", "namespaces", ("get",), name="kube-system")
_RULES_BY_DETECTOR: dict[str, Rules] = {
    "eks": (make_rule("core", "nodes", ("get",)),),
    "k8snode": (make_rule("core", "nodes", ("get", "list")),),
    "k8s_api": (make_rule("core", "nodes", ("get", "list")), _KUBE_SYSTEM),
    "kubeadm": (make_rule("core", "configmaps", ("get",), name="kubeadm-config"), _KUBE_SYSTEM),
    "openshift": (make_rule("config.openshift.io", "infrastructures infrastructures/status"),),
}


def _k8s_attributes_rules(settings: Settings) -> Rules:
    """Without `extract.metadata` the processor extracts its defaults, which include the Deployment's name."""
    if settings.get("passthrough") is True:
        return ()
    pod_rule = make_rule("core", "namespaces pods")
    return (pod_rule, *_list_owner_rules(settings), *_list_label_rules(settings))


def _list_owner_rules(settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the rights to read the owners of pods, of which attributes are extracted."""
    metadata = list_at(settings, "extract", "metadata") or ["k8s.deployment.name"]
    for prefix, owner_rule in _RULE_BY_OWNER_PREFIX.items():
        if any(str(name).startswith(prefix) for name in metadata):
            yield owner_rule


def _list_label_rules(settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the rights to read the objects of which labels and annotations are extracted."""
    extracted_values = (*list_at(settings, "extract", "labels"), *list_at(settings, "extract", "annotations"))
    origins = {str(value_at(extracted, ("from",))) for extracted in extracted_values}
    for origin, label_rule in _RULE_BY_LABEL_ORIGIN.items():
        if origin in origins:
            yield label_rule


def _detector_rules(settings: Settings) -> Rules:
    rules: list[dict[str, Any]] = []
    for name in list_at(settings, "detectors"):
        rules += _RULES_BY_DETECTOR.get(str(name), ())
    return tuple(rules)


def _node_variables(settings: Settings) -> tuple[str, ...]:
    """Detectors that ask for their own node, and a filter by node, read its name; some do not start without it."""
    detectors = {str(name) for name in list_at(settings, "detectors")}
    if detectors & {"eks", "k8snode", "k8s_api"}:
        return ("K8S_NODE_NAME",)
    variable_name = value_at(settings, ("filter", "node_from_env_var"))
    return (variable_name,) if variable_name and isinstance(variable_name, str) else ()


def _storage_directory(settings: Settings) -> tuple[str, ...]:
    return (str(settings.get("directory") or "/var/lib/otelcol/file_storage"),)


PROCESSORS = (
    ComponentNeeds(
        ("k8s_attributes", "k8sattributes"), list_rules=_k8s_attributes_rules, list_variables=_node_variables
    ),
    ComponentNeeds(
        ("resource_detection", "resourcedetection"), list_rules=_detector_rules, list_variables=_node_variables
    ),
)


def _balancing_rules(settings: Settings) -> Rules:
    """The resolver `k8s` watches the pods behind a Service."""
    if value_at(settings, ("resolver", "k8s")) is None:
        return ()
    return (make_rule("discovery.k8s.io", "endpointslices"),)


def _elector_rules(settings: Settings) -> Rules:
    """Leases of other namespaces keep nodes and the control plane alive, so none of them is touched."""
    verbs = ("get", "list", "watch", "create", "update", "patch", "delete")
    namespace = str(settings.get("lease_namespace") or "")
    if "$" in namespace:
        namespace = ""
    return (make_rule("coordination.k8s.io", "leases", verbs, namespace=namespace),)


def _older_balancing_rules(settings: Settings) -> Rules:
    """The name before 0.153 may be that of a version that still watches Endpoints. Source: resolver_k8s.go."""
    slice_rules = _balancing_rules(settings)
    return (*slice_rules, make_rule("core", "endpoints")) if slice_rules else ()


EXPORTERS = (
    ComponentNeeds(("load_balancing",), list_rules=_balancing_rules),
    ComponentNeeds(("loadbalancing",), list_rules=_older_balancing_rules),
)

EXTENSIONS = (
    ComponentNeeds(("health_check",), serves_health=True),
    ComponentNeeds(("file_storage",), list_state_directories=_storage_directory),
    ComponentNeeds(
        ("k8s_leader_elector",),
        list_rules=_elector_rules,
    ),
    ComponentNeeds(
        ("k8s_observer",),
        list_rules=lambda _settings: (
            make_rule("core", "nodes pods services"),
            make_rule("networking.k8s.io", "ingresses"),
        ),
        list_variables=lambda _settings: ("K8S_NODE_NAME",),
    ),
)


_NEEDS_BY_SECTION = {"receivers": RECEIVERS, "processors": PROCESSORS, "exporters": EXPORTERS, "extensions": EXTENSIONS}


def _map_needs() -> dict[tuple[str, str], ComponentNeeds]:
    """Return the needs of each type by its section and each of its names."""
    needs_by_type = {}
    for section_name, all_needs in _NEEDS_BY_SECTION.items():
        for needs in all_needs:
            for type_name in needs.type_names:
                needs_by_type[section_name, type_name] = needs
    return needs_by_type


COMPONENTS = _map_needs()
"""The needs of each type, by section and name, such as `("receivers", "file_log")`."""


def find_component_needs(section_name: str, component_type: str) -> ComponentNeeds | None:
    """Return what a component type in a section such as `receivers` needs; None when it needs nothing."""
    return COMPONENTS.get((section_name, component_type))
