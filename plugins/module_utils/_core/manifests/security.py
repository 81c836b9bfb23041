# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pods may do where SecurityContextConstraints decide it: exactly what the config needs, or nothing special.

Sources: SecurityContextConstraints in github.com/openshift/api security/v1, and OpenShift's documentation "Managing
security context constraints" for `restricted-v2`, which every ServiceAccount may use. Private.
"""

from __future__ import annotations

from typing import Any

from ..collector import names
from ..needs.components.row import Rules, rule
from .build import Build, Manifest, frame
from .pod import SELINUX_LEVEL, pod_security, volumes
from .workload import claims

GROUP = "security.openshift.io"
KIND = "SecurityContextConstraints"
_RESTRICTED = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
)
# The config, and the token of the ServiceAccount.
_ALWAYS = ("configMap", "projected")
# Volumes whose name in constraints is not that of their field. Source: FSType in security/v1/types.go.
_NAMES = {"cephfs": "cephFS", "vsphereVolume": "vsphere"}


def security_context_constraints(build: Build) -> Manifest | None:
    """Return constraints of the collector's own, or nothing where `restricted-v2` will do or there are none."""
    if not _needed(build):
        return None
    collector, kinds = build.collector, _volumes(build)
    security = pod_security(build)
    user, group = security.get("runAsUser"), security.get("fsGroup")
    return frame(
        build,
        f"{GROUP}/v1",
        KIND,
        name=_name(build),
        namespaced=False,
        allowHostDirVolumePlugin="hostPath" in kinds,
        allowHostIPC=False,
        allowHostNetwork=collector.host_network,
        allowHostPID=False,
        allowHostPorts=_on_node(build),
        allowPrivilegeEscalation=False,
        allowPrivilegedContainer=False,
        allowedCapabilities=[],
        defaultAddCapabilities=[],
        requiredDropCapabilities=["ALL"],
        priority=0,  # nothing that others may use is preferred to, or hidden by, these
        readOnlyRootFilesystem=True,
        # Without a user or group of the pod's own, the namespace's ranges decide.
        runAsUser={"type": "MustRunAsRange"} if user is None else {"type": "MustRunAs", "uid": user},
        fsGroup={"type": "MustRunAs"} | ({} if group is None else {"ranges": [{"min": group, "max": group}]}),
        supplementalGroups={"type": "MustRunAs"},
        seLinuxContext=_selinux(build),
        seccompProfiles=["runtime/default"],
        volumes=sorted(kinds),
    )


def use(build: Build) -> Rules:
    """Return the right to use these constraints, and no others."""
    return (rule(GROUP, "securitycontextconstraints", ("use",), _name(build)),) if _needed(build) else ()


def _needed(build: Build) -> bool:
    """Whether the pods ask for more than `restricted-v2`; those that get a sidecar are not ours."""
    if not build.place.security_context_constraints or build.collector.mode == "sidecar":
        return False
    special = _volumes(build) - _RESTRICTED
    fixed = "runAsUser" in pod_security(build)
    return bool(special or fixed or _on_node(build) or build.collector.host_network or build.collector.selinux_type)


def _volumes(build: Build) -> set[str]:
    """Return the kinds of volumes that the pods have, as constraints name them."""
    found = {key for volume in volumes(build) for key in volume if key != "name"}
    claimed = build.collector.mode == "statefulset" and claims(build)
    found |= {*_ALWAYS, *(("persistentVolumeClaim",) if claimed else ())}
    return {_NAMES.get(kind, kind) for kind in found}


def _on_node(build: Build) -> bool:
    """Whether ports of the node are opened: in its network Kubernetes itself says so of every port."""
    collector = build.collector
    return bool(build.exposed and collector.uses_host_ports) or bool(build.needs.ports and collector.host_network)


def _selinux(build: Build) -> dict[str, Any]:
    """Return the context that is allowed: the one that the pods name, or the namespace's own."""
    kind = build.collector.selinux_type
    return {"type": "MustRunAs"} | ({"seLinuxOptions": {"type": kind, "level": SELINUX_LEVEL}} if kind else {})


def _name(build: Build) -> str:
    return names.cluster_wide(build.collector.namespace, build.collector.name)
