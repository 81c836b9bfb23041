# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the collectors on the way of a record counted since it was sent. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..._kube.live.cluster import Cluster
from ..._otelcol.errors import Problem
from ..lost_records import Hop
from ..metrics import Reading, grown, reading, total
from .collector_pods import Pods

# The counts by pod, and why some of them cannot be read.
_Read = tuple[dict[str, Reading], str]


class HopReadings:
    """The counts of each pod of some collectors at the start; a collector that cannot be read hides no other."""

    def __init__(self, cluster: Cluster, hops: Sequence[Mapping[str, Any]]) -> None:
        self._cluster, self._options = cluster, hops
        self._before = self._read()

    def hops(self) -> list[Hop]:
        """Return the collectors with what they counted since the start."""
        after = self._read()
        return [self._hop(options, *pair) for options, *pair in zip(self._options, self._before, after, strict=True)]

    def _read(self) -> list[_Read]:
        return self._cluster.parallel(self._counts, self._options)

    def _counts(self, options: Mapping[str, Any]) -> _Read:
        """Return the counts by pod, and why some of them cannot be read."""
        port = options["metrics_port"]
        if not port:
            return {}, "it serves no metrics that the API server reaches"
        try:
            pods = Pods(self._cluster, options)
        except Problem as problem:
            return {}, problem.wrong
        names = pods.listening(port)
        texts = dict(zip(names, self._cluster.parallel(partial(pods.own_metrics, port), names), strict=True))
        lost = [text.wrong for text in texts.values() if isinstance(text, Problem)]  # of a node that is away
        return {name: reading(text) for name, text in texts.items() if isinstance(text, str)}, next(iter(lost), "")

    @staticmethod
    def _hop(options: Mapping[str, Any], before: _Read, after: _Read) -> Hop:
        gained = [grown(before[0].get(pod, Reading()), counts) for pod, counts in after[0].items()]
        now = total(list(after[0].values()))
        return Hop(options["name"], options["exporters"], total(gained), now, after[1] or before[1])
