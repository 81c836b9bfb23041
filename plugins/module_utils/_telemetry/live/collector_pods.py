# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running pods of a collector, and their logs and own metrics, read through the API server. Private.

Evidence of a probe reads logs and metrics (arrival_evidence.py), and the counts of collectors on the way of a probe
read metrics (hop_readings.py). The metrics of a pod are at the path

    /api/v1/namespaces/obs/pods/gateway-x7k2p:8888/proxy/metrics
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.urls import quote_segment
from ..._otelcol.errors import Problem
from ..pod_ports import select_listening_pods
from .backend_http import ACTION


class PodText(NamedTuple):
    """A text that a pod has, such as a log: its path in the Kubernetes API, and the query."""

    path: str
    query: Mapping[str, Any] = {}


class CollectorPods:
    """The running pods of a collector. Raises Problem if there are none.

    `pod_location` has the `namespace` of the pods and a `selector` for their labels.
    """

    def __init__(self, cluster: Cluster, pod_location: Mapping[str, Any]) -> None:
        self.cluster, self.namespace = cluster, pod_location["namespace"]
        self.pods_path = f"/api/v1/namespaces/{quote_segment(pod_location['namespace'])}/pods"
        query = {"labelSelector": pod_location["selector"]}
        try:
            selected_pods = list(cluster.items(self.pods_path, query))
        except ApiError as error:
            raise explain(error, "List the pods of the collector") from error
        self.running_pods = [pod for pod in selected_pods if _is_running(pod)]
        if not self.running_pods:
            selected_place = f"namespace {pod_location['namespace']}, selector {pod_location['selector']}"
            fix = "Correct arrival, or wait for the collector first."
            raise Problem("no running pod is selected", asked=ACTION, where=selected_place, fix=fix)

    def list_listening_pods(self, port: int) -> list[str]:
        """Return the names of the pods that listen on a port."""
        return [pod["metadata"]["name"] for pod in select_listening_pods(self.running_pods, port)]

    def read_texts(self, pod_texts: Sequence[PodText]) -> list[str]:
        """Return some texts in their order, read at the same time. Raises Problem if one cannot be read."""
        try:
            return self.cluster.call_in_parallel(
                lambda pod_text: self.cluster.text(pod_text.path, dict(pod_text.query)), pod_texts
            )
        except ApiError as error:
            raise explain(error, ACTION) from error

    def read_metrics(self, port: int, pod_name: str) -> str:
        """Return the metrics that a pod serves about itself. Raises Problem if they cannot be read."""
        return self.read_texts([self._find_metrics(port, pod_name)])[0]

    def read_metrics_by_pod(self, port: int) -> dict[str, str]:
        """Return the metrics of each pod that listens on a port, by its name. Raises Problem for one without."""
        names = self.list_listening_pods(port)
        metrics_texts = self.read_texts([self._find_metrics(port, name) for name in names])
        return dict(zip(names, metrics_texts, strict=True))

    def _find_metrics(self, port: int, pod_name: str) -> PodText:
        return PodText(f"{self.pods_path}/{pod_name}:{port}/proxy/metrics")


def _is_running(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod runs, and is not about to be deleted."""
    return pod.get("status", {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")
