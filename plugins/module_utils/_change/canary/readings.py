# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pods of one revision count while they are watched, reading by reading. Private.

A revision is all pods of a workload with the same config: the canary has the new config, the rest the earlier one (see
canary_facts.py). `live/pod_samples.py` reads the pods. `Revision` keeps what it read, and builds the facts from that;
fact_rows.py has their keys. Waves of hosts do the same with the samples of hosts.

| word | meaning |
|---|---|
| sample | what was read of one pod at one moment: its counts, restarts, log and open ports |
| reading | the counts of one sample, a `Reading` of _telemetry/metrics.py; also one look at all pods, a `_Poll` |
| past | what a pod had counted before it was watched: the counts of its first sample. A fresh pod has no past |
| fresh | begun with the change, so all counts of the pod have to do with the change |
| gain | the last counts of a pod minus its past. The fields of rows without `_total`, such as `accepted`, are gains |
| since start | the last counts of a pod with its past. The fields of rows with `_total`, such as `accepted_total` |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from ..._diagnose.result_rows import UnseenRow
from ..._otelcol.catalogue.port_rows import Listeners
from ..._otelcol.needs.quantities import MIB
from ..._telemetry.logs import group_log_failures
from ..._telemetry.metrics import UPTIME, Reading, estimate_memory_used, subtract_readings, sum_readings
from ..._telemetry.signal_flow import FlowRows, ReceiverRow, SignalFlow
from .fact_rows import CanaryPodRow, RevisionFacts, RowKind

# A state such as a full queue counts once it holds in so many readings; unreadable metrics count after one more.
LASTING_READINGS = 3
# Data comes in steadily if it grows in so many percent of the pauses between readings. Fewer pauses say nothing.
_STEADY_PERCENT = 80
_FEWEST_STEADY_PAUSES = 5
# A process whose uptime is no more than so many seconds is young.
_YOUNG_SECONDS = 300


class ReceiverPort(NamedTuple):
    """A port on which a receiver of the config listens."""

    receiver_id: str
    number: int


class PodSample(NamedTuple):
    """One reading of one pod.

    Without metrics, `reading` is None and `why` says why.
    """

    pod: str
    """The name of the pod."""
    reading: Reading | None
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


class _Poll(NamedTuple):
    """One reading of all pods of a revision: the rows of what they have gained by then, and the sample of each pod."""

    read_time: float
    """The seconds since the start of the observation."""
    count_rows: FlowRows
    sample_by_pod: Mapping[str, PodSample]


@dataclass
class PodHistory:
    """What one pod has counted by now, and what of it is its past, from before it was watched.

    A fresh pod began with the change, so it has no past: all that it counts has to do with the change, also what it
    counted before its first reading. Any other pod ran before, and only what it counts from its first reading on says
    how it is now.
    """

    first_reading: Reading | None
    """The past: the first reading, or an empty one for a fresh pod. None until a pod that is not fresh has been read:
    until then, nothing counts as gained."""
    restarts_before: int
    """The restarts of the past: those at the first sample, or 0 for a fresh pod."""
    last_reading: Reading = field(default_factory=Counter)
    """The last reading, with the past in it. Empty until the pod has been read."""

    @classmethod
    def begin_with_sample(cls, sample: PodSample, *, fresh: bool) -> PodHistory:
        """Return the history of a pod at its first sample, whose reading is still to be added."""
        return cls(Counter(), 0) if fresh else cls(None, sample.restarts)

    def add_reading(self, reading: Reading) -> None:
        """Add a reading that is later than those before."""
        if self.first_reading is None:
            self.first_reading = reading
        self.last_reading = reading

    def compute_gain(self) -> Reading:
        """Return what the pod has counted without its past; nothing until it has been read."""
        return Counter() if self.first_reading is None else subtract_readings(self.first_reading, self.last_reading)


class Revision:
    """The pods of one revision, and all readings of them. With `fresh`, each pod is fresh, see PodHistory.

    `build_facts`, `list_rows_to_compare`, `sum_fields_by_reading` and `is_young` may be asked before the first reading.
    The other methods need a reading.
    """

    def __init__(self, config: Mapping[str, Any], listeners: Listeners, *, fresh: bool) -> None:
        self.config = config
        self.polls: list[_Poll] = []
        self._listeners, self._fresh = listeners, fresh
        self._history_by_pod: dict[str, PodHistory] = {}

    def add_reading(self, at: float, samples: Iterable[PodSample]) -> None:
        """Add a reading of all pods that exist now, `at` seconds after the start of the observation.

        What a pod has counted stays counted after its end.
        """
        sample_by_pod = {sample.pod: sample for sample in samples}
        for sample in sample_by_pod.values():
            if sample.pod not in self._history_by_pod:
                self._history_by_pod[sample.pod] = PodHistory.begin_with_sample(sample, fresh=self._fresh)
            if sample.reading is not None:
                self._history_by_pod[sample.pod].add_reading(sample.reading)
        gained_counts = sum_readings([history.compute_gain() for history in self._history_by_pod.values()])
        self.polls.append(_Poll(at, self._build_rows(gained_counts, at), sample_by_pod))

    def build_facts(self, now: str, mask: Callable[[str], str]) -> RevisionFacts:
        """Return how these pods are and what they count. Checks of users read these facts, see docs/change.md.

        `now` is the time in RFC 3339, `mask` hides secrets in entries of the log.
        """
        last_poll = self.polls[-1] if self.polls else _Poll(0.0, self._build_rows(Counter(), 0.0), {})
        first_time = self.polls[0].read_time if self.polls else last_poll.read_time
        samples = last_poll.sample_by_pod.values()
        pod_rows = [self._build_pod_row(sample) for sample in samples]
        # Messages of a user's check may use all fields of the pod.
        unread_rows = [cast(UnseenRow, {"what": f"pod {pod['name']}", **pod}) for pod in pod_rows if pod["unread"]]
        log_rows = group_log_failures("\n".join(sample.log for sample in samples), now, mask)
        return {
            **last_poll.count_rows,
            "seconds": round(last_poll.read_time - first_time),
            "received": sum(row["accepted"] for row in last_poll.count_rows["receives"]),
            "pods": pod_rows,
            "restarted": sum(pod["restarted"] for pod in pod_rows),
            "memory_percent": max((pod["memory_percent"] for pod in pod_rows), default=0),
            "unread": unread_rows or self._report_no_pods(),
            "logs": log_rows,
            "steady": self._find_steady_signals(),
            "open": _list_open_ports(samples),
        }

    def list_rows_to_compare(self) -> list[FlowRows]:
        """Return the rows that a canary is compared with: those of this time, and those since the start of the pods."""
        if not self.polls:
            return [self._build_rows(Counter(), 0.0)]
        last_poll = self.polls[-1]
        return [last_poll.count_rows, self._build_rows(self._sum_counts_since_start(), last_poll.read_time)]

    def sum_fields_by_reading(self, row_kind: RowKind, index: int, *fields: str) -> list[int]:
        """Return for each reading the sum of some fields of one row.

        A row has the same index in all readings, because the config decides which rows there are.
        """
        sums = []
        for poll in self.polls:
            row: Mapping[str, Any] = poll.count_rows[row_kind][index]
            sums.append(sum(row[field] for field in fields))
        return sums

    def find_rows_before(self, seconds: float) -> FlowRows | None:
        """Return the rows of the latest reading that is at least so many seconds older than the last; None without."""
        return self._find_rows_as_old(self.polls[-1].read_time, seconds)

    def find_rows_before_each(self, seconds: float) -> list[FlowRows | None]:
        """Return for each reading the rows of the latest one at least so many seconds before it; None without."""
        return [self._find_rows_as_old(poll.read_time, seconds) for poll in self.polls]

    def count_seconds_alone(self, rest: Revision) -> float | None:
        """Return for how many seconds no pod of the rest has been read, or None if one was in the last reading."""
        last_time = self.polls[-1].read_time
        if not rest.polls:
            return last_time - self.polls[0].read_time
        last_rest_time = rest.polls[-1].read_time
        return last_time - last_rest_time if last_rest_time < last_time else None

    @property
    def is_young(self) -> bool:
        """Whether all pods had begun shortly before their first reading: what they count is of about this time.

        A fresh pod counts as young, since its past is empty.
        """
        first_readings = [
            history.first_reading for history in self._history_by_pod.values() if history.first_reading is not None
        ]
        return all(first_reading[UPTIME] <= _YOUNG_SECONDS for first_reading in first_readings)

    def _build_rows(self, counted: Reading, at: float) -> FlowRows:
        """Return the rows of all pods at the time of a reading, `at` in seconds.

        `counted` becomes the counts of the time that the rows are about, such as `accepted`. What the pods have counted
        since their own start becomes the counts with `_total`, such as `accepted_total`; it also has what is no count,
        such as the uptime and the size of a queue. The rows are about the time since the first reading. `add_reading`
        calls this before it appends its own reading, so the rows of the first reading are about no time.
        """
        first_time = self.polls[0].read_time if self.polls else at
        counted_since_start = self._sum_counts_since_start()
        flow = SignalFlow(self.config, self._listeners, counted, counted_since_start, at - first_time)
        return flow.collect_facts()

    def _sum_counts_since_start(self) -> Reading:
        """Return what all pods have counted by their last readings, with their past, also those that have ended."""
        return sum_readings([history.last_reading for history in self._history_by_pod.values()])

    def _build_pod_row(self, sample: PodSample) -> CanaryPodRow:
        """Return the row of a pod: its restarts, and how much of its memory limit it uses, in percent."""
        recent_samples = self._list_recent_samples(sample.pod)
        memory_percents = _compute_memory_percents(recent_samples)
        lasting_percents = memory_percents[-LASTING_READINGS:]
        is_never_read = all(recent_sample.reading is None for recent_sample in recent_samples)
        restarts_before = self._history_by_pod[sample.pod].restarts_before
        return {
            "name": sample.pod,
            "restarts": sample.restarts,
            "restarted": max(sample.restarts - restarts_before, 0),
            "oom": sample.oom,
            "memory_limit_mib": sample.memory_limit // MIB,
            "memory_percent": memory_percents[-1] if memory_percents else 0,
            "memory_low": min(lasting_percents) if len(lasting_percents) == LASTING_READINGS else 0,
            "unread": len(recent_samples) > LASTING_READINGS and is_never_read,
            "why": sample.why,
        }

    def _list_recent_samples(self, pod: str) -> list[PodSample]:
        """Return the samples of a pod in the last readings: one more than a state needs to last."""
        recent_polls = self.polls[-LASTING_READINGS - 1 :]
        return [poll.sample_by_pod[pod] for poll in recent_polls if pod in poll.sample_by_pod]

    def _report_no_pods(self) -> list[UnseenRow]:
        """Return one row that says that no pod runs, if none did in the last readings; else no row."""
        recent_polls = self.polls[-LASTING_READINGS - 1 :]
        if len(recent_polls) <= LASTING_READINGS or any(poll.sample_by_pod for poll in recent_polls):
            return []
        return [{"what": "any pod", "why": "no pod of this revision runs"}]

    def _find_rows_as_old(self, reading_time: float, seconds: float) -> FlowRows | None:
        """Return the rows of the latest reading at least so many seconds before a time; None without one."""
        old_rows = [poll.count_rows for poll in self.polls if reading_time - poll.read_time >= seconds]
        return old_rows[-1] if old_rows else None

    def _find_steady_signals(self) -> list[str]:
        """Return the signals that came in during nearly all pauses between readings; none for too few pauses."""
        pauses = len(self.polls) - 1
        if pauses < _FEWEST_STEADY_PAUSES:
            return []
        accepted_by_poll = [_sum_accepted_by_signal(poll.count_rows["receives"]) for poll in self.polls]
        # In how many pauses items of each signal came in.
        growing_pauses: Counter[str] = Counter()
        for previous_counts, current_counts in pairwise(accepted_by_poll):
            for signal, count in current_counts.items():
                if count > previous_counts[signal]:
                    growing_pauses[signal] += 1
        return [signal for signal, count in growing_pauses.items() if 100 * count >= _STEADY_PERCENT * pauses]


def _compute_memory_percents(samples: Iterable[PodSample]) -> list[int]:
    """Return how much of its memory limit a pod used, in whole percent, for each sample that shows both."""
    percents = []
    for sample in samples:
        if sample.reading and sample.memory_limit:
            percents.append(int(100 * estimate_memory_used(sample.reading) // sample.memory_limit))
    return percents


def _list_open_ports(samples: Iterable[PodSample]) -> list[str]:
    """Return the ports on which a pod accepts connections, each once, with the receiver."""
    port_names = set()
    for sample in samples:
        for (receiver, port), accepts in sample.open.items():
            if accepts:
                port_names.add(f"{receiver}:{port}")
    return sorted(port_names)


def _sum_accepted_by_signal(receivers: Iterable[ReceiverRow]) -> Counter[str]:
    """Return how many items of each signal came in."""
    accepted_counts: Counter[str] = Counter()
    for row in receivers:
        accepted_counts[row["signal"]] += row["accepted"]
    return accepted_counts
