# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an API server is away, for how long, and whether a request waits for it. Each Cluster has an Outage. Private.

`Cluster` of cluster.py asks this after each failed request. The rules:

- A server that has answered once is waited for after lost connections, 429 and 5xx, in all threads and tasks of the
  run. A server that never answered fails in seconds. A module in a process of its own does not know of earlier tasks,
  so only its own first answer counts.
- An outage begins with the first failed answer to any request of a task, and ends with the next good one.
- A wait for something else is longer by the time of an outage, up to twice its limit. What pods show just after an
  outage ends no wait.
- Each write can be sent twice: applies have a version or the same fields, deletions and evictions have a uid.

For example, with a patience of 60 s: a request of second 10 gets no answer until second 25. It is sent again after 0.3,
0.7 and then every 2 s; a wait that began at second 5 gets 15 s more.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import strip_credentials

# Seconds between the first tries of a request. A server that has not answered yet has no more of them: a connection
# that is refused stays refused.
FIRST_PAUSES = (0.3, 0.7)
# Seconds between the later tries, for a server that has answered before.
PAUSE_SECONDS = 2.0
# An outage of so many seconds may hurt workloads.
HARMFUL_SECONDS = 3.0
# Workloads may show it for so many seconds after its end.
RECOVERY_SECONDS = 20.0
# Words of a LostError about which another try changes nothing.
LASTING_REASONS = ("tls", "expired", "early", "own_expired", "other_name", "certificate")


class LostError(Exception):
    """No answer came to a request."""

    def __init__(self, why: str, text: str, host: str, *, again: bool) -> None:
        self.why = why
        """The reason, a key of OUTAGES in `api_error_rows`, such as `refused`."""
        self.text = mask_and_clean(text)
        """What the system says."""
        self.host = strip_credentials(host)
        self.again = again
        """Whether the first try of a request may be repeated, even if the server has never answered."""
        self.seconds = 0.0
        """For how long a server that had answered before was asked again; 0 for another server."""
        super().__init__(self.text)


class Outage:
    """What all threads of a run know about the silence of one API server.

    The server is there (`_away_since` is None), away, or given up (`final_error`). All times are of `clock`, in
    seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self.patience_seconds = 0.0
        """For how long all requests together ask a server again that has answered before. With 0, none waits for it."""
        self.has_answered = False
        """Whether the server has answered in this run."""
        self.on_answer: Callable[[], None] = lambda: None
        """Called at its first answer."""
        self.final_error: LostError | None = None
        """The error that every further request raises, once the server is given up."""
        self.away = 0.0
        """How long all outages together took that have ended."""
        self._away_since: float | None = None
        # When the server answered last.
        self._answered_at = -math.inf
        # When the last outage ended that may have hurt workloads.
        self._harmful_end = -math.inf

    def note_failure(self, sent_at: float) -> None:
        """Note that a request of time `sent_at` had no answer, or one that says that the server cannot work now."""
        with self._lock:
            if self._away_since is None:
                # Another thread may have had an answer after this request was sent: the server was there until then.
                self._away_since = max(sent_at, self._answered_at)

    def note_answer(self) -> None:
        """Note that the server works, which ends an outage."""
        with self._lock:
            self._answered_at = self._clock()
            if self._away_since is not None:
                self._end(self._answered_at - self._away_since)
            is_first_answer = not self.has_answered
            self.has_answered = True
        if is_first_answer:
            self.on_answer()

    def _end(self, outage_seconds: float) -> None:
        """Add an outage to the time that the server was away, and note its end if workloads may have suffered."""
        self._away_since = None
        self.away += outage_seconds
        if outage_seconds >= HARMFUL_SECONDS:
            self._harmful_end = self._answered_at

    def find_pause(self, lost: LostError, started_at: float, sent_at: float, first_pause: float | None) -> float | None:
        """Return after how many seconds to repeat a request that was begun at `started_at`; None if it is given up.

        `first_pause` is the next of the FIRST_PAUSES of the request; None if they are over. A request that is given up
        has its seconds in `lost`. It may be the last one that is sent.
        """
        self.note_failure(sent_at)
        with self._lock:
            current_time = self._clock()
            if not self._is_waited_for(lost):
                # The server may never have been there: some quick tries are enough to tell.
                pause = first_pause if lost.again else None
            elif self.measure_seconds_away(started_at) < self.patience_seconds:
                pause = first_pause or PAUSE_SECONDS
            else:
                pause = None
                lost.seconds = self.measure_seconds_away(current_time)
            if pause is None:
                self._note_if_final(lost, started_at)
            return pause

    def _is_waited_for(self, lost: LostError) -> bool:
        """Return whether the server may come back after an error: it has answered before, and the error may pass."""
        return self.patience_seconds > 0 and self.has_answered and lost.why not in LASTING_REASONS

    def _note_if_final(self, lost: LostError, started_at: float) -> None:
        """Give the server up for all requests, unless another request had an answer since this one was begun.

        If the patience is over, the server is given up in any case: no other request would wait for longer.
        """
        had_no_answer = self._answered_at <= started_at
        is_patience_over = lost.seconds >= self.patience_seconds > 0
        if had_no_answer or is_patience_over:
            self.final_error = lost

    def measure_seconds_away(self, started_at: float) -> float:
        """Return for how long the server has been away, or this request has been tried if that is longer."""
        away_since = self._away_since
        return self._clock() - (started_at if away_since is None else min(started_at, away_since))

    def is_patience_over(self, least_seconds: float) -> bool:
        """Return whether the patience was over before now: further requests of the same outage are not repeated.

        It counts as at least `least_seconds`, which the first tries of a request take in any case.
        """
        current_time = self._clock()
        seconds_away = self.measure_seconds_away(current_time)
        return self._away_since is not None and seconds_away >= max(self.patience_seconds, least_seconds)

    @property
    def has_just_ended(self) -> bool:
        """Return whether an outage has just ended: what workloads show now may come from it alone."""
        return self._clock() - self._harmful_end < RECOVERY_SECONDS
