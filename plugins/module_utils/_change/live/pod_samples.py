# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the pods of one collector: their metrics, restarts, memory, logs and open ports. Private.

`watched_pods.py` reads the pods of a canary so, and waves read those of the collectors of a cluster. Metrics and ports
are asked through the API server, as `kubectl proxy` does: the pod needs no Service. One pod gives one `PodSample`
(canary/readings.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._collector.options import METRICS_PORT
from ..._diagnose.live.find_collectors import DiagnosedTarget
from ..._diagnose.live.reader import ClusterReader, Object, ReadResult, object_path
from ..._diagnose.live.running_config import read_running_config
from ..._diagnose.pod_states import read_memory_limit
from ..._otelcol.config.paths import list_at, mapping_at
from ..._telemetry.metrics import read_counts
from ..._telemetry.metrics_address import explain_unreachable_metrics, find_metrics_address
from ..canary.readings import PodSample, ReceiverPort

# So many pods are read: more of them say the same.
MOST_PODS = 10
# How much of a log is read at most: so many of its last lines,
LOG_LINES = 500
# of the last so many seconds,
LOG_SECONDS = 300
# up to so many bytes.
LOG_BYTES = 1_000_000
# How a connection fails to a port without a listener, as the API server quotes Go.
_REFUSED_TEXT = "connection refused"


class PodSampler:
    """Reads the pods of one workload. What all of them have in common is read once, when the sampler is made.

    | attribute | what it holds |
    |---|---|
    | `container` | the Collector's container in the pod template |
    | `config` | the config that these pods show, or `given_config` if they show none |
    | `port` | the port of their metrics; 0 if they serve none |
    | `unread_reason` | why their metrics cannot be read; empty if they can |
    | `notes` | what else could not be seen |
    """

    def __init__(
        self, reader: ClusterReader, workload: Object, pods: list[Object], given_config: Mapping[str, Any]
    ) -> None:
        metadata = workload["metadata"]
        target = DiagnosedTarget(metadata["namespace"], metadata["name"], workload["kind"], pods=pods)
        if not pods:
            target.workload = workload
        self.reader = reader
        self.container = target.collector_container
        self.config: dict[str, Any] = read_running_config(reader, target).config or dict(given_config)
        self.port = find_metrics_address(self.config, METRICS_PORT).port
        self.unread_reason = explain_unreachable_metrics(self.config, METRICS_PORT)
        self.notes = target.notes

    def sample_pods(self, pods: list[Object], ports: Sequence[ReceiverPort] = (), log_pods: int = 0) -> list[PodSample]:
        """Read the running pods, all at once. Of the first `log_pods`, read also the log, and try the ports."""
        running_pods = [pod for pod in pods if mapping_at(pod, "status").get("phase") == "Running"][:MOST_PODS]
        indexed_pods = list(enumerate(running_pods))

        def sample_indexed_pod(indexed_pod: tuple[int, Object]) -> PodSample:
            index, pod = indexed_pod
            return self._sample_pod(pod, ports, reads_closely=index < log_pods)

        return self.reader.cluster.call_in_parallel(sample_indexed_pod, indexed_pods)

    def _sample_pod(self, pod: Object, ports: Sequence[ReceiverPort], *, reads_closely: bool) -> PodSample:
        """Read one pod. With `reads_closely`, read also its log, and try its ports."""
        metadata = pod["metadata"]
        path = object_path("pods", metadata["namespace"], metadata["name"])
        metrics = self._read_metrics(path)
        log = self._read_log(path) if reads_closely else ""
        # A pod that does not serve its metrics yet may not have opened its ports yet, and would seem to refuse.
        open_by_port: dict[ReceiverPort, bool] = {}
        if reads_closely and metrics.value is not None:
            open_by_port = {port: self._accepts_connections(path, port.number) for port in ports}
        status = self._find_container_status(pod)
        return PodSample(
            pod=metadata["name"],
            reading=read_counts(metrics.value) if metrics.value is not None else None,
            restarts=int(status.get("restartCount") or 0),
            oom=mapping_at(status, "lastState", "terminated").get("reason") == "OOMKilled",
            memory_limit=read_memory_limit(self.container),
            log=log,
            open=open_by_port,
            why=metrics.unread_reason,
        )

    def _read_metrics(self, path: str) -> ReadResult:
        """Return the text of the metrics of a pod, or why it cannot be read."""
        if not self.port:
            return ReadResult(None, self.unread_reason)
        return self.reader.read_answer_text(f"{path}:{self.port}/proxy/metrics")

    @property
    def _container_name(self) -> str:
        return str(self.container.get("name") or "")

    def _read_log(self, path: str) -> str:
        """Return the last lines of the log of a pod; empty if it cannot be read."""
        query = {
            "container": self._container_name,
            "sinceSeconds": LOG_SECONDS,
            "tailLines": LOG_LINES,
            "timestamps": "true",
        }
        return self.reader.read_answer_text(f"{path}/log", {**query, "limitBytes": LOG_BYTES}).value or ""

    def _accepts_connections(self, path: str, port: int) -> bool:
        """Return whether a port of a pod takes connections, whatever it answers."""
        return _REFUSED_TEXT not in self.reader.read_answer_text(f"{path}:{port}/proxy/").unread_reason

    def _find_container_status(self, pod: Object) -> Object:
        """Return the status of the Collector's container in a pod, empty if it has none."""
        statuses: list[Object] = list_at(pod, "status", "containerStatuses")
        return next((status for status in statuses if status.get("name") == self._container_name), {})
