# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the pods of one collector count, and how they are. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._collector.options import METRICS_PORT
from ..._diagnose.cluster_objects import read_memory_limit
from ..._diagnose.live.find_collectors import DiagnosedTarget
from ..._diagnose.live.reader import ClusterReader, Object, ReadResult, object_path
from ..._diagnose.live.running_config import read_running_config
from ..._otelcol.config.paths import list_at, mapping_at
from ..._telemetry.metrics import explain_unreachable_metrics, find_metrics_address, read_counts
from ..canary.readings import Sample

# So many pods are read: more of them say the same.
MOST_PODS = 10
LOG_LINES, LOG_SECONDS, LOG_BYTES = 500, 300, 1_000_000
# How a connection fails to a port without a listener, as the API server quotes Go.
_REFUSED_TEXT = "connection refused"


class PodSampler:
    """Reads the pods of one workload: own metrics, restarts, memory, log and ports.

    `config` is what these pods run with, or what was given if they do not show it. `unread_reason` says why their
    metrics cannot be read, and `notes` what else could not be seen.
    """

    def __init__(
        self, reader: ClusterReader, workload: Object, pods: list[Object], given_config: Mapping[str, Any]
    ) -> None:
        metadata = workload["metadata"]
        target = DiagnosedTarget(metadata["namespace"], metadata["name"], workload["kind"], pods=pods)
        if not pods:
            target.workload = workload
        self.reader, self.container = reader, target.collector_container
        self.config: dict[str, Any] = read_running_config(reader, target).config or dict(given_config)
        self.port = find_metrics_address(self.config, METRICS_PORT)[1]
        self.unread_reason = explain_unreachable_metrics(self.config, METRICS_PORT)
        self.notes = target.notes

    def sample_pods(self, pods: list[Object], ports: Sequence[tuple[str, int]] = (), log_pods: int = 0) -> list[Sample]:
        """Read the pods that run, all at once; of so many of them also the log, and which ports accept requests."""
        running_pods = [pod for pod in pods if mapping_at(pod, "status").get("phase") == "Running"][:MOST_PODS]
        sample_arguments = [(pod, index < log_pods) for index, pod in enumerate(running_pods)]
        return self.reader.cluster.call_in_parallel(
            lambda pod_and_depth: self._sample_pod(*pod_and_depth, ports), sample_arguments
        )

    def _sample_pod(self, pod: Object, reads_closely: bool, ports: Sequence[tuple[str, int]]) -> Sample:
        """Read one pod. What is read closely also shows its log, and which of its ports accept requests."""
        metadata = pod["metadata"]
        path = object_path("pods", metadata["namespace"], metadata["name"])
        metrics = (
            self.reader.read_text(f"{path}:{self.port}/proxy/metrics")
            if self.port
            else ReadResult(None, self.unread_reason)
        )
        log = self._read_log(path) if reads_closely else ""
        serves_metrics = metrics.value is not None
        status = self._find_container_status(pod)
        return Sample(
            pod=metadata["name"],
            reading=read_counts(metrics.value) if metrics.value is not None else None,
            restarts=int(status.get("restartCount") or 0),
            oom=mapping_at(status, "lastState", "terminated").get("reason") == "OOMKilled",
            memory_limit=read_memory_limit(self.container),
            log=log,
            open={port: self._accepts_connections(path, port[1]) for port in ports}
            if reads_closely and serves_metrics
            else {},
            why=metrics.unread_reason,
        )

    @property
    def _container_name(self) -> str:
        return str(self.container.get("name") or "")

    def _read_log(self, path: str) -> str:
        query = {
            "container": self._container_name,
            "sinceSeconds": LOG_SECONDS,
            "tailLines": LOG_LINES,
            "timestamps": "true",
        }
        return self.reader.read_text(f"{path}/log", {**query, "limitBytes": LOG_BYTES}).value or ""

    def _accepts_connections(self, path: str, port: int) -> bool:
        """Return whether a port of a pod takes connections, whatever it answers."""
        return _REFUSED_TEXT not in self.reader.read_text(f"{path}:{port}/proxy/").unread_reason

    def _find_container_status(self, pod: Object) -> Object:
        """Return the status of the Collector's container in a pod, empty if it has none."""
        statuses: list[Object] = list_at(pod, "status", "containerStatuses")
        return next((status for status in statuses if status.get("name") == self._container_name), {})
