# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes or a security standard would refuse of the pods of a workload."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .manifest_lookups import (
    WORKLOADS,
    Manifest,
    find_repeated,
    list_containers,
    list_of_kinds,
    matches_pods,
    read_pod_template,
)

Rule = Callable[[Manifest, list[Manifest]], Iterator[str]]

VOLUME_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9](-?[a-z0-9])*\Z")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
ALLOWED_VOLUMES = {"configMap", "secret", "emptyDir", "projected", "downwardAPI", "persistentVolumeClaim", "ephemeral"}


def list_pod_breaches(item: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """Yield what is wrong with the pods of an object, if it is a workload."""
    if item["kind"] in WORKLOADS:
        for rule in POD_RULES:
            yield from rule(item, manifests)


def list_selector_breaches(workload: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """A workload selects its own pods."""
    if not matches_pods(workload["spec"]["selector"]["matchLabels"], workload):
        yield "selector is not part of the pods' labels"


def list_account_breaches(workload: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    """The ServiceAccount is in the bundle, or that of each namespace."""
    accounts = {other["metadata"]["name"] for other in list_of_kinds(manifests, "ServiceAccount")}
    account = read_pod_template(workload)["spec"].get("serviceAccountName", "default")
    if account not in {*accounts, "default"}:
        yield f"service account {account}"


def list_volume_breaches(workload: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """Volumes and claims have names of their own."""
    volumes = _list_volume_names(workload)
    for name in find_repeated([*volumes, *_list_claim_names(workload)]):
        yield f"volume {name} is there twice"
    for name in volumes:
        if not VOLUME_NAME.match(name):
            yield f"volume name {name}"


def list_mount_breaches(workload: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """Each container mounts each volume, and nothing else, and each at a path of its own."""
    volumes = _list_volume_names(workload)
    known = [*volumes, *_list_claim_names(workload)]
    for container in list_containers(workload):
        mounts = container["volumeMounts"]
        mounted = [mount["name"] for mount in mounts]
        yield from (f"mount of {name}" for name in mounted if name not in known)
        yield from (f"volume {name} is not mounted" for name in volumes if name not in mounted)
        for path in find_repeated(mount["mountPath"] for mount in mounts):
            yield f"mount path {path} is there twice"


def list_variable_breaches(workload: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """Variables have names that a shell takes, each once."""
    for container in list_containers(workload):
        variables = [variable["name"] for variable in container["env"]]
        yield from (f"variable {name} is there twice" for name in find_repeated(variables))
        yield from (f"variable {name}" for name in variables if not VARIABLE_NAME.match(name))


def list_port_breaches(workload: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """Ports have names and numbers that Kubernetes takes, each once."""
    for container in list_containers(workload):
        ports = container["ports"]
        port_names = [port["name"] for port in ports]
        numbers = [(port["containerPort"], port["protocol"]) for port in ports]
        yield from (f"port name {name}" for name in port_names if not PORT_NAME.match(name))
        yield from (f"port name {name} is there twice" for name in find_repeated(port_names))
        yield from (f"port {number} is there twice" for number in find_repeated(numbers))
        yield from (f"port {number}" for number, _protocol in numbers if not 0 < number < 65536)


def list_node_breaches(workload: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """No pod waits on a Windows node for an image that cannot be pulled there."""
    if "kubernetes.io/os" not in read_pod_template(workload)["spec"].get("nodeSelector", {}):
        yield "may run on a node of any system"


def list_confinement_breaches(workload: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """What the restricted Pod Security Standard asks of all pods holds, also of those that touch their node."""
    security = next(list_containers(workload))["securityContext"]
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "may escalate"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "may write to its image"
    if read_pod_template(workload)["spec"]["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccomp is off"


def list_restriction_breaches(workload: Manifest, _manifests: list[Manifest]) -> Iterator[str]:
    """The rest of the restricted Pod Security Standard holds for pods that touch nothing of their node."""
    if _touches_node(workload):
        return
    spec = read_pod_template(workload)["spec"]
    security = spec["securityContext"]
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") == 0:
        yield "may run as root"
    for volume in spec["volumes"]:
        if not set(volume) - {"name"} <= ALLOWED_VOLUMES:
            yield f"volume {volume['name']} is not allowed"


def _touches_node(workload: Manifest) -> bool:
    """Whether pods share the network, a folder or a port of their node."""
    spec = read_pod_template(workload)["spec"]
    shares_folder = any("hostPath" in volume for volume in spec["volumes"])
    opens_port = any("hostPort" in port for port in next(list_containers(workload))["ports"])
    return bool(spec.get("hostNetwork") or shares_folder or opens_port)


def _list_volume_names(workload: Manifest) -> list[str]:
    return [volume["name"] for volume in read_pod_template(workload)["spec"]["volumes"]]


def _list_claim_names(workload: Manifest) -> list[str]:
    return [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])]


POD_RULES: tuple[Rule, ...] = (
    list_selector_breaches,
    list_account_breaches,
    list_volume_breaches,
    list_mount_breaches,
    list_variable_breaches,
    list_port_breaches,
    list_node_breaches,
    list_confinement_breaches,
    list_restriction_breaches,
)
