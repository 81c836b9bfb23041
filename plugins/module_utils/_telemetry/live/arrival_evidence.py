# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See in the logs or the metrics of a collector's pods that a record arrived. Private.

Module otlp_probe calls `choose_pod_evidence`. The test of a sample application uses both classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from ..._kube.live.cluster import Cluster
from ..._otelcol.errors import Problem
from ..evidence import find_probe_lines
from ..item_counters import Counts, compare_counters, describe_counting_pods, read_item_counters
from ..pod_ports import list_running_containers
from .arrivals import Arrival, ArrivalEvidence, ArrivalsBySignal
from .backend_http import ACTION
from .collector_pods import CollectorPods, PodText
from .probe_options import ArrivalOptions

# How many seconds before the probe the log is read from: the API server takes whole seconds.
LOG_MARGIN_SECONDS = 3


def choose_pod_evidence(cluster: Cluster, arrival: ArrivalOptions, probe_id: str) -> ArrivalEvidence:
    """Return how to see a probe in pods. Call this before the probe is sent: metrics are compared with those of now."""
    pods = CollectorPods(cluster, arrival)
    if arrival["evidence"] == "logs":
        return LogEvidence(pods, probe_id)
    return MetricsEvidence(pods, arrival["metrics_port"])


class _ContainerLog(NamedTuple):
    """The log of a container that can be read."""

    container: str
    """Such as `pod a/b, container c`."""
    pod_text: PodText


class LogText(NamedTuple):
    """What a container has logged since the start."""

    container: str
    """Such as `pod a/b, container c`."""
    text: str


class LogEvidence:
    """Finds a record in logs, where the debug exporter prints each record."""

    def __init__(self, pods: CollectorPods, probe_id: str) -> None:
        self._pods, self._id = pods, probe_id
        self._start = pods.cluster.clock()

    def keeps(self, signal: str) -> bool:  # noqa: ARG002 - pods may have any signal
        """Return that pods may have a signal."""
        return True

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return the signals that arrived, each with the first log that has its record, and the lines of the record."""
        arrivals: ArrivalsBySignal = {}
        for container, log_text in self.read_texts():
            for signal in signals:
                if signal in arrivals:
                    continue
                record_lines = find_probe_lines(log_text, signal, self._id)
                if record_lines:
                    arrivals[signal] = Arrival(f"the log of {container}", record_lines)
        return arrivals

    def read_texts(self) -> list[LogText]:
        """Return the log of each container since the start."""
        logs = self._list_logs()
        log_texts = self._pods.read_texts([log.pod_text for log in logs])
        return [LogText(log.container, log_text) for log, log_text in zip(logs, log_texts, strict=True)]

    def _list_logs(self) -> list[_ContainerLog]:
        """Return the log of each running container, from shortly before the probe on."""
        seconds = int(self._pods.cluster.clock() - self._start) + LOG_MARGIN_SECONDS
        logs = []
        for pod in self._pods.running_pods:
            pod_name = pod["metadata"]["name"]
            for container in list_running_containers(pod["spec"]):
                name = f"pod {self._pods.namespace}/{pod_name}, container {container}"
                query = {"container": container, "sinceSeconds": seconds}
                logs.append(_ContainerLog(name, PodText(f"{self._pods.pods_path}/{pod_name}/log", query)))
        return logs

    def hint(self, signal: str) -> str:
        """Return what to check if a log does not have the record."""
        return f"Check that a {signal} pipeline of these pods has the debug exporter with verbosity: detailed."


class MetricsEvidence:
    """Compares the counts of collectors before and after a record. Other records count too, so a log proves more."""

    def __init__(self, pods: CollectorPods, port: int) -> None:
        self._pods, self._port = pods, port
        self._counts_before = self._read_counts_by_pod()
        self._failures_by_signal: dict[str, list[str]] = {}
        """The counters of failures that grew, of each signal for which it looked last. `hint` tells them."""

    def keeps(self, signal: str) -> bool:  # noqa: ARG002 - pods may have any signal
        """Return that pods may have a signal."""
        return True

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return the signals that were accepted and sent, each with the pods that counted it, and the counts."""
        counts_before, counts_after = self._counts_before, self._read_counts_by_pod()
        total_before, total_after = _sum_counts(counts_before), _sum_counts(counts_after)
        self._failures_by_signal = {}
        arrivals: ArrivalsBySignal = {}
        for signal in signals:
            counter_growth = compare_counters(total_before, total_after, signal)
            self._failures_by_signal[signal] = counter_growth.failure_lines
            if counter_growth.has_passed:
                counting_pods = describe_counting_pods(self._pods.namespace, counts_before, counts_after, signal)
                arrivals[signal] = Arrival(counting_pods, counter_growth.growth_lines)
        return arrivals

    def _read_counts_by_pod(self) -> dict[str, Counts]:
        """Return the counts of each pod. Raises Problem for metrics that cannot be read, with the address to serve."""
        try:
            metrics_by_pod = self._pods.read_metrics_by_pod(self._port)
        except Problem as problem:
            required_metrics = f"Prometheus metrics on the pod's address, port {self._port}"
            fix = f"Let service.telemetry serve {required_metrics}, or use evidence: logs."
            raise Problem(problem.wrong, asked=ACTION, where=problem.where, fix=fix) from problem
        return {pod_name: read_item_counters(metrics_text) for pod_name, metrics_text in metrics_by_pod.items()}

    def hint(self, signal: str) -> str:
        """Return the counts of failures, or what to check if none grew."""
        failures = ", ".join(self._failures_by_signal.get(signal) or [])
        if failures:
            return f"The collector counts: {failures}; read its log."
        return f"Check its {signal} pipeline and its log."


def _sum_counts(counts_by_pod: Mapping[str, Counts]) -> Counts:
    return sum(counts_by_pod.values(), Counter())
