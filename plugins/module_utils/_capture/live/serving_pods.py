# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the own metrics of the pods beside that of a capture. Private."""

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
    """The pods of a collector that serve while a capture runs. `receivers` are those that the capture has, too."""

    def __init__(
        self, reader: ClusterReader, target: DiagnosedTarget, config: dict[str, Any], receivers: Sequence[str]
    ) -> None:
        self._reader, self._target, self._config, self._receivers = reader, target, config, receivers

    def read_pods(self, known_pods: Sequence[str] = ()) -> PodReading:
        """Read the pods that are ready now, all at once and the known ones first. One that does not answer is noted."""
        read_at = self._reader.cluster.clock()
        # The reader of the run knows each list as it was when the first collector was captured.
        current_reader = ClusterReader(self._reader.cluster, self._reader.quick_cluster)
        pods = list_own_pods(current_reader, self._target)
        ready_pods = sorted(filter(is_ready, pods), key=lambda pod: _full_pod_name(pod) not in known_pods)
        notes = Notes()
        paths = find_metrics_paths(ready_pods, notes, self._config, METRICS_PORT)
        counts: dict[str, Reading] = {}
        for pod, answer in zip(
            paths, self._reader.cluster.call_in_parallel(current_reader.read_text, list(paths.values())), strict=True
        ):
            if answer.value is None:
                notes.note_unseen(OWN_METRICS, f"pod {pod}: {answer.unread_reason}")
            else:
                counts[pod] = read_counts(answer.value)
        return PodReading(
            read_at, frozenset(map(_full_pod_name, pods)), len(ready_pods), counts, notes.find_reason(OWN_METRICS)
        )

    def read_served_since(self, first_reading: PodReading) -> ServedRecords:
        """Return what all pods that are ready now have accepted since a reading."""
        return compute_served_records(first_reading, self.read_pods(list(first_reading.counts_by_pod)), self._receivers)


def _full_pod_name(pod: Object) -> str:
    """Return the name of a pod as metrics_paths has it."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
