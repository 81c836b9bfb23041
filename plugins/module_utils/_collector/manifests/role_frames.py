# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of each role and each binding that gives a ServiceAccount of a collector its rights. Private.

`collector_roles.py` fills it for the collector, `target_allocator.py` for the allocator. Example: the binding of the
ClusterRole `otel.gateway` to the account `gateway` of collector `gateway` in namespace `otel` has

    {roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: otel.gateway},
     subjects: [{kind: ServiceAccount, name: gateway, namespace: otel}]}
"""

from __future__ import annotations

from ..._otelcol.needs.component_needs import Rules
from .build import CollectorBuild, Manifest, frame_manifest

_RBAC_GROUP = "rbac.authorization.k8s.io"
_RBAC = f"{_RBAC_GROUP}/v1"


def frame_role(build: CollectorBuild, name: str, rules: Rules, namespace: str = "") -> Manifest:
    """Return a role of the cluster, or of a namespace when one is given."""
    kind = "Role" if namespace else "ClusterRole"
    return _set_namespace(frame_manifest(build, _RBAC, kind, name=name, namespaced=False, rules=list(rules)), namespace)


def frame_role_binding(build: CollectorBuild, name: str, account: str, namespace: str = "") -> Manifest:
    """Return the binding of a role, of the cluster or of a namespace, to an account beside the collector."""
    kind = "Role" if namespace else "ClusterRole"
    subject = {"kind": "ServiceAccount", "name": account, "namespace": build.collector.namespace}
    reference = {"apiGroup": _RBAC_GROUP, "kind": kind, "name": name}
    role_binding = frame_manifest(
        build, _RBAC, f"{kind}Binding", name=name, namespaced=False, roleRef=reference, subjects=[subject]
    )
    return _set_namespace(role_binding, namespace)


def _set_namespace(manifest: Manifest, namespace: str) -> Manifest:
    """Return an object in a namespace; an empty namespace changes nothing."""
    if not namespace:
        return manifest
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
