# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads how much the collector's own pods receive while the pod of a capture runs beside them. Private.

Each pod counts what its receivers accept in its own metrics. `collector_rates` computes rates of two such readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._collector.options import METRICS_PORT
from ..._diagnose.live.find_collectors import DiagnosedTarget, list_own_pods
from ..._diagnose.live.flow import OWN_METRICS, find_metrics_paths
from ..._diagnose.live.reader import ClusterReader, Notes, Object
from ..._kube.conditions import is_ready
from ..._telemetry.metrics import Reading, read_counts
from ..collector_rates import PodReading, ServedRecords, compute_served_records


class ServingPods:
    """The collector's own pods. `receivers` are those that also run in the pod of the capture."""

    def __init__(
        self, reader: ClusterReader, target: DiagnosedTarget, config: dict[str, Any], receivers: Sequence[str]
    ) -> None:
        self._reader, self._target, self._config, self._receivers = reader, target, config, receivers

    def read_pods(self, known_pods: Sequence[str] = ()) -> PodReading:
        """Read the metrics of all pods that are ready now, at the same time.

        Only some pods are read of a large collector, so those of `known_pods` come first. A pod that does not answer
        is noted.
        """
        cluster = self._reader.cluster
        read_at = cluster.clock()
        # The reader of the run knows each list as it was when the first collector was captured.
        current_reader = ClusterReader(cluster, self._reader.quick_cluster)
        pods = list_own_pods(current_reader, self._target)
        ready_pods = [pod for pod in pods if is_ready(pod)]
        ready_pods.sort(key=lambda pod: _full_pod_name(pod) not in known_pods)
        notes = Notes()
        path_by_pod = find_metrics_paths(ready_pods, notes, self._config, METRICS_PORT)
        answers = cluster.call_in_parallel(current_reader.read_answer_text, list(path_by_pod.values()))
        counts: dict[str, Reading] = {}
        for pod_name, answer in zip(path_by_pod, answers, strict=True):
            if answer.value is None:
                notes.note_unseen(OWN_METRICS, f"pod {pod_name}: {answer.unread_reason}")
            else:
                counts[pod_name] = read_counts(answer.value)
        return PodReading(
            read_time=read_at,
            pod_names=frozenset(_full_pod_name(pod) for pod in pods),
            ready_pod_count=len(ready_pods),
            counts_by_pod=counts,
            unread_reason=notes.find_reason(OWN_METRICS),
        )

    def read_served_since(self, first_reading: PodReading) -> ServedRecords:
        """Return what all pods that are ready now have accepted since an earlier reading."""
        last_reading = self.read_pods(known_pods=list(first_reading.counts_by_pod))
        return compute_served_records(first_reading, last_reading, self._receivers)


def _full_pod_name(pod: Object) -> str:
    """Return NAMESPACE/NAME, by which `find_metrics_paths` names a pod."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
