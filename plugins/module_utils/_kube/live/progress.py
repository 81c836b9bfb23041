# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task waits for, line by line as it changes: the user sees the lines while the task runs. Private.

Waits call `Progress` in each poll with the state of each thing. To tell a state is to show its line to the user, which
happens when a state changes:

    Deployment obs/gateway: 1 of 3 ready (12 s)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

# A state that lasts for less time is not told.
_PAUSE_SECONDS = 1.0
# The same as a share of the time since the start: what changes fast, such as a count of pods, is told less often.
_PAUSE_SHARE = 0.1


class _ToldState(NamedTuple):
    """The state of a thing that was told last, and when."""

    state: str = ""
    told_at: float = 0.0


class Progress:
    """Tells the state of a thing when it changes, with the seconds since the start, if it is not done soon."""

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._tell, self._clock, self._start = tell, clock, clock()
        self._told: dict[str, _ToldState] = {}
        self._lock = threading.Lock()

    def __call__(self, subject: str, state: str) -> None:
        """Tell a state that is not the last one. One that comes too fast is told by a later call."""
        with self._lock:
            current_time = self._clock()
            # The first state of a thing is not told, and counts as if it were: what is done soon needs no line.
            told = self._told.setdefault(subject, _ToldState(told_at=current_time))
            pause_seconds = max(_PAUSE_SECONDS, _PAUSE_SHARE * (told.told_at - self._start))
            if state != told.state and current_time - told.told_at >= pause_seconds:
                self._tell_state(subject, state, current_time)

    def tell_now(self, subject: str, state: str) -> None:
        """Tell a state whatever was told before: a step that takes long begins, or one is over."""
        with self._lock:
            self._tell_state(subject, state, self._clock())

    def tell_done(self, subject: str, state: str = "ready") -> None:
        """Tell the last state of a thing, if another state of it was told before."""
        with self._lock:
            if self._told.get(subject, _ToldState()).state not in ("", state):
                self._tell_state(subject, state, self._clock())

    def _tell_state(self, subject: str, state: str, current_time: float) -> None:
        self._told[subject] = _ToldState(state, current_time)
        self._tell(f"{subject}: {state} ({current_time - self._start:.0f} s)")


def tell_nobody(_line: str) -> None:
    """Tell nobody: a module in a process of its own has no terminal."""
