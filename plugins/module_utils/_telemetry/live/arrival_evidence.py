# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See in the logs or the metrics of a collector's pods that a record arrived. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from ..._kube.live.cluster import Cluster
from ..._otelcol.errors import Problem
from ..evidence import (
    Counts,
    compare_counters,
    describe_counting_pods,
    find_probe_lines,
    list_running_containers,
    read_item_counters,
)
from .backend_http import ACTION
from .backend_search import Arrival, ArrivalsBySignal
from .collector_pods import CollectorPods

# How much earlier than the probe a log is read: the node's clock counts whole seconds.
LOG_MARGIN_SECONDS = 3


class ArrivalEvidence(Protocol):
    """Knows whether a signal arrived, and if not what may keep it."""

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return where each signal that arrived was seen, and the evidence."""

    def hint(self, signal: str) -> str:
        """Return what to check when a signal does not arrive."""


def choose_pod_evidence(cluster: Cluster, arrival: Mapping[str, Any], probe_id: str) -> ArrivalEvidence:
    """Return how to see a probe in pods, as option `arrival` says. Metrics are read once now, before the sending."""
    pods = CollectorPods(cluster, arrival)
    return (
        LogEvidence(pods, probe_id) if arrival["evidence"] == "logs" else MetricsEvidence(pods, arrival["metrics_port"])
    )


class _LogPlace(NamedTuple):
    """The log of a container: how it is called, its path and its query."""

    name: str
    path: str
    query: dict[str, Any]


class LogEvidence:
    """The debug exporter prints each record."""

    def __init__(self, pods: CollectorPods, probe_id: str) -> None:
        self._pods, self._id = pods, probe_id
        self._start = pods.cluster.clock()

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return the lines of each signal's record, of the first log that has it."""
        arrivals: ArrivalsBySignal = {}
        for log_owner, log_text in self.read_texts():
            for signal in signals:
                lines = [] if signal in arrivals else find_probe_lines(log_text, signal, self._id)
                if lines:
                    arrivals[signal] = Arrival(f"the log of {log_owner}", lines)
        return arrivals

    def read_texts(self) -> list[tuple[str, str]]:
        """Return where the log of each container is, and its text since the start."""
        log_places = self._list_log_places()
        log_texts = self._pods.read_paths([(log_place.path, log_place.query) for log_place in log_places])
        return [(log_place.name, log_text) for log_place, log_text in zip(log_places, log_texts, strict=True)]

    def _list_log_places(self) -> list[_LogPlace]:
        seconds = int(self._pods.cluster.clock() - self._start) + LOG_MARGIN_SECONDS
        log_places = []
        for pod in self._pods.running_pods:
            pod_name = pod["metadata"]["name"]
            for container in list_running_containers(pod["spec"]):
                name = f"pod {self._pods.namespace}/{pod_name}, container {container}"
                query = {"container": container, "sinceSeconds": seconds}
                log_places.append(_LogPlace(name, f"{self._pods.pods_path}/{pod_name}/log", query))
        return log_places

    def hint(self, signal: str) -> str:
        """Return what keeps a record out of a log."""
        return f"Check that a {signal} pipeline of these pods has the debug exporter with verbosity: detailed."


class MetricsEvidence:
    """The collector counts what it accepts and sends; other traffic counts too, so this shows less than a log."""

    def __init__(self, pods: CollectorPods, port: int) -> None:
        self._pods, self._port = pods, port
        self._before = self._read_counts_by_pod()
        self._trouble: dict[str, list[str]] = {}

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return the counts that grew for each signal that was accepted and sent, and the pods that counted it."""
        counts_before, counts_after = self._before, self._read_counts_by_pod()
        total_before, total_after = _sum_counts(counts_before), _sum_counts(counts_after)
        self._trouble = {}
        arrivals: ArrivalsBySignal = {}
        for signal in signals:
            counter_growth = compare_counters(total_before, total_after, signal)
            self._trouble[signal] = counter_growth.failure_lines
            if counter_growth.has_passed:
                counting_pods = describe_counting_pods(self._pods.namespace, counts_before, counts_after, signal)
                arrivals[signal] = Arrival(counting_pods, counter_growth.growth_lines)
        return arrivals

    def _read_counts_by_pod(self) -> dict[str, Counts]:
        """Return what each pod has counted. Raises Problem with the address and port that must serve metrics."""
        try:
            metrics_texts = self._pods.read_metrics_by_pod(self._port)
        except Problem as problem:
            required_metrics = f"Prometheus metrics on the pod's address, port {self._port}"
            fix = f"Let service.telemetry serve {required_metrics}, or use evidence: logs."
            raise Problem(problem.wrong, asked=ACTION, where=problem.where, fix=fix) from problem
        return {pod_name: read_item_counters(metrics_text) for pod_name, metrics_text in metrics_texts}

    def hint(self, signal: str) -> str:
        """Return what the counters say of failures, or what to check if they say nothing."""
        trouble = ", ".join(self._trouble.get(signal) or [])
        if trouble:
            return f"The collector counts: {trouble}; read its log."
        return f"Check its {signal} pipeline and its log."


def _sum_counts(counts_by_pod: Mapping[str, Counts]) -> Counts:
    return sum(counts_by_pod.values(), Counter())
