# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What processes of Linux use of the processors, and how they leave them to others. jobs.py asks this of its jobs."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

# The niceness of processes that nobody waits for, from 0 (that of all others) to 19.
LOW_PRIORITY = 5
# The places of fields in the list that `_read_stat_fields` returns: the id of the parent process (ppid).
_PARENT = 1
# CPU time in ticks of the clock: utime and stime of the process, cutime and cstime of children that have ended.
_CPU_TICKS = slice(11, 15)


def measure_cpu_seconds(root_process: int) -> float:
    """Return the CPU seconds of a process, of all its descendants, and of those of them that have ended."""
    clock_ticks = 0
    for process in list_process_tree(root_process):
        with contextlib.suppress(OSError):
            clock_ticks += sum(map(int, _read_stat_fields(process)[_CPU_TICKS]))
    return clock_ticks / os.sysconf("SC_CLK_TCK")


def list_process_tree(root_process: int) -> set[int]:
    """Return the ids of a process, of its children, of their children and so on."""
    parent_of_process: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            process = int(folder.name)
            parent_of_process[process] = int(_read_stat_fields(process)[_PARENT])
    process_ids = {root_process}
    while True:
        children = {process for process, parent in parent_of_process.items() if parent in process_ids}
        if children <= process_ids:
            return process_ids
        process_ids |= children


def _read_stat_fields(process_id: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third one, the state, on. Raises OSError if there is no process.

    The text is such as `4711 (make (x)) S 4700 …`. The name of the program, in parentheses, may have spaces,
    parentheses and any other bytes itself, so the fields are read after the last one. Source: proc_pid_stat(5).
    """
    return Path(f"/proc/{process_id}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()


def lower_priority(process_id: int) -> None:
    """Let a process that leads a session, and its children, use what others leave of the processors.

    Where Linux has groups of sessions (`kernel.sched_autogroup_enabled`), niceness counts within a session only, and
    the group has one of its own. Source: sched(7), "The autogroup feature".
    """
    with contextlib.suppress(OSError):
        current_niceness = os.getpriority(os.PRIO_PROCESS, process_id)
        os.setpriority(os.PRIO_PROCESS, process_id, max(current_niceness, LOW_PRIORITY))
        Path(f"/proc/{process_id}/autogroup").write_text(str(LOW_PRIORITY), encoding="ascii")
