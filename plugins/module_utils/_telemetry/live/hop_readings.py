# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the collectors on the way of a record counted since it was sent. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._errors import Problem
from ..._kube.live.cluster import Cluster
from ..lost_records import Hop
from ..metrics import Reading, grown, reading, total
from .collector_pods import Pods


class HopReadings:
    """The counts of each pod of some collectors at the start; a collector that cannot be read hides no other."""

    def __init__(self, cluster: Cluster, hops: Sequence[Mapping[str, Any]]) -> None:
        self._cluster, self._options = cluster, hops
        self._before = self._read()

    def hops(self) -> list[Hop]:
        """Return the collectors with what they counted since the start."""
        after = self._read()
        return [self._hop(options, *pair) for options, *pair in zip(self._options, self._before, after, strict=True)]

    def _read(self) -> list[dict[str, Reading] | str]:
        return self._cluster.parallel(self._counts, self._options)

    def _counts(self, options: Mapping[str, Any]) -> dict[str, Reading] | str:
        """Return the counts by pod, or why they cannot be read."""
        if not options["metrics_port"]:
            return "it serves no metrics that the API server reaches"
        try:
            pods = Pods(self._cluster, options)
            return {pod: reading(text) for pod, text in pods.metrics(options["metrics_port"])}
        except Problem as problem:
            return problem.wrong

    @staticmethod
    def _hop(options: Mapping[str, Any], before: dict[str, Reading] | str, after: dict[str, Reading] | str) -> Hop:
        name, exporters = options["name"], options["exporters"]
        unread = next((one for one in (after, before) if isinstance(one, str)), "")
        if unread or isinstance(before, str) or isinstance(after, str):
            return Hop(name, exporters, Reading(), Reading(), unread)
        gained = total([grown(before.get(pod, Reading()), counts) for pod, counts in after.items()])
        return Hop(name, exporters, gained, total(list(after.values())))
