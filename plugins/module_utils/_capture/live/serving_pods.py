# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the own metrics of the pods beside that of a capture. Private."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._collector.options import METRICS_PORT
from ..._diagnose.live.find_collectors import DiagnosedTarget
from ..._diagnose.live.flow import OWN_METRICS, metrics_paths
from ..._diagnose.live.reader import ClusterReader
from ..._kube.conditions import is_ready
from ..._telemetry.metrics import Reading, reading
from ..collector_rates import PodReading, ServingRates, serving_rates


class ServingPods:
    """The pods of a collector that serve while a capture runs. `receivers` are those that the capture has, too."""

    def __init__(
        self, reader: ClusterReader, target: DiagnosedTarget, config: dict[str, Any], receivers: Sequence[str]
    ) -> None:
        self._reader, self._target, self._receivers = reader, target, receivers
        self._paths = metrics_paths(target, config, METRICS_PORT)

    def read(self) -> PodReading:
        """Read all of them at once. A pod that does not answer is left out, and noted."""
        at = self._reader.cluster.clock()
        answers = self._reader.cluster.parallel(self._reader.text, list(self._paths.values()))
        pods: dict[str, Reading] = {}
        for pod, answer in zip(self._paths, answers, strict=True):
            if answer.value is None:
                self._target.notes.add(OWN_METRICS, f"pod {pod}: {answer.why}")
            else:
                pods[pod] = reading(answer.value)
        return PodReading(pods, at)

    def rates_since(self, before: PodReading) -> ServingRates | None:
        """Return what all ready pods have received in a second since a reading; None if that is not known."""
        ready_pods = sum(map(is_ready, self._target.pods))
        return serving_rates(before, self.read(), self._receivers, ready_pods)

    @property
    def why_unknown(self) -> str:
        """Why the own metrics of a pod could not be read; empty if all could, or if there is no pod."""
        for row in self._target.notes.rows():
            if row["what"] == OWN_METRICS:
                return row["why"]
        return ""
