# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress lines with elapsed seconds, and waiting for conditions instead of sleeping."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.testbed.errors import ClusterError

STOP_EVENT = threading.Event()
"""Set when a step failed or the user interrupted: every wait ends at once."""

_START_TIME = time.monotonic()


def say(text: str) -> None:
    """One progress line on stderr; stdout belongs to `env` and `status`."""
    print(f"[{time.monotonic() - _START_TIME:6.1f}s] {text}", file=sys.stderr, flush=True)


def read_last_lines(path: Path, count: int = 30) -> str:
    """The end of a log, for error texts."""
    if not path.exists():
        return f"(no log at {path})"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    return "\n".join([f"last lines of {path}:", *lines])


def wait_for(
    description: str, find_missing: Callable[[], str | None], timeout_seconds: float, describe_hint: Callable[[], str]
) -> None:
    """Poll until `find_missing` returns None.

    It returns what is still missing as text, and raises where waiting is in vain. `describe_hint` is asked only when
    the time is up: it says where to look (usually the last log lines of a component).
    """
    deadline = time.monotonic() + timeout_seconds
    while (still_missing := find_missing()) is not None:
        if time.monotonic() > deadline:
            reason = f"{still_missing}\n{describe_hint()}".rstrip()
            raise ClusterError(
                f"{description}: not within {timeout_seconds:.0f} s", reason, "fix the cause, then run `up` again"
            )
        if STOP_EVENT.wait(0.1):
            raise ClusterError(
                f"{description}: given up", "another step failed or the run was interrupted", "run `up` again"
            )
