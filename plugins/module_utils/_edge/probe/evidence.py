# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the pods of a collector whether a probe arrived: by their logs, or by their own metrics. Private."""

from __future__ import annotations

from collections import Counter
from typing import Any, Protocol

from ..._core.cluster.bundle import Manifest
from ..._core.errors import Problem
from ..._core.probe.evidence import counters, excerpt, growth, listening
from ..api.cluster import ApiError, Cluster
from ..api.explain import explain
from ..api.kinds import segment

ASKED = "See the probe arrive"
# How much earlier than the probe a log is read: the node's clock counts whole seconds.
LOG_MARGIN_SECONDS = 3


class Evidence(Protocol):
    """Knows whether a signal arrived, and if not what may keep it."""

    def look(self, signals: list[str]) -> dict[str, list[str]]:
        """Return the evidence for each signal that arrived."""

    def hint(self, signal: str) -> str:
        """Return what to check when a signal does not arrive."""


class Pods:
    """The running pods where something must arrive."""

    def __init__(self, cluster: Cluster, arrival: dict[str, Any]) -> None:
        self.cluster = cluster
        self.root = f"/api/v1/namespaces/{segment(arrival['namespace'])}/pods"
        query = {"labelSelector": arrival["selector"]}
        try:
            found = list(cluster.items(self.root, query))
        except ApiError as error:
            raise explain(error, "List the pods of the collector") from error
        self.running = [pod for pod in found if pod.get("status", {}).get("phase") == "Running"]
        if not self.running:
            where = f"namespace {arrival['namespace']}, selector {arrival['selector']}"
            fix = "Correct arrival, or wait for the collector first."
            raise Problem("no running pod is selected", asked=ASKED, where=where, fix=fix)

    def ask(self, paths: list[tuple[str, dict[str, Any]]]) -> list[str]:
        """Return some texts of the pods."""
        try:
            return self.cluster.parallel(lambda one: self.cluster.text(*one), paths)
        except ApiError as error:
            raise explain(error, ASKED) from error


class Logs:
    """The debug exporter prints each record."""

    def __init__(self, pods: Pods, probe_id: str) -> None:
        self._pods, self._id = pods, probe_id
        self._start = pods.cluster.clock()

    def look(self, signals: list[str]) -> dict[str, list[str]]:
        """Return the lines of each signal's record."""
        seconds = int(self._pods.cluster.clock() - self._start) + LOG_MARGIN_SECONDS
        paths = [
            (f"{self._pods.root}/{pod['metadata']['name']}/log", {"container": name, "sinceSeconds": seconds})
            for pod in self._pods.running
            for name in _containers(pod)
        ]
        texts = self._pods.ask(paths)
        found = {
            signal: next(filter(None, (excerpt(text, signal, self._id) for text in texts)), []) for signal in signals
        }
        return {signal: lines for signal, lines in found.items() if lines}

    def hint(self, signal: str) -> str:
        """Return what keeps a record out of a log."""
        return f"Check that a {signal} pipeline of these pods has the debug exporter with verbosity: detailed."


def _containers(pod: Manifest) -> list[str]:
    return [container["name"] for container in pod["spec"]["containers"]]


class Metrics:
    """The collector counts what it accepts and sends; other traffic counts too, so this shows less than a log."""

    def __init__(self, pods: Pods, port: int) -> None:
        self._pods, self._port = pods, port
        self._before = self._read()
        self._trouble: dict[str, list[str]] = {}

    def _read(self) -> Counter[tuple[str, str]]:
        names = [pod["metadata"]["name"] for pod in listening(self._pods.running, self._port)]
        paths: list[tuple[str, dict[str, Any]]] = [
            (f"{self._pods.root}/{name}:{self._port}/proxy/metrics", {}) for name in names
        ]
        try:
            texts = self._pods.ask(paths)
        except Problem as problem:
            fix = f"Let service.telemetry serve Prometheus metrics on 0.0.0.0:{self._port}, or use evidence: logs."
            raise Problem(problem.wrong, asked=ASKED, where=problem.where, fix=fix) from problem
        return sum((counters(text) for text in texts), Counter())

    def look(self, signals: list[str]) -> dict[str, list[str]]:
        """Return the counts that grew for each signal that was accepted and sent."""
        after = self._read()
        found = {signal: growth(self._before, after, signal) for signal in signals}
        self._trouble = {signal: trouble for signal, (_arrived, _lines, trouble) in found.items()}
        return {signal: lines for signal, (arrived, lines, _trouble) in found.items() if arrived}

    def hint(self, signal: str) -> str:
        """Return which counts tell of trouble."""
        trouble = ", ".join(self._trouble.get(signal) or [])
        return (
            f"The collector counts: {trouble}; read its log."
            if trouble
            else f"Check its {signal} pipeline and its log."
        )


def evidence(cluster: Cluster, arrival: dict[str, Any], probe_id: str) -> Evidence:
    """Return how to see the arrival, with what it must know from before the sending."""
    pods = Pods(cluster, arrival)
    return Logs(pods, probe_id) if arrival["evidence"] == "logs" else Metrics(pods, arrival["metrics_port"])
