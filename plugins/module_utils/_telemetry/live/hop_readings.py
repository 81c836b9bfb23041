# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What did each collector on the way of a probe count while the probe was sent? Private.

The way of a probe may lead through several collectors, such as an agent and a gateway. A hop is one of them, with all
its pods, as the option `hops` of module otlp_probe has it. The module makes `HopReadings` before it sends, which reads
the counts for the first time, and calls `read_hops` if the record does not arrive. For example, a gateway that took a
span:

    HopCounts(name="gateway", gained_counts={CountKey("receiver_accepted", "otlp", "traces"): 1, …}, …)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from ..._kube.live.cluster import Cluster
from ..._otelcol.errors import Problem
from ..lost_records import HopCounts
from ..metrics import Reading, read_counts, subtract_readings, sum_readings
from .collector_pods import CollectorPods
from .probe_options import HopOptions


class _PodReading(NamedTuple):
    """The counts of a pod, or why they cannot be read."""

    pod_name: str
    counts: Reading | None
    """None if they cannot be read."""
    unread_reason: str = ""


@dataclass(frozen=True)
class _HopReading:
    """The counts of one collector at one moment."""

    counts_by_pod: Mapping[str, Reading]
    unread_reason: str = ""
    """Why the counts of some pods cannot be read; empty if all are read."""


class HopReadings:
    """The collectors on the way of a probe, with their counts before it is sent.

    A collector whose counts cannot be read has the reason; the others are compared all the same.
    """

    def __init__(self, cluster: Cluster, hops: Sequence[HopOptions]) -> None:
        """Read the counts for the first time."""
        self._cluster, self._hops = cluster, hops
        self._readings_before = self._read_all()

    def read_hops(self) -> list[HopCounts]:
        """Return the collectors with their counts now, and by how much these have grown since the first reading."""
        readings_after = self._read_all()
        hops_with_readings = zip(self._hops, self._readings_before, readings_after, strict=True)
        return [_compare_readings(hop, before, after) for hop, before, after in hops_with_readings]

    def _read_all(self) -> list[_HopReading]:
        """Return the counts of each collector, in the order of the options."""
        return self._cluster.call_in_parallel(self._read_hop, self._hops)

    def _read_hop(self, hop: HopOptions) -> _HopReading:
        """Return the counts of the pods of one collector that listen on its port for metrics."""
        port = hop["metrics_port"]
        if not port:
            return _HopReading({}, "it serves no metrics that the API server reaches")
        try:
            pods = CollectorPods(self._cluster, hop)
        except Problem as problem:
            return _HopReading({}, problem.wrong)
        pod_readings = self._cluster.call_in_parallel(partial(_read_pod, pods, port), pods.list_listening_pods(port))
        reasons = [reading.unread_reason for reading in pod_readings if reading.unread_reason]
        return _HopReading(
            {reading.pod_name: reading.counts for reading in pod_readings if reading.counts is not None},
            reasons[0] if reasons else "",
        )


def _read_pod(pods: CollectorPods, port: int, pod_name: str) -> _PodReading:
    """Return the counts of a pod. They cannot be read if, for example, its node does not answer."""
    try:
        return _PodReading(pod_name, read_counts(pods.read_metrics(port, pod_name)))
    except Problem as problem:
        return _PodReading(pod_name, None, problem.wrong)


def _compare_readings(hop: HopOptions, before: _HopReading, after: _HopReading) -> HopCounts:
    """Return the counts of a collector after a record, and by how much they have grown. A new pod began at 0."""
    gained_by_pod = []
    for pod_name, counts in after.counts_by_pod.items():
        counts_before = before.counts_by_pod.get(pod_name, Reading())
        gained_by_pod.append(subtract_readings(counts_before, counts))
    return HopCounts(
        name=hop["name"],
        exporters=hop["exporters"],
        gained_counts=sum_readings(gained_by_pod),
        current_counts=sum_readings(list(after.counts_by_pod.values())),
        # Counts that are missing in one of the readings cannot be compared.
        unread_reason=after.unread_reason or before.unread_reason,
    )
