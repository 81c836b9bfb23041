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
from ..metrics import Reading, grown, reading, total
from .collector_pods import Pods


@dataclass(frozen=True)
class _HopCounts:
    """What the pods of one collector have counted, by pod, and why some of them cannot be read."""

    by_pod: Mapping[str, Reading]
    unread: str = ""


class HopReadings:
    """The counts of each pod of some collectors at the start; a collector that cannot be read hides no other."""

    def __init__(self, cluster: Cluster, hops: Sequence[Mapping[str, Any]]) -> None:
        self._cluster, self._options = cluster, hops
        self._before = self._read()

    def hops(self) -> list[Hop]:
        """Return the collectors with what they counted since the start."""
        hops = []
        for options, before, after in zip(self._options, self._before, self._read(), strict=True):
            gained = [grown(before.by_pod.get(pod, Reading()), counts) for pod, counts in after.by_pod.items()]
            now = total(list(after.by_pod.values()))
            unread = after.unread or before.unread
            hops.append(Hop(options["name"], options["exporters"], total(gained), now, unread))
        return hops

    def _read(self) -> list[_HopCounts]:
        return self._cluster.parallel(self._counts, self._options)

    def _counts(self, options: Mapping[str, Any]) -> _HopCounts:
        port = options["metrics_port"]
        if not port:
            return _HopCounts({}, "it serves no metrics that the API server reaches")
        try:
            pods = Pods(self._cluster, options)
        except Problem as problem:
            return _HopCounts({}, problem.wrong)
        names = pods.listening(port)
        answers = self._cluster.parallel(partial(pods.own_metrics, port), names)
        by_pod: dict[str, Reading] = {}
        unread = ""
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, str):
                by_pod[name] = reading(answer)
            elif isinstance(answer, Problem):  # of a node that is away
                unread = unread or answer.wrong
        return _HopCounts(by_pod, unread)
