# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builders of Kubernetes objects. API version and scope follow from the kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

CERTIFICATES, COLLECTORS = "cert-manager.io/v1", "opentelemetry.io/v1beta1"
ADMISSION, RBAC = "admissionregistration.k8s.io/v1", "rbac.authorization.k8s.io/v1"
VERSIONS = {
    **dict.fromkeys(("Deployment", "DaemonSet", "ReplicaSet"), "apps/v1"),
    **dict.fromkeys(("Job", "CronJob"), "batch/v1"),
    **dict.fromkeys(("RoleBinding", "ClusterRole", "ClusterRoleBinding"), RBAC),
    **dict.fromkeys(("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"), ADMISSION),
    **dict.fromkeys(("Issuer", "Certificate", "CertificateRequest"), CERTIFICATES),
    **{"OpenTelemetryCollector": COLLECTORS, "Instrumentation": "opentelemetry.io/v1alpha1"},
    **{"CustomResourceDefinition": "apiextensions.k8s.io/v1", "HorizontalPodAutoscaler": "autoscaling/v2"},
    **{"EndpointSlice": "discovery.k8s.io/v1", "SecurityContextConstraints": "security.openshift.io/v1"},
}
CLUSTER_SCOPED = (
    *(
        "Namespace",
        "Node",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "SecurityContextConstraints",
    ),
    *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)


def obj(kind: str, name: str = "a", namespace: str = "ns", api: str = "", labels: Any = None, **more: Any) -> Any:
    """Return an object with the label app=a; `metadata` adds to its metadata."""
    place = {} if kind in CLUSTER_SCOPED or not namespace else {"namespace": namespace}
    labels = {"app": "a"} if labels is None else labels
    metadata = {"name": name, "labels": labels, **place, **more.pop("metadata", {})}
    return {"apiVersion": api or VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, **more}


def definition(kind: str, api: str, labels: Any = None) -> Any:
    """Return the definition of a namespaced kind in one version."""
    (group, version), plural = api.split("/"), f"{kind.lower()}s"
    spec = {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural}}
    versions = [{"name": version, "served": True}]
    return obj("CustomResourceDefinition", f"{plural}.{group}", labels=labels, spec={**spec, "versions": versions})


def owned_by(owner: str, **metadata: Any) -> dict[str, Any]:
    """Return metadata of an object that another one has made."""
    return {"ownerReferences": [{"uid": owner}], **metadata}


def answered(status: int, data: bytes) -> Any:
    """Return an answer of urllib3 whose body is not read yet."""
    return SimpleNamespace(
        status=status,
        headers={},
        stream=lambda _size, **_more: iter([data]),
        close=lambda: None,
        release_conn=lambda: None,
    )
