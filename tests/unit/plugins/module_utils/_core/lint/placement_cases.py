# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on where a component may run, and how many times."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running, where

LEADER = {"k8s_leader_elector": "k8s_leader_elector"}


def receiver(name: str, settings: Any = None) -> Json:
    return running("logs", receivers={name: settings})


def detectors(*names: str) -> Json:
    return running(processors={"resource_detection": {"detectors": list(names)}})


CASES = [
    Case(
        "singleton",
        "two replicas",
        receiver("k8s_cluster"),
        "receivers.k8s_cluster",
        "reports metrics of the whole cluster, and there is more than one replica (2) Move it to a separate collector",
        where(replicas=2),
    ),
    Case(
        "singleton", "an agent", receiver("k8sobjects"), "receivers.k8sobjects", "one on every node", where("daemonset")
    ),
    Case(
        "singleton",
        "an autoscaler",
        receiver("k8s_events/2"),
        "receivers.k8s_events/2",
        "an autoscaler",
        where(replicas=1, autoscaled=True),
    ),
    Case("singleton", "one replica", receiver("k8s_cluster"), more=where(replicas=1)),
    Case("singleton", "a leader", receiver("k8s_objects", LEADER), more=where("daemonset")),
    Case("singleton", "nobody knows", receiver("k8s_cluster")),
    Case("singleton", "another receiver", receiver("otlp"), more=where(replicas=2)),
    Case(
        "host-reader",
        "container logs",
        receiver("filelog", {"include": ["/var/log/pods/*/*/*.log"]}),
        "receivers.filelog",
        "reads the container logs of a node, but a deployment is not on every node",
        where(replicas=1),
    ),
    Case(
        "host-reader",
        "the file system",
        receiver("host_metrics", {"root_path": "/hostfs"}),
        "receivers.host_metrics",
        "a sidecar",
        where("sidecar"),
    ),
    Case(
        "host-reader", "the journal", receiver("journald"), "receivers.journald", "mode daemonset", where("statefulset")
    ),
    Case(
        "host-reader",
        "the kubelet of its node",
        receiver("kubeletstats", {"endpoint": "https://${env:K8S_NODE_NAME}:10250"}),
        "receivers.kubeletstats",
        "the kubelet of its own node",
        where(),
    ),
    Case(
        "host-reader",
        "a kubelet that somebody chose",
        receiver("kubelet_stats", {"endpoint": "https://10.0.0.7:10250"}),
        more=where(),
    ),
    Case("host-reader", "an agent", receiver("journald"), more=where("daemonset")),
    Case("host-reader", "a file of its own", receiver("file_log", {"include": ["/data/app.log"]}), more=where()),
    Case("host-reader", "metrics of its own", receiver("host_metrics", {}), more=where()),
    Case(
        "selinux-denied",
        "container logs",
        receiver("file_log", {"include": ["/var/log/pods/*/*/*.log"]}),
        "receivers.file_log",
        "uses the container logs of a node, which SELinux denies to containers Set `selinux_type: spc_t`",
        where("daemonset", confined=True),
    ),
    Case(
        "selinux-denied",
        "state in a folder of the node",
        running(extensions={"file_storage": {}}),
        "extensions.file_storage",
        "uses a folder of the node",
        where("daemonset", confined=True),
    ),
    Case(
        "selinux-denied",
        "state in a claim",
        running(extensions={"file_storage": {}}),
        more=where("statefulset", confined=True),
    ),
    Case(
        "selinux-denied",
        "the kubelet is no file",
        receiver("kubelet_stats", {"endpoint": "https://${env:K8S_NODE_IP}:10250"}),
        more=where("daemonset", confined=True),
    ),
    Case("selinux-denied", "no SELinux", receiver("journald"), more=where("daemonset")),
    Case(
        "sidecar-limits",
        "a leader elector",
        running(extensions={"k8s_leader_elector": {}}),
        "extensions.k8s_leader_elector",
        "needs permission for a lease",
        where("sidecar"),
    ),
    Case("sidecar-limits", "no sidecar", running(extensions={"k8s_leader_elector": {}}), more=where()),
    Case(
        "metadata-service",
        "from a pod",
        detectors("env", "eks"),
        "processors.resource_detection.detectors[1]",
        "Set the instances' HttpPutResponseHopLimit to 2",
        where(),
    ),
    Case("metadata-service", "from the node's network", detectors("ec2"), more=where(host_network=True)),
    Case("metadata-service", "another cloud", detectors("env", "gcp"), more=where()),
]
