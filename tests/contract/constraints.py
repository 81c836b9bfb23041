# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an OpenShift cluster would say of a pod under SecurityContextConstraints.

A player of its admission, after OpenShift's documentation "Managing security context constraints": the fields that a
pod's own wishes are held against, and not the choice among several constraints.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

# What every ServiceAccount may use. Source: the same page, "Default security context constraints".
RESTRICTED_V2: Json = {
    "metadata": {"name": "restricted-v2"},
    "allowHostDirVolumePlugin": False,
    "allowHostIPC": False,
    "allowHostNetwork": False,
    "allowHostPID": False,
    "allowHostPorts": False,
    "allowPrivilegeEscalation": False,
    "allowPrivilegedContainer": False,
    "allowedCapabilities": ["NET_BIND_SERVICE"],
    "readOnlyRootFilesystem": False,
    "requiredDropCapabilities": ["ALL"],
    "runAsUser": {"type": "MustRunAsRange"},
    "fsGroup": {"type": "MustRunAs"},
    "supplementalGroups": {"type": "RunAsAny"},
    "seLinuxContext": {"type": "MustRunAs"},
    "seccompProfiles": ["runtime/default"],
    "volumes": [
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
    ],
}
# The volume that Kubernetes adds with the token of the ServiceAccount.
TOKEN = {"name": "kube-api-access", "projected": {}}


def refusals(constraints: Json, workload: Json) -> list[str]:
    """Return all that these constraints have against the pods of a workload."""
    spec = workload["spec"]["template"]["spec"]
    claims = workload["spec"].get("volumeClaimTemplates", [])
    container = spec["containers"][0]
    return [
        *_volumes(constraints, [*spec["volumes"], TOKEN, *({"name": "", "persistentVolumeClaim": {}} for _ in claims)]),
        *_host(constraints, spec, container),
        *_identity(constraints, spec.get("securityContext", {})),
        *_container(constraints, container["securityContext"]),
    ]


def _volumes(constraints: Json, volumes: list[Json]) -> Iterator[str]:
    kinds = {key for volume in volumes for key in volume if key != "name"}
    yield from (f"volume {kind}" for kind in sorted(kinds - set(constraints["volumes"])))
    if "hostPath" in kinds and not constraints["allowHostDirVolumePlugin"]:
        yield "host path"


def _host(constraints: Json, spec: Json, container: Json) -> Iterator[str]:
    in_network = bool(spec.get("hostNetwork"))
    if in_network and not constraints["allowHostNetwork"]:
        yield "host network"
    opened = any("hostPort" in port or in_network for port in container["ports"])
    if opened and not constraints["allowHostPorts"]:
        yield "host port"


def _identity(constraints: Json, security: Json) -> Iterator[str]:
    user = security.get("runAsUser")
    if user is not None and constraints["runAsUser"] != {"type": "MustRunAs", "uid": user}:
        yield f"user {user}"
    group = security.get("fsGroup")
    if group is not None and not _is_group_allowed(constraints, group):
        yield f"group {group}"
    options = security.get("seLinuxOptions")
    if options is not None and constraints["seLinuxContext"].get("seLinuxOptions") != options:
        yield "SELinux options"
    if not _is_profile_allowed(constraints, security.get("seccompProfile") or {}):
        yield "seccomp profile"


def _is_group_allowed(constraints: Json, group: int) -> bool:
    """Whether a group is in a range of the constraints."""
    return any(item["min"] <= group <= item["max"] for item in constraints["fsGroup"].get("ranges", []))


def _is_profile_allowed(constraints: Json, profile: Json) -> bool:
    return profile.get("type") == "RuntimeDefault" and "runtime/default" in constraints["seccompProfiles"]


def _container(constraints: Json, security: Json) -> Iterator[str]:
    if constraints["readOnlyRootFilesystem"] and security.get("readOnlyRootFilesystem") is not True:
        yield "root file system"
    if security.get("allowPrivilegeEscalation") is not False and not constraints["allowPrivilegeEscalation"]:
        yield "privilege escalation"
    if security.get("privileged") and not constraints["allowPrivilegedContainer"]:
        yield "privileged"
    if set(constraints["requiredDropCapabilities"]) - set(security.get("capabilities", {}).get("drop", [])):
        yield "capabilities"
