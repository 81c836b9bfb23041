# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the collectors on the way of a record counted since it was sent. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..._kube.live.cluster import Cluster
from ..._otelcol.errors import Problem
from ..lost_records import Hop
from ..metrics import Reading, read_counts, subtract_readings, sum_readings
from .collector_pods import CollectorPods


@dataclass(frozen=True)
class _HopCounts:
    """What the pods of one collector have counted, by pod, and why some of them cannot be read."""

    counts_by_pod: Mapping[str, Reading]
    unread_reason: str = ""


class HopReadings:
    """The counts of each pod of some collectors at the start; a collector that cannot be read hides no other."""

    def __init__(self, cluster: Cluster, hops: Sequence[Mapping[str, Any]]) -> None:
        self._cluster, self._options = cluster, hops
        self._before = self._read_all_counts()

    def read_hops(self) -> list[Hop]:
        """Return the collectors with what they counted since the start."""
        hops = []
        for hop_options, counts_before, counts_after in zip(
            self._options, self._before, self._read_all_counts(), strict=True
        ):
            gained_counts = [
                subtract_readings(counts_before.counts_by_pod.get(pod_name, Reading()), counts)
                for pod_name, counts in counts_after.counts_by_pod.items()
            ]
            current_counts = sum_readings(list(counts_after.counts_by_pod.values()))
            unread_reason = counts_after.unread_reason or counts_before.unread_reason
            hops.append(
                Hop(
                    hop_options["name"],
                    hop_options["exporters"],
                    sum_readings(gained_counts),
                    current_counts,
                    unread_reason,
                )
            )
        return hops

    def _read_all_counts(self) -> list[_HopCounts]:
        return self._cluster.call_in_parallel(self._read_hop_counts, self._options)

    def _read_hop_counts(self, hop_options: Mapping[str, Any]) -> _HopCounts:
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
            elif isinstance(metrics_text, Problem):  # of a node that is away
                unread_reason = unread_reason or metrics_text.wrong
        return _HopCounts(readings_by_pod, unread_reason)
