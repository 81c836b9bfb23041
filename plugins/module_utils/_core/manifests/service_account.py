# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ServiceAccount, and the permissions that the config needs. Private."""

from __future__ import annotations

from ..collector import names
from ..needs.components.row import Rules
from . import permissions
from .build import Build, Manifest, frame, present

_RBAC = "rbac.authorization.k8s.io/v1"


def service_account(build: Build) -> Manifest:
    """Return the ServiceAccount of the pods. Collectors may share one: it has no label that tells them apart."""
    collector = build.collector
    metadata: dict[str, object] = {
        "name": collector.service_account_name,
        "namespace": collector.namespace,
        "labels": {
            "app.kubernetes.io/name": "opentelemetry-collector",
            "app.kubernetes.io/managed-by": names.MANAGED_BY,
        },
    }
    if collector.service_account_annotations:
        metadata["annotations"] = dict(collector.service_account_annotations)
    # A custom resource has no place for them; pods take those of their account.
    secrets = collector.image_pull_secrets if collector.backend == "operator" else []
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    return {**account, **present(imagePullSecrets=[{"name": name} for name in secrets])}


def cluster_role(build: Build) -> Manifest | None:
    """Return the ClusterRole that holds exactly the derived rules, or nothing when there are none."""
    rules = permissions.of_collector(build)
    return role(build, _name(build), rules) if rules else None


def cluster_role_binding(build: Build) -> Manifest | None:
    """Return the binding of the ClusterRole to the ServiceAccount."""
    if not permissions.of_collector(build):
        return None
    return binding(build, _name(build), build.collector.service_account_name)


def role(build: Build, name: str, rules: Rules, namespace: str = "") -> Manifest:
    """Return a role of the cluster, or of a namespace when one is given."""
    kind = "Role" if namespace else "ClusterRole"
    return _placed(frame(build, _RBAC, kind, name=name, namespaced=False, rules=list(rules)), namespace)


def binding(build: Build, name: str, account: str, namespace: str = "") -> Manifest:
    """Return the binding of a role, of the cluster or of a namespace, to an account beside the collector."""
    kind = "Role" if namespace else "ClusterRole"
    subject = {"kind": "ServiceAccount", "name": account, "namespace": build.collector.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
    made = frame(build, _RBAC, f"{kind}Binding", name=name, namespaced=False, roleRef=reference, subjects=[subject])
    return _placed(made, namespace)


def _placed(manifest: Manifest, namespace: str) -> Manifest:
    if namespace:
        manifest["metadata"]["namespace"] = namespace
    return manifest


def _name(build: Build) -> str:
    return names.cluster_wide(build.collector.namespace, build.collector.name)
