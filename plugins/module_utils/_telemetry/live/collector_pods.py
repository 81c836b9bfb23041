# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running pods of a collector, and their own metrics and logs. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.urls import quote_segment
from ..._otelcol.errors import Problem
from ..pod_ports import select_listening_pods
from .backend_http import ACTION


class CollectorPods:
    """The running pods of a collector. Raises Problem if there are none.

    `pod_location` has the `namespace` of the pods and a `selector` for their labels.
    """

    def __init__(self, cluster: Cluster, pod_location: Mapping[str, Any]) -> None:
        self.cluster, self.namespace = cluster, pod_location["namespace"]
        self.pods_path = f"/api/v1/namespaces/{quote_segment(pod_location['namespace'])}/pods"
        query = {"labelSelector": pod_location["selector"]}
        try:
            selected = list(cluster.items(self.pods_path, query))
        except ApiError as error:
            raise explain(error, "List the pods of the collector") from error
        self.running_pods = [pod for pod in selected if _is_running(pod)]
        if not self.running_pods:
            selected_place = f"namespace {pod_location['namespace']}, selector {pod_location['selector']}"
            fix = "Correct arrival, or wait for the collector first."
            raise Problem("no running pod is selected", asked=ACTION, where=selected_place, fix=fix)

    def read_paths(self, paths: list[tuple[str, dict[str, Any]]]) -> list[str]:
        """Return the texts at some paths of the Kubernetes API, each with its query."""
        try:
            return self.cluster.call_in_parallel(lambda path_and_query: self.cluster.text(*path_and_query), paths)
        except ApiError as error:
            raise explain(error, ACTION) from error

    def list_listening_pods(self, port: int) -> list[str]:
        """Return the names of the pods that listen on a port."""
        return [pod["metadata"]["name"] for pod in select_listening_pods(self.running_pods, port)]

    def read_own_metrics(self, port: int, name: str) -> str | Problem:
        """Return the own metrics of a pod, or why they cannot be read."""
        try:
            return self._read_metrics_texts(port, [name])[0]
        except Problem as problem:
            return problem

    def read_metrics_by_pod(self, port: int) -> list[tuple[str, str]]:
        """Return the name of each pod that listens on a port, with its own metrics."""
        names = self.list_listening_pods(port)
        return list(zip(names, self._read_metrics_texts(port, names), strict=True))

    def _read_metrics_texts(self, port: int, names: list[str]) -> list[str]:
        return self.read_paths([(f"{self.pods_path}/{name}:{port}/proxy/metrics", {}) for name in names])


def _is_running(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod runs, and is not about to be deleted."""
    return pod.get("status", {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")
