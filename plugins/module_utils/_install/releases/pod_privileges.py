# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pods of a workload may do on their nodes, beyond what a pod has by itself. Private.

`object_privileges.py` lists the privileges of a release, and takes those of its pods from here. For example, the pod
template

    spec: {hostNetwork: true, containers: [{name: a, securityContext: {privileged: true}}]}

has `hostNetwork` (pod with hostNetwork) and `privileged` (container a with privileged). What is a privilege follows
Kubernetes' documentation, "Pod Security Standards", profile Baseline.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

from ..._kube.namespaced_name import NamespacedName
from ..._otelcol.kube.objects import Manifest
from .unchecked_values import iter_mappings, list_or_empty, mapping_or_empty

# Keys of a volume that reaches neither the node nor a store of others.
_HARMLESS_VOLUMES = {"name", "secret", "configMap", "emptyDir", "projected", "downwardAPI"}
# Values that give a pod no rights on the node. Source: Kubernetes' documentation, Pod Security Standards, Baseline.
_SELINUX_TYPES = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_SAFE_SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
)
# The fields of a container with probes, which may call a host.
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
# Annotations of a pod begin with this, and the name of a container follows.
_APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


class PodPrivilege(NamedTuple):
    """A privilege of a pod."""

    value: str
    """Such as `hostNetwork`."""
    description: str
    """Such as `pod with hostNetwork`."""


def iter_template_privileges(manifest: Manifest, service_accounts: Container[NamespacedName]) -> Iterator[PodPrivilege]:
    """Yield the privileges of the pods that a workload makes; none for any other object."""
    template = mapping_or_empty(mapping_or_empty(manifest.get("spec")).get("template"))
    namespace = mapping_or_empty(manifest["metadata"]).get("namespace") or ""
    yield from _iter_pod_privileges(mapping_or_empty(template.get("spec")), namespace, service_accounts)
    metadata = mapping_or_empty(template.get("metadata"))
    yield from _iter_annotation_privileges(mapping_or_empty(metadata.get("annotations")))


def _iter_pod_privileges(
    pod: Mapping[str, Any], namespace: str, service_accounts: Container[NamespacedName]
) -> Iterator[PodPrivilege]:
    """Yield the settings of a pod and its containers that give it more than a pod has by itself."""
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield PodPrivilege(name, f"pod with {name}")
    account = str(pod.get("serviceAccountName") or pod.get("serviceAccount") or "")
    if account and NamespacedName(namespace, account) not in service_accounts:
        description = f"pod with the ServiceAccount {account}, which is not in the release"
        yield PodPrivilege(f"service account {account}", description)
    yield from _iter_volume_privileges(pod)
    for value in _iter_security_settings(pod):
        yield PodPrivilege(value, f"pod with {value}")
    for container in _iter_containers(pod):
        for value in _iter_container_privileges(container):
            yield PodPrivilege(value, f"container {container.get('name')} with {value}")


def _iter_containers(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield all containers of a pod, those of its start first."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from iter_mappings(pod.get(field))


def _iter_annotation_privileges(annotations: Mapping[str, Any]) -> Iterator[PodPrivilege]:
    """Yield the containers that an annotation of the pod takes out of AppArmor."""
    for name, profile in annotations.items():
        if str(name).startswith(_APP_ARMOR_ANNOTATION) and not _is_confined(str(profile)):
            container = str(name).removeprefix(_APP_ARMOR_ANNOTATION)
            value = f"appArmorProfile {profile}"
            yield PodPrivilege(value, f"container {container} with {value}")


def _is_confined(profile: str) -> bool:
    """Return whether a profile of AppArmor limits a container."""
    return profile in ("", "runtime/default") or profile.startswith("localhost/")


def _iter_volume_privileges(pod: Mapping[str, Any]) -> Iterator[PodPrivilege]:
    """Yield the volumes of a pod that reach the node or a store of others."""
    for volume in iter_mappings(pod.get("volumes")):
        for kind in sorted(set(volume) - _HARMLESS_VOLUMES):
            volume_name = kind
            if kind == "hostPath":
                volume_name = f"{kind} {mapping_or_empty(volume[kind]).get('path')}"
            yield PodPrivilege(f"volume {volume_name}", f"pod with a volume {volume_name}")


def _iter_container_privileges(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings of a container that reach beyond its pod: its security, and the hosts that are called."""
    yield from _iter_security_settings(container)
    for port in iter_mappings(container.get("ports")):
        if port.get("hostPort"):
            yield f"hostPort {port['hostPort']}"
    callers = {name: container.get(name) for name in _PROBES} | dict(mapping_or_empty(container.get("lifecycle")))
    for name, caller in callers.items():
        for handler_type in ("httpGet", "tcpSocket"):
            host = mapping_or_empty(mapping_or_empty(caller).get(handler_type)).get("host")
            if host:
                yield f"{name} of host {host}"


def _iter_security_settings(pod_or_container: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rights that the security context of a pod or container gives."""
    context = mapping_or_empty(pod_or_container.get("securityContext"))
    if context.get("privileged"):
        yield "privileged"
    if context.get("allowPrivilegeEscalation"):
        yield "allowPrivilegeEscalation"
    if mapping_or_empty(context.get("windowsOptions")).get("hostProcess"):
        yield "hostProcess"
    if context.get("runAsUser") == 0 or context.get("runAsNonRoot") is False:
        yield "the user root"
    if context.get("procMount") not in (None, "Default"):
        yield f"procMount {context['procMount']}"
    for profile in ("seccompProfile", "appArmorProfile"):
        if mapping_or_empty(context.get(profile)).get("type") == "Unconfined":
            yield f"{profile} Unconfined"
    yield from _iter_kernel_settings(context)
    for capability in list_or_empty(mapping_or_empty(context.get("capabilities")).get("add")):
        yield f"capability {capability}"


def _iter_kernel_settings(context: Mapping[str, Any]) -> Iterator[str]:
    """Yield the labels of SELinux and the settings of the kernel that the Pod Security Standards do not allow."""
    labels = mapping_or_empty(context.get("seLinuxOptions"))
    # Any user and any role, since Baseline allows none. Of types it allows some.
    for option in ("user", "role"):
        if labels.get(option):
            yield f"SELinux {option} {labels[option]}"
    if labels.get("type") and labels["type"] not in _SELINUX_TYPES:
        yield f"SELinux type {labels['type']}"
    for setting in iter_mappings(context.get("sysctls")):
        if setting.get("name") not in _SAFE_SYSCTLS:
            yield f"sysctl {setting.get('name')}"
