# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on where a component may run, and how many times."""

from __future__ import annotations

from typing import Any

from .cases import Table
from .shapes import Json, running, where

LEADER = {"k8s_leader_elector": "k8s_leader_elector"}


def receiver(name: str, settings: Any = None) -> Json:
    return running("logs", receivers={name: settings})


def detectors(*names: str) -> Json:
    return running(processors={"resource_detection": {"detectors": list(names)}})


CASES: Table = {
    "singleton": {
        "two replicas": (
            receiver("k8s_cluster"),
            "receivers.k8s_cluster: reports metrics of the whole cluster, and there is more than one replica "
            "(2) Move it to a separate collector",
            where(replicas=2),
        ),
        "an agent": (receiver("k8sobjects"), "receivers.k8sobjects: one on every node", where("daemonset")),
        "an autoscaler": (
            receiver("k8s_events/2"),
            "receivers.k8s_events/2: an autoscaler",
            where(replicas=1, autoscaled=True),
        ),
        "one replica": (receiver("k8s_cluster"), "", where(replicas=1)),
        "a leader": (receiver("k8s_objects", LEADER), "", where("daemonset")),
        "nobody knows": receiver("k8s_cluster"),
        "another receiver": (receiver("otlp"), "", where(replicas=2)),
    },
    "host-reader": {
        "container logs": (
            receiver("filelog", {"include": ["/var/log/pods/*/*/*.log"]}),
            "receivers.filelog: reads the container logs of a node, but a deployment is not on every node",
            where(replicas=1),
        ),
        "the file system": (
            receiver("host_metrics", {"root_path": "/hostfs"}),
            "receivers.host_metrics: a sidecar",
            where("sidecar"),
        ),
        "the journal": (receiver("journald"), "receivers.journald: mode daemonset", where("statefulset")),
        "the kubelet of its node": (
            receiver("kubeletstats", {"endpoint": "https://${env:K8S_NODE_NAME}:10250"}),
            "receivers.kubeletstats: the kubelet of its own node",
            where(),
        ),
        "a kubelet that somebody chose": (
            receiver("kubelet_stats", {"endpoint": "https://10.0.0.7:10250"}),
            "",
            where(),
        ),
        "an agent": (receiver("journald"), "", where("daemonset")),
        "a file of its own": (receiver("file_log", {"include": ["/data/app.log"]}), "", where()),
        "metrics of its own": (receiver("host_metrics", {}), "", where()),
    },
    "selinux-denied": {
        "container logs": (
            receiver("file_log", {"include": ["/var/log/pods/*/*/*.log"]}),
            "receivers.file_log: uses the container logs of a node, which SELinux denies to containers Set "
            "`selinux_type: spc_t`",
            where("daemonset", confined=True),
        ),
        "state in a folder of the node": (
            running(extensions={"file_storage": {}}),
            "extensions.file_storage: uses a folder of the node",
            where("daemonset", confined=True),
        ),
        "state in a claim": (running(extensions={"file_storage": {}}), "", where("statefulset", confined=True)),
        "the kubelet is no file": (
            receiver("kubelet_stats", {"endpoint": "https://${env:K8S_NODE_IP}:10250"}),
            "",
            where("daemonset", confined=True),
        ),
        "no SELinux": (receiver("journald"), "", where("daemonset")),
    },
    "sidecar-limits": {
        "a leader elector": (
            running(extensions={"k8s_leader_elector": {}}),
            "extensions.k8s_leader_elector: needs permission for a lease",
            where("sidecar"),
        ),
        "no sidecar": (running(extensions={"k8s_leader_elector": {}}), "", where()),
    },
    "metadata-service": {
        "from a pod": (
            detectors("env", "eks"),
            "processors.resource_detection.detectors[1]: Set the instances' HttpPutResponseHopLimit to 2",
            where(),
        ),
        "from the node's network": (detectors("ec2"), "", where(host_network=True)),
        "another cloud": (detectors("env", "gcp"), "", where()),
    },
}
