# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.jobs JOB...`: runs jobs of the Makefile beside each other, and ends with a table of their times.

A job is `NAME`, a target of the Makefile, or `NAME=TARGET,TARGET...`, targets that run one after the other, also after
a failure. Jobs of the second kind have a lower priority. `make test` runs all its parts so.

Every line that a job prints is shown as it comes, and is also in .cache/log/JOB.log. job_output.py finds the steps in
these lines, so the table has a row for each scenario:

    job      part                     seconds  CPU s  result
    cluster  default                      312     95  passed  create 40, converge 180, verify 92
    static   lint                          61     58  passed

CPU seconds tell what is slow from what had to wait for other work. The servers of a cluster do not count.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TextIO

from .job_output import Part, SlowTest, Target, Usage
from .processes import lower_priority, measure_cpu_seconds

LOGS_FOLDER = Path(".cache/log")
# A further job begins when one has ended. Three keep two cores busy all the time. Beside a fourth one, the clusters are
# too slow for what is waited for on them, and the unit tests take nearly twice the CPU that they take alone.
PARALLEL_JOBS = 3
# How many of the last lines of a failed job are shown if no error was seen in them.
LAST_LINES = 60
# How many of the slowest tests of all runs of pytest are listed.
MAX_SLOW_TESTS = 10
# What sets a color in a terminal, such as `ESC[31m`.
COLOR_CODE = re.compile(r"\x1b\[[0-9;]*m")
PRINT_LOCK = threading.Lock()


def main(
    arguments: Sequence[str],
    command: Callable[[str], Sequence[str]],
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Run the jobs. Return 0 if all of them passed, 130 after an interruption, else 1.

    `command` returns the command line of a target.
    """
    LOGS_FOLDER.mkdir(parents=True, exist_ok=True)
    start_time = clock()

    def elapsed_seconds() -> float:
        return clock() - start_time

    jobs = [Job.from_text(text) for text in arguments]
    is_interrupted = False
    signal.signal(signal.SIGTERM, _raise_interrupt)
    with ThreadPoolExecutor(PARALLEL_JOBS) as executor:
        futures = [executor.submit(job.run, command, elapsed_seconds) for job in jobs]
        try:
            wait(futures)
        except KeyboardInterrupt:
            is_interrupted = True
            for job in jobs:
                job.stop()
    for future in futures:
        future.result()
    print("\n".join(list_summary_lines(jobs)), flush=True)
    return 130 if is_interrupted else int(any(job.has_failed for job in jobs))


def _raise_interrupt(number: int, _frame: FrameType | None) -> None:
    """Treat a signal as Ctrl+C is treated."""
    raise KeyboardInterrupt(number)


@dataclass
class Job:
    """Targets of the Makefile that run one after the other."""

    name: str
    targets: list[str]
    """The names of those to run."""
    done_targets: list[Target] = field(default_factory=list)
    has_failed: bool = False
    is_stopped: bool = False
    """Whether no further target begins."""
    running_process: subprocess.Popen[str] | None = None
    """The process of the target that runs, or of the last one."""
    gives_way: bool = False
    """Whether it has a lower priority than other jobs: it was given as `NAME=TARGET,TARGET`."""

    @classmethod
    def from_text(cls, text: str) -> Job:
        """Read `NAME` or `NAME=TARGET,TARGET...`."""
        name, _, targets = text.partition("=")
        return cls(name, (targets or name).split(","), gives_way=bool(targets))

    @property
    def log(self) -> Path:
        """Where the whole output is."""
        return LOGS_FOLDER / f"{self.name}.log"

    def stop(self) -> None:
        """End what runs, and begin no other target."""
        self.is_stopped = True
        if self.running_process and self.running_process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running_process.pid, signal.SIGTERM)

    def run(self, command: Callable[[str], Sequence[str]], elapsed_seconds: Callable[[], float]) -> None:
        """Run the targets, show what they print, and write it to the log.

        `command` returns the command line of a target, and `elapsed_seconds` the seconds since the jobs began.
        """
        with self.log.open("w", encoding="utf-8") as log_file:
            for name in self.targets:
                if self.is_stopped:
                    return
                self._run_target(name, command(name), elapsed_seconds, log_file)

    def _run_target(self, name: str, command: Sequence[str], elapsed_seconds: Callable[[], float], log: TextIO) -> None:
        """Run a target, and add it to those that are done."""
        process = self._start(command)
        target = Target(name, lambda: Usage(elapsed_seconds(), measure_cpu_seconds(process.pid)))
        for raw_line in process.stdout or ():
            line = COLOR_CODE.sub("", raw_line).rstrip()
            target.read_line(line)
            shown_line = f"[{elapsed_seconds():5.0f}s] {self.name:7} | {line}"
            print(shown_line, file=log, flush=True)
            with PRINT_LOCK:
                print(shown_line, flush=True)
        _, wait_status, resource_usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(wait_status)
        target.end_target(
            process.returncode, Usage(elapsed_seconds(), resource_usage.ru_utime + resource_usage.ru_stime)
        )
        self.has_failed |= process.returncode != 0
        self.done_targets.append(target)

    def _start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        """Start the command of a target, and end it at once if the job was stopped meanwhile."""
        self.running_process = process = subprocess.Popen(
            command,
            start_new_session=True,  # one signal ends all of it
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        if self.gives_way:
            lower_priority(process.pid)
        if self.is_stopped:
            self.stop()
        return process


# ── The summary ──


def list_summary_lines(jobs: Sequence[Job]) -> list[str]:
    """Return the table, what was skipped, the closing lines, and each failed job's errors, or its last lines.

    A failed scenario still clears up: its errors are not at the end of the output.
    """
    rows = ["", *list_table_rows(jobs), ""]
    slow_tests = list_slowest_tests(jobs)
    if slow_tests:
        rows += ["The tests that took longest, in seconds:", *slow_tests, ""]
    for job in jobs:
        for target in job.done_targets:
            rows += [f"{job.name}: {note}" for note in target.notes]
    for job in jobs:
        if job.has_failed:
            rows += ["", f"FAILED: {job.name}, see {job.log}:", *_list_failure_lines(job)]
    return rows


def _list_failure_lines(job: Job) -> list[str]:
    """Return the errors of a failed job; the last lines of its output if no error was seen."""
    errors: list[str] = []
    for target in job.done_targets:
        errors += target.errors
    return errors or job.log.read_text(encoding="utf-8").splitlines()[-LAST_LINES:]


def list_table_rows(jobs: Iterable[Job]) -> list[str]:
    """Return a line for each part: its job, its seconds, how it ended, and the seconds of its steps."""
    rows = [f"{'job':8} {'part':24} {'seconds':>7} {'CPU s':>6}  result"]
    for job in jobs:
        for target in job.done_targets:
            rows += [_table_row(job.name, part) for part in target.parts.values()]
    return rows


def _table_row(job: str, part: Part) -> str:
    steps = ", ".join(f"{name} {seconds:.0f}" for name, seconds in part.seconds_by_step.items() if name)
    seconds = sum(part.seconds_by_step.values())
    return f"{job:8} {part.name:24} {seconds:7.0f} {part.cpu_seconds:6.0f}  {part.result}  {steps}".rstrip()


def list_slowest_tests(jobs: Iterable[Job]) -> list[str]:
    """Return a line for each of the tests that took longest, of all jobs."""
    timed_tests: list[tuple[SlowTest, str]] = []
    for job in jobs:
        for target in job.done_targets:
            timed_tests += [(test, job.name) for test in target.slow_tests]
    timed_tests.sort(key=lambda timed_test: timed_test[0].seconds, reverse=True)
    return [
        f"{test.seconds:8.1f} {job_name}: {test.phase} {test.test}" for test, job_name in timed_tests[:MAX_SLOW_TESTS]
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda target: ["make", "--no-print-directory", target]))
