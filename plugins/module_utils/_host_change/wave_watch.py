# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a watch pauses between readings, and how a task is told what has passed: on hosts and clusters. Private.

A wave is a group of hosts or clusters that a run changes together. Its gate watches their collectors for some seconds,
and then the wave passes or fails (see docs/waves.md). Modules host_wave and collector_wave use this file. For example,
a watch of 120 s pauses 6 s between two readings, and the note that a wave has passed is option

    passed: {wave: canary, by: alice, collectors: [{name: agent, release: "000007", written: "17698…", sum: 1a2b…}]}
"""

from __future__ import annotations

from typing import Any

# A gate compares the metrics whose names begin with one of these, without their prefix `otelcol_`. A host returns only
# these to the controller. This is a part of a regular expression.
COMPARED = "receiver|exporter|processor|process_uptime|process_memory_rss|process_runtime_total_sys_memory"
# Each watch has at most so many pauses between readings.
_MOST_PAUSES = 20
# Each pause has at least so many seconds.
_SHORTEST_PAUSE = 3.0
# `sum` is the sum of a release's files, and `written` the time of its writing, which clusters do not have: another
# release may get the same number later, also with the same files.
_COLLECTOR_OPTIONS: dict[str, Any] = {
    "name": {"required": True},
    "release": {"required": True},
    "written": {"default": ""},
    "sum": {"required": True},
}
# The options of the note that a wave has passed: the wave, who ran it, and the releases that it judged.
PASSED_OPTIONS: dict[str, Any] = {
    "wave": {"required": True},
    "by": {"required": True},
    "collectors": {"type": "list", "elements": "dict", "options": _COLLECTOR_OPTIONS, "required": True},
}


def reading_pause(seconds: float) -> float:
    """Return the seconds between two readings of a watch of so many seconds."""
    return max(_SHORTEST_PAUSE, seconds / _MOST_PAUSES)
