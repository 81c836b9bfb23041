# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the pods of a collector that reads its own log. Private.

A collector that prints what it reads to its own log, and reads that log, feeds itself without end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TypedDict

from .._otelcol.needs.pod_logs import LOGS_ROOT
from .._telemetry.logs import CURRENT_SECONDS
from .._telemetry.times import seconds_between

# How a debug exporter prints the log file that a record is from: `log.file.path: Str(/var/log/pods/NAMESPACE_NAME_UID/`
# in detailed text, `log.file.path=/var/log/pods/NAMESPACE_NAME_UID/` in normal text.
_RECORD_OF_POD = re.compile(rf"log\.file\.path(?:: Str\(|=){LOGS_ROOT}/(?P<pod>[^_/\s]+_[^_/\s]+)_")


class EchoRow(TypedDict):
    """A pod of a collector that reads its own log: how many records of it the log has in the last `seconds`."""

    pod: str
    records: int
    seconds: float


def count_echoes(log_text: str, pods: Iterable[str], current_time: str) -> list[EchoRow]:
    """Return the pods whose own records a log prints.

    Each line of `log_text` begins with its time. `pods` are names such as `obs/agent-x7k2p`.
    """
    counts: Counter[str] = Counter()
    for line in log_text.splitlines():
        timestamp = line.partition(" ")[0]
        if seconds_between(timestamp, current_time) <= CURRENT_SECONDS:
            for match in _RECORD_OF_POD.finditer(line):
                counts[match["pod"].replace("_", "/")] += 1
    rows: list[EchoRow] = []
    for pod_name in pods:
        if counts[pod_name]:
            rows.append({"pod": pod_name, "records": counts[pod_name], "seconds": CURRENT_SECONDS})
    return rows
