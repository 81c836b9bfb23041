# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ServiceAccount, and the permissions that the config needs. Private."""

from __future__ import annotations

from .. import names
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
    if not build.needs.rules:
        return None
    return frame(build, _RBAC, "ClusterRole", name=_name(build), namespaced=False, rules=list(build.needs.rules))


def cluster_role_binding(build: Build) -> Manifest | None:
    """Return the binding of the ClusterRole to the ServiceAccount."""
    if not build.needs.rules:
        return None
    collector = build.collector
    subject = {"kind": "ServiceAccount", "name": collector.service_account_name, "namespace": collector.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _name(build)}
    return frame(
        build, _RBAC, "ClusterRoleBinding", name=_name(build), namespaced=False, roleRef=role, subjects=[subject]
    )


def _name(build: Build) -> str:
    return names.cluster_wide(build.collector.namespace, build.collector.name)
