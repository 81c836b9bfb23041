# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pods of one revision count while they are watched, reading by reading. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from math import sqrt
from types import MappingProxyType
from typing import Any, NamedTuple

from ..._otelcol.catalogue.port_rows import Listeners
from ..._otelcol.needs.quantities import MIB
from ..._telemetry.logs import groups
from ..._telemetry.metrics import UPTIME, Flow, Reading, grown, memory_used, total

Row = dict[str, Any]
Facts = dict[str, list[Row]]
# The bounds of a share: 99 % on either side.
_Z = 2.58
# A state counts once it holds in so many readings; what cannot be read, in one more.
LAST = 3
# Data comes in steadily if it does in so many of a hundred readings, of so many at least.
_STEADY, _FEWEST = 80, 5
# A process is young for so many seconds.
_YOUNG = 300


class Sample(NamedTuple):
    """One reading of one pod. Without metrics, `why` says why; `open` says of each port asked whether it accepts."""

    pod: str
    reading: Reading | None
    restarts: int = 0
    oom: bool = False
    memory_limit: int = 0
    log: str = ""
    open: Mapping[tuple[str, int], bool] = MappingProxyType({})
    why: str = ""


class _Poll(NamedTuple):
    at: float
    facts: Facts
    samples: Mapping[str, Sample]


class Revision:
    """The pods of one revision. All that `fresh` pods count was counted since the change; older pods have a past."""

    def __init__(self, config: Mapping[str, Any], listeners: Listeners, *, fresh: bool) -> None:
        self.config, self._listeners, self._fresh = config, listeners, fresh
        self.polls: list[_Poll] = []
        self._first: dict[str, Reading] = {}
        self._last: dict[str, Reading] = {}
        self._restarts: dict[str, int] = {}

    def add(self, at: float, samples: Iterable[Sample]) -> None:
        """Add a reading of all pods that exist now. What a pod has counted stays counted after its end."""
        known = {sample.pod: sample for sample in samples}
        for sample in known.values():
            self._restarts.setdefault(sample.pod, 0 if self._fresh else sample.restarts)
            if sample.reading is not None:
                self._first.setdefault(sample.pod, Counter() if self._fresh else sample.reading)
                self._last[sample.pod] = sample.reading
        gained = total([grown(self._first[pod], self._last[pod]) for pod in self._last])
        self.polls.append(_Poll(at, self._flow(gained, at).facts(), known))

    def _flow(self, counted: Reading, at: float) -> Flow:
        start = self.polls[0].at if self.polls else at
        return Flow(self.config, self._listeners, counted, total(list(self._last.values())), at - start)

    def facts(self, now: str, mask: Callable[[str], str]) -> dict[str, Any]:
        """Return how these pods are, and what they count, as users' rows see it."""
        last = self.polls[-1] if self.polls else _Poll(0.0, self._flow(Counter(), 0.0).facts(), {})
        start = self.polls[0].at if self.polls else last.at
        samples = last.samples.values()
        pods = [self._pod(sample) for sample in samples]
        unread_pods = [{"what": f"pod {pod['name']}", **pod} for pod in pods if pod["unread"]]
        return {
            **last.facts,
            "seconds": round(last.at - start),
            "received": sum(row["accepted"] for row in last.facts["receives"]),
            "pods": pods,
            "restarted": sum(pod["restarted"] for pod in pods),
            "memory_percent": max((pod["memory_percent"] for pod in pods), default=0),
            "unread": unread_pods or self._gone(),
            "logs": groups("\n".join(sample.log for sample in samples), now, mask),
            "steady": self._steady(),
            "open": _open_ports(samples),
        }

    def _pod(self, sample: Sample) -> Row:
        """Return the row of a pod: its restarts, and how much of its memory limit it uses, in percent."""
        recent = [poll.samples[sample.pod] for poll in self.polls[-LAST - 1 :] if sample.pod in poll.samples]
        used = []
        for earlier in recent:
            if earlier.reading and earlier.memory_limit:
                used.append(int(100 * memory_used(earlier.reading) // earlier.memory_limit))
        return {
            "name": sample.pod,
            "restarts": sample.restarts,
            "restarted": max(sample.restarts - self._restarts[sample.pod], 0),
            "oom": sample.oom,
            "memory_limit_mib": sample.memory_limit // MIB,
            "memory_percent": used[-1] if used else 0,
            "memory_low": min(used[-LAST:]) if len(used) >= LAST else 0,
            "unread": len(recent) > LAST and all(earlier.reading is None for earlier in recent),
            "why": sample.why,
        }

    def _gone(self) -> list[Row]:
        """Return that no pod runs, if none has for several readings: what is not there is not good."""
        recent = self.polls[-LAST - 1 :]
        if len(recent) <= LAST or any(poll.samples for poll in recent):
            return []
        return [{"what": "any pod", "why": "no pod of this revision runs"}]

    def alone(self, rest: Revision) -> float | None:
        """Return for how many seconds no pod of the rest has been read, or None if one was in the last reading."""
        last = self.polls[-1].at
        if not rest.polls:
            return last - self.polls[0].at
        last_of_rest = rest.polls[-1].at
        return last - last_of_rest if last_of_rest < last else None

    def bases(self) -> list[Facts]:
        """Return rows to compare with: those of this time, and those since the start of the pods."""
        if not self.polls:
            return [self._flow(Counter(), 0.0).facts()]
        whole = total(list(self._last.values()))
        return [self.polls[-1].facts, self._flow(whole, self.polls[-1].at).facts()]

    def history(self, kind: str, index: int, *fields: str) -> list[int]:
        """Return the sum of fields of a row in each reading."""
        return [sum(poll.facts[kind][index][field] for field in fields) for poll in self.polls]

    def before(self, seconds: float) -> Facts | None:
        """Return the rows of the latest reading that is as old as that; None if none is."""
        return self._as_old(self.polls[-1].at, seconds)

    def before_each(self, seconds: float) -> list[Facts | None]:
        """Return for each reading the rows of the latest one that was as old as that then."""
        return [self._as_old(poll.at, seconds) for poll in self.polls]

    def _as_old(self, at: float, seconds: float) -> Facts | None:
        old = [poll.facts for poll in self.polls if at - poll.at >= seconds]
        return old[-1] if old else None

    @property
    def is_young(self) -> bool:
        """Whether all pods had begun shortly before their first reading: what they count is of about this time."""
        return all(first[UPTIME] <= _YOUNG for first in self._first.values())

    def _steady(self) -> list[str]:
        """Return the signals that came in between nearly all readings."""
        pauses = len(self.polls) - 1
        if pauses < _FEWEST:
            return []
        accepted = [_accepted_by_signal(poll.facts["receives"]) for poll in self.polls]
        growths: Counter[str] = Counter()
        for earlier, later in pairwise(accepted):
            growths.update(signal for signal, count in later.items() if count > earlier[signal])
        return [signal for signal, count in growths.items() if 100 * count >= _STEADY * pauses]


def _open_ports(samples: Iterable[Sample]) -> list[str]:
    """Return the ports on which a pod accepts connections, each once, with the receiver."""
    names = set()
    for sample in samples:
        for (receiver, port), accepts in sample.open.items():
            if accepts:
                names.add(f"{receiver}:{port}")
    return sorted(names)


def _accepted_by_signal(receivers: Iterable[Row]) -> Counter[str]:
    accepted: Counter[str] = Counter()
    for row in receivers:
        accepted[row["signal"]] += row["accepted"]
    return accepted


def bounds(part: float, whole: float) -> tuple[float, float]:
    """Return the bounds of Wilson's score interval: between which shares, in percent, the true one surely is."""
    if not whole:
        return 0.0, 0.0
    share, square = min(part / whole, 1.0), _Z * _Z
    middle = share + square / (2 * whole)
    wide = _Z * sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    return 100 * (middle - wide) / (1 + square / whole), 100 * (middle + wide) / (1 + square / whole)


def fewer(part: float, whole: float, most: int) -> tuple[float, float]:
    """Return a share as one of no more than so many."""
    return (part * most / whole, most) if whole > most else (part, whole)
