# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the own metrics of collectors twice, to see what flows through them. Private.

`collect.py` makes a `Meter` for each collector, takes the first reading of all, and calls `watch_flow` for the second.
A reading has the counters of a pod; what flowed is the difference of two:

    first reading   obs/gateway-1: {otelcol_receiver_accepted_spans: 100, …}
    last reading    obs/gateway-1: {otelcol_receiver_accepted_spans: 107, …}
    flow            7 spans came in
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..._otelcol.catalogue.port_rows import Listeners
from ..._telemetry.metrics import Reading, estimate_memory_used, read_counts, subtract_readings, sum_readings
from ..._telemetry.metrics_address import explain_unreachable_metrics, find_metrics_address
from ..._telemetry.signal_flow import SignalFlow
from ..pod_states import read_memory_limit
from .find_collectors import DiagnosedTarget
from .reader import ClusterReader, Notes, Object, ReadResult, object_path

# The pauses between readings: each is longer than the one before by this factor.
FIRST_PAUSE_SECONDS = 0.5
PAUSE_GROWTH = 1.4
LONGEST_PAUSE_SECONDS = 2.0
# Pods of a collector that are read. More of them say the same.
MOST_PODS = 20
# The name of the part in the notes on what could not be seen.
OWN_METRICS = "own metrics"


def find_metrics_paths(
    pods: Sequence[Object], notes: Notes, config: dict[str, Any], default_port: int
) -> dict[str, str]:
    """Return the path of the own metrics of each pod at the API server, by the pod as NAMESPACE/NAME.

    There are none if the config does not serve metrics, and at most those of MOST_PODS pods. The notes say so.
    """
    unserved_reason = explain_unreachable_metrics(config, default_port)
    if unserved_reason:
        if pods:
            notes.note_unseen(OWN_METRICS, unserved_reason)
        return {}
    if len(pods) > MOST_PODS:
        notes.note_unseen(f"{OWN_METRICS} of all pods", f"{MOST_PODS} of {len(pods)} are read")
    port = find_metrics_address(config, default_port).port
    paths = {}
    for pod in pods[:MOST_PODS]:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        paths[f"{namespace}/{name}"] = f"{object_path('pods', namespace, name)}:{port}/proxy/metrics"
    return paths


@dataclass
class Meter:
    """The readings of the metrics of one collector. Readings are by the pod as NAMESPACE/NAME.

    `take_readings` adds a reading, as often as somebody reads; `measure_flow` compares the first with the last one.
    """

    target: DiagnosedTarget
    config: dict[str, Any]
    listeners: Listeners
    default_port: int
    first_reading_by_pod: dict[str, Reading] = field(default_factory=dict)
    last_reading_by_pod: dict[str, Reading] = field(default_factory=dict)
    signal_flow: SignalFlow | None = None
    """What flowed between the readings; None before the second reading, and if nothing could be read."""
    is_fresh: bool = False
    """Whether the pods are new, so that one reading shows all that they did."""

    def list_metrics_paths(self) -> dict[str, str]:
        """Return the path of the metrics of each running pod, by the pod as NAMESPACE/NAME."""
        running_pods = [pod for pod in self.target.pods if pod.get("status", {}).get("phase") == "Running"]
        return find_metrics_paths(running_pods, self.target.notes, self.config, self.default_port)

    def take_readings(self, answers: dict[str, ReadResult]) -> None:
        """Keep the reading of each pod. The first reading of a pod stays the one that later ones are compared with."""
        for pod, answer in answers.items():
            if answer.value is None:
                self.target.notes.note_unseen(OWN_METRICS, f"pod {pod}: {answer.unread_reason}")
                continue
            reading = read_counts(answer.value)
            self.last_reading_by_pod[pod] = reading
            # A new pod began to count at 0, so its first reading shows all that flowed.
            self.first_reading_by_pod.setdefault(pod, Reading() if self.is_fresh else reading)

    def measure_flow(self, seconds: float) -> None:
        """Work out what flowed between the first and the last reading, which are so many seconds apart."""
        if not self.last_reading_by_pod:
            return
        gained_by_pod = []
        for pod, last_reading in self.last_reading_by_pod.items():
            gained_by_pod.append(subtract_readings(self.first_reading_by_pod[pod], last_reading))
        totals = sum_readings(list(self.last_reading_by_pod.values()))
        self.signal_flow = SignalFlow(self.config, self.listeners, sum_readings(gained_by_pod), totals, seconds)

    def describe_memory(self) -> list[dict[str, Any]]:
        """Return how much of its memory limit each pod uses, in bytes and in percent; nothing without a limit."""
        limit = read_memory_limit(self.target.collector_container)
        if not limit:
            return []
        rows = []
        for pod, pod_reading in self.last_reading_by_pod.items():
            used_bytes = int(estimate_memory_used(pod_reading))
            if used_bytes:
                pod_name = pod.partition("/")[2]
                percent = 100 * used_bytes // limit
                rows.append({"pod": pod_name, "bytes": used_bytes, "limit": limit, "percent": percent})
        return rows


class _MeterRead(NamedTuple):
    """The metrics of one pod that are to be read for a meter."""

    meter: Meter
    pod: str
    path: str


def read_all_meters(reader: ClusterReader, meters: list[Meter]) -> None:
    """Take a reading of all pods of all collectors, many at a time."""
    reads: list[_MeterRead] = []
    for meter in meters:
        for pod, path in meter.list_metrics_paths().items():
            reads.append(_MeterRead(meter, pod, path))
    answers = reader.cluster.call_in_parallel(lambda read: reader.read_answer_text(read.path), reads)
    for read, answer in zip(reads, answers, strict=True):
        read.meter.take_readings({read.pod: answer})


def watch_flow(reader: ClusterReader, meters: list[Meter], started_at: float, window_seconds: float) -> None:
    """Read again and again until each collector shows where its data goes, or until the window is over.

    `started_at` is when the first reading began, by the clock of the reader. With a window of 0, read once.
    """
    # The collectors that still have to show where their data goes. Those without a first reading show nothing.
    moving_meters = [meter for meter in meters if meter.last_reading_by_pod]
    pause_seconds = FIRST_PAUSE_SECONDS
    while moving_meters:
        seconds_left = window_seconds - (reader.cluster.clock() - started_at)
        reader.cluster.sleep(max(min(pause_seconds, seconds_left), 0))
        pause_seconds = min(pause_seconds * PAUSE_GROWTH, LONGEST_PAUSE_SECONDS)
        read_all_meters(reader, moving_meters)
        seconds = reader.cluster.clock() - started_at
        for meter in moving_meters:
            meter.measure_flow(seconds)
        moving_meters = [meter for meter in moving_meters if meter.signal_flow and not meter.signal_flow.has_settled()]
        if seconds >= window_seconds:
            return
