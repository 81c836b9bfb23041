# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All readings of the pods of one revision, and the facts about it. Private.

A revision is all pods of a workload with the same config. A canary is compared by two of them: its own pods have the
new config, those of the rest still run the earlier one. `live/observe.py` and the waves make a `Revision` of each, call
`add_reading` every few seconds, and after that ask for the facts. `canary_facts.py` compares the facts of both.

Rows of facts have the counts of all pods together, in two ways that readings.py explains with an example: a field such
as `accepted` was counted while the pods are watched, and `accepted_total` since their start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple, cast

from ..._diagnose.result_rows import UnseenRow
from ..._otelcol.catalogue.port_rows import Listeners
from ..._otelcol.needs.quantities import MIB
from ..._telemetry.logs import group_log_failures
from ..._telemetry.metrics import UPTIME, Reading, sum_readings
from ..._telemetry.signal_flow import FlowRows, ReceiverRow, SignalFlow
from .fact_rows import CanaryPodRow, RevisionFacts, RowKind
from .readings import LASTING_READINGS, PodHistory, PodSample, compute_memory_percents, list_open_ports

# Data comes in steadily if it grows in so many percent of the pauses between readings.
_STEADY_PERCENT = 80
# Fewer pauses than these do not show whether data comes in steadily.
_FEWEST_STEADY_PAUSES = 5
# A process whose uptime is no more than so many seconds is young.
_YOUNG_SECONDS = 300


class RevisionReading(NamedTuple):
    """One reading of all pods of a revision."""

    read_time: float
    """The seconds since the start of the observation."""
    count_rows: FlowRows
    """The counts of all pods up to this reading, also of those that have ended."""
    sample_by_pod: Mapping[str, PodSample]
    """What was read of each pod that exists at this moment."""


class Revision:
    """The pods of one revision, and all readings of them.

    With `began_with_change`, the change itself started the pods, so all that they count has to do with it. Before the
    first reading, all counts are 0, and what asks for a certain reading gets None or an empty list.
    """

    def __init__(self, config: Mapping[str, Any], listeners: Listeners, *, began_with_change: bool) -> None:
        self.config = config
        self.readings: list[RevisionReading] = []
        self._listeners = listeners
        self._began_with_change = began_with_change
        self._history_by_pod: dict[str, PodHistory] = {}

    # ── Readings ──

    def add_reading(self, read_time: float, samples: Iterable[PodSample]) -> None:
        """Add a reading of all pods that exist now. `read_time` is in seconds since the start of the observation.

        What a pod has counted stays counted after its end.
        """
        sample_by_pod = {sample.pod: sample for sample in samples}
        for sample in sample_by_pod.values():
            self._add_sample(sample)
        watched_counts = sum_readings([history.count_while_watched() for history in self._history_by_pod.values()])
        count_rows = self._build_rows(watched_counts, self._measure_watched_seconds(read_time))
        self.readings.append(RevisionReading(read_time, count_rows, sample_by_pod))

    def _add_sample(self, sample: PodSample) -> None:
        """Add what was read of one pod to its history, which begins with its first sample."""
        history = self._history_by_pod.get(sample.pod)
        if history is None:
            history = PodHistory.of_new_pod() if self._began_with_change else PodHistory.of_earlier_pod(sample)
            self._history_by_pod[sample.pod] = history
        if sample.reading is not None:
            history.add_counts(sample.reading)

    @property
    def watched_seconds(self) -> float:
        """The seconds from the first reading to the last."""
        return self._measure_watched_seconds(self.readings[-1].read_time) if self.readings else 0.0

    def _measure_watched_seconds(self, read_time: float) -> float:
        """Return the seconds from the first reading to one at this time; 0 for the first reading itself."""
        first_time = self.readings[0].read_time if self.readings else read_time
        return read_time - first_time

    def _build_rows(self, counts: Reading, watched_seconds: float) -> FlowRows:
        """Return the rows of all pods together: what each component received, processed and exported.

        `counts` become the fields such as `accepted`. The counts since the start of the pods become those with
        `_total`, such as `accepted_total`, and also what is no count, such as the uptime and the size of a queue.
        """
        flow = SignalFlow(self.config, self._listeners, counts, self._sum_counts_since_start(), watched_seconds)
        return flow.collect_facts()

    def _sum_counts_since_start(self) -> Reading:
        """Return what all pods have counted since their start by their last readings, also those that have ended."""
        return sum_readings([history.last_counts for history in self._history_by_pod.values()])

    # ── What a canary is compared by ──

    def list_rows_to_compare(self) -> list[FlowRows]:
        """Return the two sets of rows that a canary is compared with.

        Fields such as `accepted` have in the first what was counted while watched, in the second since the start.
        """
        if not self.readings:
            return [self._build_rows(Counter(), 0.0)]
        rows_since_start = self._build_rows(self._sum_counts_since_start(), self.watched_seconds)
        return [self.readings[-1].count_rows, rows_since_start]

    def sum_fields_by_reading(self, row_kind: RowKind, index: int, *fields: str) -> list[int]:
        """Return for each reading the sum of some fields of one row.

        A row has the same index in all readings, because the config decides which rows there are.
        """
        sums = []
        for reading in self.readings:
            row: Mapping[str, Any] = reading.count_rows[row_kind][index]
            sums.append(sum(row[field] for field in fields))
        return sums

    def find_rows_before(self, seconds: float) -> FlowRows | None:
        """Return the rows of the latest reading that is at least so many seconds older than the last; None without."""
        return self._find_rows_as_old(self.readings[-1].read_time, seconds) if self.readings else None

    def find_rows_before_each(self, seconds: float) -> list[FlowRows | None]:
        """Return for each reading the rows of the latest one at least so many seconds before it; None without."""
        return [self._find_rows_as_old(reading.read_time, seconds) for reading in self.readings]

    def _find_rows_as_old(self, read_time: float, seconds: float) -> FlowRows | None:
        """Return the rows of the latest reading at least so many seconds before a time; None without one."""
        old_rows = [reading.count_rows for reading in self.readings if read_time - reading.read_time >= seconds]
        return old_rows[-1] if old_rows else None

    def has_outlived(self, rest: Revision) -> bool:
        """Whether no pod of the rest was read any more in the last reading of these pods."""
        if not rest.readings:
            return True
        return bool(self.readings) and rest.readings[-1].read_time < self.readings[-1].read_time

    def count_seconds_alone(self, rest: Revision) -> float:
        """Return for how many seconds these pods have been read without a pod of the rest; 0 if one still is."""
        if not self.readings or not self.has_outlived(rest):
            return 0.0
        if not rest.readings:
            return self.watched_seconds
        return self.readings[-1].read_time - rest.readings[-1].read_time

    @property
    def is_young(self) -> bool:
        """Whether all pods began shortly before their first reading, or with the change.

        Then what they count since their start is of about this time.
        """
        for history in self._history_by_pod.values():
            if history.counts_before is not None and history.counts_before[UPTIME] > _YOUNG_SECONDS:
                return False
        return True

    # ── Facts ──

    def build_facts(self, now: str, mask: Callable[[str], str]) -> RevisionFacts:
        """Return how these pods are and what they count. Checks of users read these facts, see docs/change.md.

        `now` is the time in RFC 3339, `mask` hides secrets in entries of the log.
        """
        last_reading = (
            self.readings[-1] if self.readings else RevisionReading(0.0, self._build_rows(Counter(), 0.0), {})
        )
        samples = last_reading.sample_by_pod.values()
        pod_rows = [self._build_pod_row(sample) for sample in samples]
        # Messages of a user's check may use all fields of the pod.
        unread_rows = [cast(UnseenRow, {"what": f"pod {pod['name']}", **pod}) for pod in pod_rows if pod["unread"]]
        log_rows = group_log_failures("\n".join(sample.log for sample in samples), now, mask)
        return {
            **last_reading.count_rows,
            "seconds": round(self.watched_seconds),
            "received": sum(row["accepted"] for row in last_reading.count_rows["receives"]),
            "pods": pod_rows,
            "restarted": sum(pod["restarted"] for pod in pod_rows),
            "memory_percent": max((pod["memory_percent"] for pod in pod_rows), default=0),
            "unread": unread_rows or self._report_no_pods(),
            "logs": log_rows,
            "steady": self._find_steady_signals(),
            "open": list_open_ports(samples),
        }

    def _build_pod_row(self, sample: PodSample) -> CanaryPodRow:
        """Return the row of a pod: its restarts, and how much of its memory limit it uses, in percent."""
        recent_samples = self._list_recent_samples(sample.pod)
        memory_percents = compute_memory_percents(recent_samples)
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

    def _list_recent_readings(self) -> list[RevisionReading]:
        """Return the last readings: one more than a state needs to last."""
        return self.readings[-LASTING_READINGS - 1 :]

    def _list_recent_samples(self, pod: str) -> list[PodSample]:
        """Return the samples of a pod in the recent readings."""
        recent_readings = self._list_recent_readings()
        return [reading.sample_by_pod[pod] for reading in recent_readings if pod in reading.sample_by_pod]

    def _report_no_pods(self) -> list[UnseenRow]:
        """Return one row that says that no pod runs, if none did in the recent readings; else no row."""
        recent_readings = self._list_recent_readings()
        if len(recent_readings) <= LASTING_READINGS or any(reading.sample_by_pod for reading in recent_readings):
            return []
        return [{"what": "any pod", "why": "no pod of this revision runs"}]

    def _find_steady_signals(self) -> list[str]:
        """Return the signals that came in during nearly all pauses between readings; none for too few pauses."""
        pauses = len(self.readings) - 1
        if pauses < _FEWEST_STEADY_PAUSES:
            return []
        accepted_by_reading = [_sum_accepted_by_signal(reading.count_rows["receives"]) for reading in self.readings]
        # In how many pauses items of each signal came in.
        growing_pauses: Counter[str] = Counter()
        for previous_counts, current_counts in pairwise(accepted_by_reading):
            for signal, count in current_counts.items():
                if count > previous_counts[signal]:
                    growing_pauses[signal] += 1
        return [signal for signal, count in growing_pauses.items() if 100 * count >= _STEADY_PERCENT * pauses]


def _sum_accepted_by_signal(receivers: Iterable[ReceiverRow]) -> Counter[str]:
    """Return how many items of each signal came in."""
    accepted_counts: Counter[str] = Counter()
    for row in receivers:
        accepted_counts[row["signal"]] += row["accepted"]
    return accepted_counts
