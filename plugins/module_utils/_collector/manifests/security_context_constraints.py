# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SecurityContextConstraints that the pods of a collector need on OpenShift. Private.

Constraints are derived like permissions, from volumes, ports, user and SELinux type of the pod; a pod that needs none
gets none. Rendering asks no cluster: `bundle_apply` reports when cluster and platform do not fit.
"""

from __future__ import annotations

from typing import Any

from ..._kube import object_names
from ..._otelcol.needs.component_needs import Rules, make_rule
from .build import CollectorBuild, Manifest, frame_manifest
from .pod_security import SELINUX_LEVEL, render_pod_security
from .pod_volumes import list_volumes
from .workload import list_volume_claims

GROUP = "security.openshift.io"
KIND = "SecurityContextConstraints"
# The volumes that `restricted-v2` allows.
_RESTRICTED_VOLUME_KINDS = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
)
# Every pod has the config, and the token of its ServiceAccount.
_COMMON_VOLUME_KINDS = ("configMap", "projected")
# Volumes whose name in constraints is not that of their field. Source: FSType in security/v1/types.go.
_CONSTRAINT_VOLUME_NAMES = {"cephfs": "cephFS", "vsphereVolume": "vsphere"}


def render_constraints(build: CollectorBuild) -> Manifest | None:
    """Return constraints of the collector's own, or nothing where `restricted-v2` will do or there are none."""
    if not _needs_constraints(build):
        return None
    collector, kinds = build.collector, _list_volume_kinds(build)
    pod_context = render_pod_security(build)
    return frame_manifest(
        build,
        f"{GROUP}/v1",
        KIND,
        name=_constraints_name(build),
        namespaced=False,
        allowHostDirVolumePlugin="hostPath" in kinds,
        allowHostIPC=False,
        allowHostNetwork=collector.host_network,
        allowHostPID=False,
        allowHostPorts=_opens_node_ports(build),
        allowPrivilegeEscalation=False,
        allowPrivilegedContainer=False,
        allowedCapabilities=[],
        defaultAddCapabilities=[],
        requiredDropCapabilities=["ALL"],
        priority=0,  # nothing that others may use is preferred to, or hidden by, these
        readOnlyRootFilesystem=True,
        runAsUser=_user_range(pod_context.get("runAsUser")),
        fsGroup=_group_range(pod_context.get("fsGroup")),
        supplementalGroups={"type": "MustRunAs"},
        seLinuxContext=_selinux_context(build),
        seccompProfiles=["runtime/default"],
        volumes=sorted(kinds),
    )


def _user_range(user: int | None) -> dict[str, Any]:
    """Return the users that are allowed: the pod's own, or those of the namespace."""
    return {"type": "MustRunAsRange"} if user is None else {"type": "MustRunAs", "uid": user}


def _group_range(group: int | None) -> dict[str, Any]:
    """Return the groups of volumes that are allowed: the pod's own, or those of the namespace."""
    group_strategy: dict[str, Any] = {"type": "MustRunAs"}
    if group is not None:
        group_strategy["ranges"] = [{"min": group, "max": group}]
    return group_strategy


def constraints_rule(build: CollectorBuild) -> Rules:
    """Return the right to use these constraints, and no others."""
    if not _needs_constraints(build):
        return ()
    return (make_rule(GROUP, "securitycontextconstraints", ("use",), _constraints_name(build)),)


def _needs_constraints(build: CollectorBuild) -> bool:
    """Whether the pods ask for more than `restricted-v2`; pods with a sidecar have other owners."""
    if not build.platform.security_context_constraints or build.collector.mode == "sidecar":
        return False
    if _list_volume_kinds(build) - _RESTRICTED_VOLUME_KINDS or "runAsUser" in render_pod_security(build):
        return True
    uses_node = _opens_node_ports(build) or build.collector.host_network
    return bool(uses_node or build.collector.selinux_type)


def _list_volume_kinds(build: CollectorBuild) -> set[str]:
    """Return the kinds of volumes that the pods have, as constraints name them."""
    kinds = set(_COMMON_VOLUME_KINDS)
    for volume in list_volumes(build):
        kinds.update(key for key in volume if key != "name")
    if build.collector.mode == "statefulset" and list_volume_claims(build):
        kinds.add("persistentVolumeClaim")
    return {_CONSTRAINT_VOLUME_NAMES.get(kind, kind) for kind in kinds}


def _opens_node_ports(build: CollectorBuild) -> bool:
    """Whether ports of the node are opened: in its network Kubernetes itself says so of every port."""
    collector = build.collector
    if collector.host_network and build.needs.ports:
        return True
    return bool(build.exposed_ports and collector.uses_host_ports)


def _selinux_context(build: CollectorBuild) -> dict[str, Any]:
    """Return the context that is allowed: the one that the pods name, or the namespace's own."""
    context: dict[str, Any] = {"type": "MustRunAs"}
    selinux_type = build.collector.selinux_type
    if selinux_type:
        context["seLinuxOptions"] = {"type": selinux_type, "level": SELINUX_LEVEL}
    return context


def _constraints_name(build: CollectorBuild) -> str:
    return object_names.cluster_wide_name(build.collector.namespace, build.collector.name)
