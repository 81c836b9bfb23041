# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a run waits for what the Collector still has to send, before it stops the Collector. Private.

run_case.py and replay.py wait so. Nobody knows whether a record arrives: a config may drop it. So each wait ends after
some seconds, whether something arrived or not.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from ....module_utils._otelcol.testing import harness
from .sink import ArrivedRecords

_LONGEST_WAIT = 4.0
"""Seconds that a test waits for what may never come, because the config drops it."""
_QUIET_SECONDS = 0.6
"""Seconds without a record after which the lines of a file count as read."""
_POLL_SECONDS = 0.05


def wait_until(seconds: float, is_done: Callable[[], bool]) -> None:
    """Wait until something holds; what a config drops never comes, so the end of the time is an end too."""
    deadline = time.monotonic() + seconds
    while not is_done() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def wait_for_read_files(arrived: ArrivedRecords, seconds: float) -> None:
    """Wait until receivers have read the files of a test: the tap has got a line, and nothing arrives any more.

    The tap is an exporter of the test that gets what file_log reads, before any processor can drop it (harness.py).
    """
    wait_until(_LONGEST_WAIT, lambda: harness.TAP_NAME in arrived.arrived_records)
    wait_until(seconds, lambda: time.monotonic() - arrived.last_request_time > _QUIET_SECONDS)


def wait_for_flushes(arrived: ArrivedRecords, flushes: int) -> None:
    """Wait until components that send at an interval have sent what they collect.

    `flushes` is how many requests an exporter must send more; 0 waits for nothing.
    """
    if not flushes:
        return
    earlier_requests = Counter(arrived.requests)
    wait_until(_LONGEST_WAIT, lambda: max((arrived.requests - earlier_requests).values(), default=0) >= flushes)
