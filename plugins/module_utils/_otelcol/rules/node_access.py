# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what a collector reads of its node: files, the kubelet and the metadata of the instance.

Sources: the READMEs of the receivers in opentelemetry-collector-contrib, and EC2's documentation of the instance
metadata service. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.journald: warning [host-reader] 'journald' reads the journal of a node, but a statefulset is not on
    every node, and may share one with another copy. Move it to a collector with mode daemonset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..config.paths import list_at, value_at
from ..needs.started_components import StartedComponent
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Subject
from .workload_placement import ON_EACH_HOST

_COMPONENTS = "https://opentelemetry.io/docs/platforms/kubernetes/collector/components/"
_IMDS = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html"
_SELINUX = (
    "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#assign-selinux-labels-to-a-container"
)
_POD_LOGS = ("/var/log/pods", "/var/log/containers")
_VARIABLES_OF_OWN_NODE = ("NODE_NAME", "NODE_IP", "HOST_IP")
_DETECTORS_OF_INSTANCES = ("ec2", "eks")


def _describe_pod_log_reads(settings: Mapping[str, Any]) -> str:
    """Return what file_log reads of a node, if its patterns are those of the logs of pods."""
    reads_pods = any(str(include_pattern).startswith(_POD_LOGS) for include_pattern in list_at(settings, "include"))
    return "the container logs of a node" if reads_pods else ""


def _describe_root_reads(settings: Mapping[str, Any]) -> str:
    """Return that host_metrics read the file system of the node, which they do below a `root_path`."""
    return "the node's file system" if settings.get("root_path") else ""


def _describe_kubelet_reads(settings: Mapping[str, Any]) -> str:
    """Return that a kubelet is read; an endpoint with another address than the collector's node is set on purpose."""
    endpoint = value_at(settings, ("endpoint",))
    is_of_own_node = endpoint is None or any(variable_name in str(endpoint) for variable_name in _VARIABLES_OF_OWN_NODE)
    return "the kubelet of its own node" if is_of_own_node else ""


# What of a node receivers read, by their settings; empty text for nothing.
_DESCRIBE_NODE_READS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "filelog": _describe_pod_log_reads,
    "hostmetrics": _describe_root_reads,
    "journald": lambda _settings: "the journal of a node",
    "kubeletstats": _describe_kubelet_reads,
}


# Those of them that read files.
_DESCRIBE_FILE_READS = {kind: reads for kind, reads in _DESCRIBE_NODE_READS.items() if kind != "kubeletstats"}


@about("deployment")
def host_reader(subject: Subject) -> Iterator[Fault]:
    """Yield receivers that read one node, in a collector that does not run on every node."""
    deployment = subject.deployment
    if not deployment or deployment.mode in ON_EACH_HOST:
        return
    for part in subject.view.find_parts("receivers", *_DESCRIBE_NODE_READS):
        node_data = _DESCRIBE_NODE_READS[part.kind](part.settings)
        if node_data:
            placement = "a sidecar" if deployment.mode == "sidecar" else f"a {deployment.mode}"
            message = (
                f"'{part.id}' reads {node_data}, but {placement} is not on every node, and may share one with another"
                " copy"
            )
            yield Fault(part.path, message, "Move it to a collector with mode daemonset.")


@about("deployment")
def selinux_denied(subject: Subject) -> Iterator[Fault]:
    """Yield components that use files of the node where SELinux denies them to containers."""
    deployment = subject.deployment
    if not deployment or not deployment.is_confined:
        return
    for part, used_files in _list_users_of_node_files(subject, deployment.mode):
        if used_files:
            fix = "Set `selinux_type: spc_t` for this collector, or name your own type that has access."
            yield Fault(part.path, f"'{part.id}' uses {used_files}, which SELinux denies to containers", fix)


def _list_users_of_node_files(subject: Subject, mode: str) -> Iterator[tuple[StartedComponent, str]]:
    """Yield each component with words for the files of the node that it uses; empty if it uses none."""
    for part in subject.view.find_parts("receivers", *_DESCRIBE_FILE_READS):
        yield part, _DESCRIBE_FILE_READS[part.kind](part.settings)
    if mode == "daemonset":
        for part in subject.view.find_parts("extensions", "filestorage"):
            yield part, "a folder of the node"


@about("deployment")
def metadata_service(subject: Subject) -> Iterator[Fault]:
    """Yield detectors that use the EC2 metadata service, which pods reach only if the instance allows it."""
    deployment = subject.deployment
    if not deployment or deployment.uses_host_network:
        return
    for part in subject.view.find_parts("processors", "resourcedetection"):
        for index, detector in enumerate(list_at(part.settings, "detectors")):
            if detector in _DETECTORS_OF_INSTANCES:  # the first one is enough, as both ask the same service
                yield Fault(
                    (*part.path, "detectors", index),
                    f"detector {detector} asks the instance metadata service, one network hop further from a pod",
                    "Set the instances' HttpPutResponseHopLimit to 2, or set attributes in OTEL_RESOURCE_ATTRIBUTES "
                    "and use detector `env`.",
                    severity="warning" if deployment.mode == "sidecar" else SEVERITY_OF_RULE,
                )
                break


RULES = (
    *define_rules("warning", host_reader, documentation=_COMPONENTS),
    *define_rules("warning", selinux_denied, documentation=_SELINUX),
    *define_rules("info", metadata_service, documentation=_IMDS),
)
