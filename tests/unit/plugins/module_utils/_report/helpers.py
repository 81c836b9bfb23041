# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters as tasks leave them, in short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._report import fleet_cluster, fleet_collector

KINDS = {"daemonset": "DaemonSet", "deployment": "Deployment", "statefulset": "StatefulSet"}
LABEL = "o11y.opentelemetry/collector"
TABLE: dict[str, Any] = {
    "tested": {"cert-manager": "1.21.2", "opentelemetry-operator": "0.158.0"},
    "cert_manager": {"1.21": {"kubernetes": ["1.33", "1.36"]}},
    "operator": {"0.158.0": {"kubernetes": ["1.25", "1.36"]}},
}


def config(exporters: dict[str, Any], receivers: Sequence[str] = ("otlp",)) -> dict[str, Any]:
    pipeline = {"receivers": list(receivers), "exporters": list(exporters)}
    return {
        "receivers": {name: {} for name in receivers},
        "exporters": exporters,
        "service": {"pipelines": {"traces": pipeline, "logs/own": pipeline}},
    }


def to(endpoint: str) -> dict[str, Any]:
    return config({"otlp_grpc": {"endpoint": endpoint}})


class Fleet:
    """The rendered objects of a cluster."""

    def __init__(self) -> None:
        self.collectors: list[dict[str, Any]] = []
        self.manifests: list[dict[str, Any]] = []
        self.configs: dict[str, Any] = {}

    def add(
        self, name: str, written: Any = None, mode: str = "deployment", namespace: str = "obs", **more: Any
    ) -> Fleet:
        backend = "kubernetes" if mode in KINDS and not more.get("custom") else "operator"
        kind = KINDS[mode] if backend == "kubernetes" else "OpenTelemetryCollector"
        self.collectors.append(
            {"name": name, "namespace": namespace, "kind": kind, "mode": mode, "backend": backend, "image": "c:0.158.0"}
            | {"ports": [{"name": "otlp", "port": 4317, "protocol": "TCP"}], "iam_actions": ["xray:PutTraceSegments"]}
        )
        self.configs[f"{namespace}/{name}"] = config({"debug": {}}) if written is None else written
        container = {"name": "c", "resources": more.get("resources", {}), "ports": more.get("ports", [])}
        container["env"] = more.get("env", [])
        inner = more.get("custom") if "custom" in more else {"template": {"spec": {"containers": [container]}}}
        self.object(kind, namespace, name, name, spec={**(inner or {}), **more.get("spec", {})})
        if mode not in ("daemonset", "sidecar"):
            self.object("Service", namespace, name, name)
        return self

    def object(self, kind: str, namespace: str, name: str, label: str, **body: Any) -> Fleet:
        metadata = {"name": name, "labels": {LABEL: label}} | ({"namespace": namespace} if namespace else {})
        self.manifests.append({"kind": kind, "metadata": metadata, **body})
        return self

    def members(self) -> list[fleet_collector.FleetCollector]:
        return fleet_collector.build_fleet_collectors(self.collectors, self.manifests, self.configs)

    def cluster(self, name: str = "prod", **given: Any) -> fleet_cluster.FleetCluster:
        rendered = {"collectors": self.collectors, "manifests": self.manifests, "findings": given.pop("findings", [])}
        products, broken = given.pop("products", {}), given.pop("broken", {})
        return fleet_cluster.FleetCluster(name, {"rendered": rendered, **given}, self.configs, products, broken)
