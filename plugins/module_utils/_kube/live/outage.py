# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an API server that has answered before is away, for how long, and for how long to wait for it.

A server that has answered once is waited for, in all threads and tasks of the run: lost connections, 429 and 5xx. One
that never answered fails in seconds. The time counts from the first failed answer for all requests of a task, until a
good answer ends the outage. A module in a process of its own does not know of earlier tasks, so only its own first
answer counts. A wait is longer by the time of an outage, up to twice its limit, and what pods show just after an
outage ends no wait. Each write can be sent twice: applies have a version or the same fields, deletions and evictions
have a uid. Private."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import strip_credentials

# A server that has not answered yet: a refused connection stays refused for eleven seconds too.
FIRST_PAUSES = (0.3, 0.7)
PAUSE_SECONDS = 2.0
# From so many seconds on, workloads may show what the outage did to them, for so many seconds.
NOTED_SECONDS, AFTERMATH_SECONDS = 3.0, 20.0
# Another try changes nothing about these.
LASTING_REASONS = ("tls", "expired", "early", "own_expired", "other_name", "certificate")


class LostError(Exception):
    """No answer came. `why` is a word that the explanations know, `again` whether a first try may be repeated.

    `seconds` says for how long a server that had answered before was asked again.
    """

    def __init__(self, why: str, text: str, host: str, *, again: bool) -> None:
        self.why, self.text, self.host, self.again = why, mask_and_clean(text), strip_credentials(host), again
        self.seconds = 0.0
        super().__init__(self.text)


class Outage:
    """What all threads of a run know about the silence of one API server."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        # For how long a server that has answered before is asked again by all requests; none is given up soon.
        self.patience = 0.0
        self.answered = False
        self.on_answer: Callable[[], None] = lambda: None
        # The error after which nobody asks again.
        self.final: LostError | None = None
        self.away = 0.0
        self._since: float | None = None
        self._answer = self._noted = -math.inf

    def begin(self, sent_at: float) -> None:
        """Note that a request, sent then, had no answer, or one of a server that cannot work."""
        with self._lock:
            if self._since is None:
                self._since = max(sent_at, self._answer)

    def over(self) -> None:
        """Note that the server works."""
        with self._lock:
            self._answer = self._clock()
            if self._since is not None:
                outage_seconds, self._since = self._answer - self._since, None
                self.away += outage_seconds
                self._noted = self._answer if outage_seconds >= NOTED_SECONDS else self._noted
            is_first_answer, self.answered = not self.answered, True
        if is_first_answer:
            self.on_answer()

    def pause(self, lost: LostError, started_at: float, sent_at: float, first_pause: float | None) -> float | None:
        """Return after how many seconds to repeat a request that was begun at `started_at`; None if it is given up."""
        self.begin(sent_at)
        with self._lock:
            current_time = self._clock()
            is_waited_for = self.answered and lost.why not in LASTING_REASONS
            if is_waited_for and self.patience:
                if self.measure_seconds_away(started_at) < self.patience:
                    return first_pause or PAUSE_SECONDS
                lost.seconds = self.measure_seconds_away(current_time)
            elif lost.again and first_pause:
                return first_pause
            if self._answer <= started_at or lost.seconds >= self.patience > 0:  # nobody else has an answer either
                self.final = lost
            return None

    def measure_seconds_away(self, started_at: float) -> float:
        """Return for how long the server has been away, or this request has been tried if that is longer."""
        outage_start = self._since
        return self._clock() - (started_at if outage_start is None else min(started_at, outage_start))

    def is_spent(self, least_seconds: float) -> bool:
        """Return whether the patience was over before now: further requests of the same outage are not repeated."""
        current_time = self._clock()
        return self._since is not None and self.measure_seconds_away(current_time) >= max(self.patience, least_seconds)

    @property
    def has_just_ended(self) -> bool:
        """Return whether an outage has just ended: what workloads show now may come from it alone."""
        return self._clock() - self._noted < AFTERMATH_SECONDS
