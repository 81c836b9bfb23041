# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the counts of the collectors on the way of a record, before it is sent and after. Private.

Module otlp_probe makes `HopReadings` before it sends, and calls `read_hops` if the record does not arrive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..._kube.live.cluster import Cluster
from ..._otelcol.errors import Problem
from ..lost_records import HopCounts
from ..metrics import Reading, read_counts, subtract_readings, sum_readings
from .collector_pods import CollectorPods
from .probe_options import HopOptions


@dataclass(frozen=True)
class _HopCounts:
    """The counts of one collector at one moment."""

    counts_by_pod: Mapping[str, Reading]
    unread_reason: str = ""
    """Why the counts of some pods cannot be read; empty if all are read."""


class HopReadings:
    """The collectors on the way, the hops, with their counts at the start.

    A hop whose counts cannot be read has the reason; the others are compared all the same.
    """

    def __init__(self, cluster: Cluster, hops: Sequence[HopOptions]) -> None:
        self._cluster, self._hop_options = cluster, hops
        self._counts_at_start = self._read_all_counts()

    def read_hops(self) -> list[HopCounts]:
        """Return the collectors with their counts now, and by how much these have grown since the start."""
        counts_now = self._read_all_counts()
        hops = []
        for options, before, after in zip(self._hop_options, self._counts_at_start, counts_now, strict=True):
            gained_by_pod = []
            for pod_name, pod_counts in after.counts_by_pod.items():
                counts_at_start = before.counts_by_pod.get(pod_name, Reading())
                gained_by_pod.append(subtract_readings(counts_at_start, pod_counts))
            hops.append(
                HopCounts(
                    name=options["name"],
                    exporters=options["exporters"],
                    gained_counts=sum_readings(gained_by_pod),
                    current_counts=sum_readings(list(after.counts_by_pod.values())),
                    unread_reason=after.unread_reason or before.unread_reason,
                )
            )
        return hops

    def _read_all_counts(self) -> list[_HopCounts]:
        return self._cluster.call_in_parallel(self._read_hop_counts, self._hop_options)

    def _read_hop_counts(self, hop_options: HopOptions) -> _HopCounts:
        """Return the counts of the pods of one collector that listen on its port for metrics."""
        port = hop_options["metrics_port"]
        if not port:
            return _HopCounts({}, "it serves no metrics that the API server reaches")
        try:
            pods = CollectorPods(self._cluster, hop_options)
        except Problem as problem:
            return _HopCounts({}, problem.wrong)
        pod_names = pods.list_listening_pods(port)
        metrics_texts = self._cluster.call_in_parallel(partial(pods.read_own_metrics, port), pod_names)
        readings_by_pod: dict[str, Reading] = {}
        unread_reason = ""
        for pod_name, metrics_text in zip(pod_names, metrics_texts, strict=True):
            if isinstance(metrics_text, str):
                readings_by_pod[pod_name] = read_counts(metrics_text)
            elif isinstance(metrics_text, Problem):  # for example, the node does not answer
                unread_reason = unread_reason or metrics_text.wrong
        return _HopCounts(readings_by_pod, unread_reason)
