# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on rights that need consent, and on ports that a node opens without it."""

from __future__ import annotations

from typing import Any

from .cases import Table
from .shapes import Json, running, where

LOGS = {"include": ["/var/log/app/*.log", "/var/log/pods/*/*/*.log"]}
THROUGH = [
    {"target_label": "job", "replacement": "kubelet"},
    {"target_label": "__metrics_path__", "replacement": "/api/v1/nodes/$$1/proxy/metrics"},
]


def objects(*listed: Json) -> Json:
    return running("logs", receivers={"k8s_objects": {"objects": list(listed)}})


def receiver(name: str, settings: Any = None) -> Json:
    return running("logs", receivers={name: settings})


def agent(*allowed: str, **more: Any) -> Json:
    return where("daemonset", allowed=allowed, **more)


def scraped(*relabelled: Json) -> Json:
    job = {"job_name": "kubelets", "relabel_configs": list(relabelled)}
    return running("metrics", receivers={"prometheus": {"config": {"scrape_configs": [job]}}})


def otlp(**protocol: Any) -> Json:
    return running(receivers={"otlp": {"protocols": {"grpc": {"endpoint": "${env:MY_POD_IP}:4317", **protocol}}}})


OPEN = {"open_ports": frozenset({(4317, "TCP")})}
STORED = running(extensions={"file_storage": {"directory": "/var/lib/otelcol/queue"}})
CASES: Table = {
    "consent-missing": {
        "Secrets": (
            objects({"name": "pods"}, {"name": "secrets"}),
            "receivers.k8s_objects.objects[1].name: 'k8s_objects' needs the right to get, list secrets everywhere, "
            "for which this collector has no consent Remove the setting, or add `allow: [secrets]` to the collector.",
            where(allowed=()),
        ),
        "all API groups": (
            objects({"name": "deployments", "group": "*"}),
            "receivers.k8s_objects.objects[0].group: get, list deployments in API group '*' everywhere",
            where(allowed=("secrets",)),
        ),
        "all resources": (
            objects({"name": "*"}),
            "receivers.k8s_objects.objects[0].name: add `allow: [secrets, wildcard]`",
            where(allowed=("secrets",)),
        ),
        "several of a kind": (
            objects({"name": "secrets", "mode": "watch"}, {"name": "secrets"}),
            "receivers.k8s_objects.objects[0].name: get, watch, list secrets",
            where(allowed=()),
        ),
        "two names in one": (
            objects({"name": "pods secrets"}),
            "receivers.k8s_objects.objects[0].name: pods, secrets",
            where(allowed=()),
        ),
        "the API of the kubelets": (
            scraped(*THROUGH),
            "receivers.prometheus.config.scrape_configs[0].relabel_configs[1].replacement: "
            "the right to get nodes/proxy everywhere, which includes commands in every container",
            where(allowed=()),
        ),
        "logs of pods": (
            receiver("file_log", LOGS),
            "receivers.file_log.include[1]: 'file_log' needs to run as root, for which this collector has no consent",
            agent(),
        ),
        "the journal": (receiver("journald"), "receivers.journald: as root", agent("secrets")),
        "state in a folder of the node": (STORED, "extensions.file_storage: as root", agent(keeps_on_node=True)),
        "consent": (objects({"name": "secrets"}), "", where(allowed=("secrets",))),
        "consent to all": (objects({"name": "*", "group": "*"}), "", where(allowed=("wildcard",))),
        "consent to root": (receiver("file_log", LOGS), "", agent("root")),
        "other objects": (objects({"name": "events", "group": "events.k8s.io"}), "", where(allowed=())),
        "other files": (receiver("file_log", {"include": ["/data/*.log"]}), "", agent()),
        "the list of pods": (receiver("kubelet_stats", {"extra_metadata_labels": ["container.id"]}), "", agent()),
        "state in the pod": (STORED, "", agent(keeps_on_node=False)),
        "nobody knows what is allowed": (objects({"name": "secrets"}), "", where()),
        "no deployment": objects({"name": "secrets"}),
    },
    "host-port-open": {
        "by default": (
            otlp(),
            "receivers.otlp.protocols.grpc.endpoint: the node's ports 4317 take telemetry in clear text from everybody "
            "who reaches the node Set `host_ports: true` if that is meant.",
            where("daemonset", **OPEN),
        ),
        "with TLS": (otlp(tls={"cert_file": "/a", "key_file": "/b"}), "", where("daemonset", **OPEN)),
        "asked for": (otlp(), "", where("daemonset")),
        "no deployment": otlp(),
    },
}
