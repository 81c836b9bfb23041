# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of one pod at one moment, and its counts from the first reading to the last. Private.

While a change is watched, `live/pod_samples.py` reads each pod every few seconds and returns a `PodSample`. The class
`Revision` (revision.py) keeps a `PodHistory` for each pod. Waves of hosts do the same with the services of hosts.

Counts of a pod begin at 0 when its process starts, and only grow. They are asked for in two ways:

- *since the start*: as the pod shows them now
- *while watched*: what of that the change has to do with

For example, a pod of the earlier config has accepted 5000 spans at the first reading and 5300 at the last one. That is
5300 since its start, and 300 while watched. A pod that the change itself started at the same time has accepted 40 and
340: that is 340 since its start, and also 340 while watched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from ..._telemetry.metrics import Reading, estimate_memory_used, subtract_readings

# A state such as a full queue counts once it holds in so many readings; unreadable metrics count after one more.
LASTING_READINGS = 3


class ReceiverPort(NamedTuple):
    """A port on which a receiver of the config listens."""

    receiver_id: str
    number: int

    def __str__(self) -> str:
        """Return the port as facts name it, such as `otlp:4317`."""
        return f"{self.receiver_id}:{self.number}"


class PodSample(NamedTuple):
    """What was read of one pod at one moment.

    Without metrics, `reading` is None and `why` says why.
    """

    pod: str
    """The name of the pod."""
    reading: Reading | None
    """Its counts since its start."""
    restarts: int = 0
    """Restarts since the start of the pod, by the kubelet's count."""
    oom: bool = False
    """Whether the container was killed the last time because it used more than its memory limit."""
    memory_limit: int = 0
    """In bytes; 0 if there is no limit."""
    log: str = ""
    """The last lines of the log; empty if the log was not read."""
    open: Mapping[ReceiverPort, bool] = MappingProxyType({})
    """Whether the pod accepts connections, for each port that was tried; empty if none was."""
    why: str = ""
    """Empty if the metrics were read."""


@dataclass
class PodHistory:
    """The counts of one pod at its last reading, and those that it had before it was watched."""

    restarts_before: int
    """The restarts before the pod was watched."""
    counts_before: Reading | None
    """The counts before the pod was watched. None until the pod has been read."""
    last_counts: Reading = field(default_factory=Counter)
    """The counts since the start of the pod at its last reading. Empty until the pod has been read."""

    @classmethod
    def of_new_pod(cls) -> PodHistory:
        """Return the history of a pod that the change started: it had no restarts and no counts before."""
        return cls(restarts_before=0, counts_before=Counter())

    @classmethod
    def of_earlier_pod(cls, first_sample: PodSample) -> PodHistory:
        """Return the history of a pod that ran before the change.

        What it has at its first reading is from before. `add_counts` gets that reading, like all later ones.
        """
        return cls(restarts_before=first_sample.restarts, counts_before=None)

    def add_counts(self, counts: Reading) -> None:
        """Add the counts of a reading that is later than those before."""
        if self.counts_before is None:
            self.counts_before = counts
        self.last_counts = counts

    def count_while_watched(self) -> Reading:
        """Return what the pod has counted while watched; nothing until it has been read."""
        return Counter() if self.counts_before is None else subtract_readings(self.counts_before, self.last_counts)


def compute_memory_percents(samples: Iterable[PodSample]) -> list[int]:
    """Return how much of its memory limit a pod used, in whole percent, for each sample that shows both."""
    percents = []
    for sample in samples:
        if sample.reading and sample.memory_limit:
            percents.append(int(100 * estimate_memory_used(sample.reading) // sample.memory_limit))
    return percents


def list_open_ports(samples: Iterable[PodSample]) -> list[str]:
    """Return the ports on which a pod accepts connections, each once, such as `otlp:4317`."""
    port_names = set()
    for sample in samples:
        for port, accepts in sample.open.items():
            if accepts:
                port_names.add(str(port))
    return sorted(port_names)
