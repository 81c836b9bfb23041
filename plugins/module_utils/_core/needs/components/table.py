# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each component needs from its surroundings: the table, and its rows that listen to nothing. Private.

Sources: the README of each component in opentelemetry-collector and -contrib 0.158, sections "RBAC" and
"Configuration". Private.
"""

from __future__ import annotations

from ...config.paths import at, items
from .receivers import RECEIVERS
from .row import Component, Rules, Settings, rule

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
    metadata = items(settings, "extract", "metadata") or ["k8s.deployment.name"]
    owners = [owned for prefix, owned in _OWNERS.items() if any(str(name).startswith(prefix) for name in metadata)]
    sources = {
        str(at(item, ("from",))) for key in ("labels", "annotations") for item in items(settings, "extract", key)
    }
    return (
        rule("core", "namespaces pods"),
        *owners,
        *(granted for key, granted in _LABELLED.items() if key in sources),
    )


def _detector_rules(settings: Settings) -> Rules:
    return tuple(granted for name in items(settings, "detectors") for granted in _DETECTORS.get(str(name), ()))


def _detector_variables(settings: Settings) -> tuple[str, ...]:
    """Detectors that ask for their own node read its name from this variable, and some do not start without it."""
    asks = {"eks", "k8snode", "k8s_api"}.intersection(map(str, items(settings, "detectors")))
    return ("K8S_NODE_NAME",) if asks else ()


def _storage_directory(settings: Settings) -> tuple[str, ...]:
    return (str(settings.get("directory") or "/var/lib/otelcol/file_storage"),)


PROCESSORS = (
    Component(("k8s_attributes", "k8sattributes"), rules=_k8s_attributes_rules),
    Component(("resource_detection", "resourcedetection"), rules=_detector_rules, variables=_detector_variables),
)


def _balancing_rules(settings: Settings) -> Rules:
    """The resolver `k8s` watches the pods behind a Service."""
    return (rule("discovery.k8s.io", "endpointslices"),) if at(settings, ("resolver", "k8s")) is not None else ()


def _elector_rules(settings: Settings) -> Rules:
    """Leases of other namespaces keep nodes and the control plane alive, so none of them is touched."""
    verbs = ("get", "list", "watch", "create", "update", "patch", "delete")
    namespace = str(settings.get("lease_namespace") or "")
    return (rule("coordination.k8s.io", "leases", verbs, namespace="" if "$" in namespace else namespace),)


EXPORTERS = (Component(("load_balancing", "loadbalancing"), rules=_balancing_rules),)

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

__all__ = ["COMPONENTS", "Component", "Rules", "component"]


def component(role: str, kind: str) -> Component | None:
    """Return the row of a component type in a section such as `receivers`; None when it needs nothing."""
    return COMPONENTS.get((role, kind))
