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
from ..evidence import Counts, containers, counted_by, counters, excerpt, growth
from .backend_http import ASKED
from .backend_search import Arrival, Seen
from .collector_pods import Pods

# How much earlier than the probe a log is read: the node's clock counts whole seconds.
LOG_MARGIN_SECONDS = 3


class Evidence(Protocol):
    """Knows whether a signal arrived, and if not what may keep it."""

    def look(self, signals: list[str]) -> Seen:
        """Return where each signal that arrived was seen, and the evidence."""

    def hint(self, signal: str) -> str:
        """Return what to check when a signal does not arrive."""


def pod_evidence(cluster: Cluster, arrival: Mapping[str, Any], probe_id: str) -> Evidence:
    """Return how to see a probe in pods, as option `arrival` says. Metrics are read once now, before the sending."""
    pods = Pods(cluster, arrival)
    return Logs(pods, probe_id) if arrival["evidence"] == "logs" else Metrics(pods, arrival["metrics_port"])


class _LogPlace(NamedTuple):
    """The log of a container: how it is called, its path and its query."""

    name: str
    path: str
    query: dict[str, Any]


class Logs:
    """The debug exporter prints each record."""

    def __init__(self, pods: Pods, probe_id: str) -> None:
        self._pods, self._id = pods, probe_id
        self._start = pods.cluster.clock()

    def look(self, signals: list[str]) -> Seen:
        """Return the lines of each signal's record, of the first log that has it."""
        arrivals: Seen = {}
        for where, text in self.texts():
            for signal in signals:
                lines = [] if signal in arrivals else excerpt(text, signal, self._id)
                if lines:
                    arrivals[signal] = Arrival(f"the log of {where}", lines)
        return arrivals

    def texts(self) -> list[tuple[str, str]]:
        """Return where the log of each container is, and its text since the start."""
        places = self._places()
        texts = self._pods.ask([(place.path, place.query) for place in places])
        return [(place.name, text) for place, text in zip(places, texts, strict=True)]

    def _places(self) -> list[_LogPlace]:
        seconds = int(self._pods.cluster.clock() - self._start) + LOG_MARGIN_SECONDS
        places = []
        for pod in self._pods.running:
            pod_name = pod["metadata"]["name"]
            for container in containers(pod["spec"]):
                name = f"pod {self._pods.namespace}/{pod_name}, container {container}"
                query = {"container": container, "sinceSeconds": seconds}
                places.append(_LogPlace(name, f"{self._pods.root}/{pod_name}/log", query))
        return places

    def hint(self, signal: str) -> str:
        """Return what keeps a record out of a log."""
        return f"Check that a {signal} pipeline of these pods has the debug exporter with verbosity: detailed."


class Metrics:
    """The collector counts what it accepts and sends; other traffic counts too, so this shows less than a log."""

    def __init__(self, pods: Pods, port: int) -> None:
        self._pods, self._port = pods, port
        self._before = self._counts_by_pod()
        self._trouble: dict[str, list[str]] = {}

    def look(self, signals: list[str]) -> Seen:
        """Return the counts that grew for each signal that was accepted and sent, and the pods that counted it."""
        before, after = self._before, self._counts_by_pod()
        total_before, total_after = _total(before), _total(after)
        self._trouble = {}
        arrivals: Seen = {}
        for signal in signals:
            grown = growth(total_before, total_after, signal)
            self._trouble[signal] = grown.trouble
            if grown.has_passed:
                where = counted_by(self._pods.namespace, before, after, signal)
                arrivals[signal] = Arrival(where, grown.lines)
        return arrivals

    def _counts_by_pod(self) -> dict[str, Counts]:
        """Return what each pod has counted. Raises Problem with the address and port that must serve metrics."""
        try:
            texts = self._pods.metrics(self._port)
        except Problem as problem:
            served = f"Prometheus metrics on the pod's address, port {self._port}"
            fix = f"Let service.telemetry serve {served}, or use evidence: logs."
            raise Problem(problem.wrong, asked=ASKED, where=problem.where, fix=fix) from problem
        return {name: counters(text) for name, text in texts}

    def hint(self, signal: str) -> str:
        """Return what the counters say of failures, or what to check if they say nothing."""
        trouble = ", ".join(self._trouble.get(signal) or [])
        if trouble:
            return f"The collector counts: {trouble}; read its log."
        return f"Check its {signal} pipeline and its log."


def _total(counts_by_pod: Mapping[str, Counts]) -> Counts:
    return sum(counts_by_pod.values(), Counter())
