# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.jobs JOB...`: runs jobs of the Makefile beside each other, and ends with a table of their times.

A job is `NAME`, a target of the Makefile, or `NAME=TARGET,TARGET...`, targets that run one after the other, also after
a failure. Jobs of the second kind have a lower priority.

Every line that a job prints is shown as it comes, and is also in .cache/log/JOB.log. Molecule and tools/cluster print
`SCENARIO ➜ STEP: Executing` where a step of a scenario begins, so the table has a row for each scenario. CPU seconds in
it tell what is slow from what had to wait for other work. The servers of a cluster do not count.
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
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NamedTuple, TextIO

LOGS_FOLDER = Path(".cache/log")
# A further job begins when one has ended. Three keep two cores busy all the time. Beside a fourth one, the clusters are
# too slow for what is waited for on them, and the unit tests take nearly twice the CPU that they take alone.
PARALLEL_JOBS = 3
# The niceness of jobs that nobody waits for: each target on a cluster is a long chain of waits, with limits of time.
LOW_PRIORITY = 5
LAST_LINES = 60
ERROR_LINES = 40
# What sets a color in a terminal, such as `ESC[31m`.
COLOR_CODE = re.compile(r"\x1b\[[0-9;]*m")
# What a part is in the table, by how the line of its step begins; a step of Molecule has other ways to pass, too.
FAILED, INCOMPLETE, PASSED = "FAILED", "incomplete", "passed"
RESULTS = {"Failed": FAILED, "Incomplete": INCOMPLETE}
# What Molecule prints on a terminal, and elsewhere, when a step begins and when it ends. For example
# `default ➜ verify: Executing`, or `[default > verify] Executed: Successful`, where `how` is `Successful`.
STEP_LINE = re.compile(r"\b(?P<name>\w+) [>➜] (?P<step>\w+)[\]:] (?:Executing$|Executed: (?P<how>.+))")
# The last line of pytest, such as `12 passed in 3.1s`, and that of Molecule.
CLOSING_LINE = re.compile(r"\b\d+ passed|Molecule executed")
# A test among the slowest of a run of pytest, such as `12.34s call tests/unit/test_x.py::test_y`, and how many of all
# runs are listed.
SLOW_TEST_LINE = re.compile(r"\s*(?P<seconds>\d+\.\d+)s (?P<phase>call|setup|teardown)\s+(?P<test>\S.*)")
MAX_SLOW_TESTS = 10
# How Ansible, pytest and make begin an error; what follows belongs to it up to the next empty line.
ERROR_LINE = re.compile(r"(?:fatal|failed): \[|\[ERROR\]|E   |(?:FAILED|ERROR) \S|make: \*\*\*")
PRINT_LOCK = threading.Lock()
# Indexes in the list that `process_facts` returns: that of the id of the parent process (ppid), and those of its CPU
# time, in ticks of the clock (utime, stime; cutime and cstime of children that have ended).
PARENT_INDEX, CPU_TICKS = 1, slice(11, 15)


def process_facts(process_id: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third one, the state, on. Raises OSError if there is no process.

    Source: proc_pid_stat(5). The name of the program comes before that, and may have spaces and parentheses.
    """
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()


def list_process_tree(root_process: int) -> set[int]:
    """Return a process and all below it."""
    parent_of_process: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            process = int(folder.name)
            parent_of_process[process] = int(process_facts(process)[PARENT_INDEX])
    process_ids = {root_process}
    while True:
        children = {process for process, parent in parent_of_process.items() if parent in process_ids}
        if children <= process_ids:
            return process_ids
        process_ids |= children


def measure_cpu_seconds(root_process: int) -> float:
    """Return the CPU seconds of a process, of all its descendants, and of those of them that have ended."""
    clock_ticks = 0
    for process in list_process_tree(root_process):
        with contextlib.suppress(OSError):
            clock_ticks += sum(map(int, process_facts(process)[CPU_TICKS]))
    return clock_ticks / os.sysconf("SC_CLK_TCK")


def lower_priority(process_id: int) -> None:
    """Let a process that leads a session, and its children, use what others leave of the processors.

    Where Linux has groups of sessions (`kernel.sched_autogroup_enabled`), niceness counts within a session only, and
    the group has one of its own. Source: sched(7), "The autogroup feature".
    """
    with contextlib.suppress(OSError):
        current_niceness = os.getpriority(os.PRIO_PROCESS, process_id)
        os.setpriority(os.PRIO_PROCESS, process_id, max(current_niceness, LOW_PRIORITY))
        Path(f"/proc/{process_id}/autogroup").write_text(str(LOW_PRIORITY), encoding="ascii")


def parse_result(outcome: str) -> str:
    """Return the result of a step by the word with which its line says how it ended, such as `Successful`."""
    for word, result in RESULTS.items():
        if outcome.startswith(word):
            return result
    return PASSED


class Usage(NamedTuple):
    """What a target has used up to a moment: seconds since the jobs began, and CPU seconds of its own."""

    seconds: float
    cpu_seconds: float


class PartStep(NamedTuple):
    """A step of a part, such as `verify` of a scenario."""

    part: str
    name: str


@dataclass
class Part:
    """A row of the table: a scenario, or a target without scenarios."""

    name: str
    seconds_by_step: dict[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0
    result: str = FAILED
    """FAILED, INCOMPLETE or PASSED."""

    def add_step(self, step: str, begin_usage: Usage, end_usage: Usage) -> None:
        """Count a step between two moments."""
        self.seconds_by_step[step] = self.seconds_by_step.get(step, 0) + end_usage.seconds - begin_usage.seconds
        self.cpu_seconds += end_usage.cpu_seconds - begin_usage.cpu_seconds


@dataclass(frozen=True)
class SlowTest:
    """A test that took long."""

    seconds: float
    phase: str
    """What of it took so long: its setup, its call or its teardown."""
    test: str


@dataclass
class Target:
    """A target that runs, and what is learned from the lines of its output.

    `read_line` gets the lines one by one. Between two calls, the fields `step`, `recent_lines` and `is_within_error`
    say where in the output it is. `recent_lines` becomes `errors` if the step fails.
    """

    name: str
    read_usage: Callable[[], Usage]
    """Returns what the target has used up until now."""
    parts: dict[str, Part] = field(default_factory=dict)
    """By name, in the order in which they began."""
    notes: list[str] = field(default_factory=list)
    """Closing lines, and what was skipped."""
    slow_tests: list[SlowTest] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """The errors of failed steps, each line with its step."""
    step: PartStep | None = None
    """The step that runs; None between steps."""
    recent_lines: deque[str] = field(default_factory=lambda: deque(maxlen=ERROR_LINES))
    """Lines of errors since the step began."""
    is_within_error: bool = False
    """Whether the line before belongs to an error."""

    def __post_init__(self) -> None:
        self.started = self.step_started = self.read_usage()

    def read_line(self, line: str) -> None:
        """Note the beginning or end of a step, an error, a closing line, and what was skipped."""
        step_match = STEP_LINE.search(line)
        self._note_error("" if step_match else line)
        if step_match:
            step = PartStep(step_match["name"], step_match["step"])
            part = self.parts.setdefault(step.part, Part(step.part))
            if not step_match["how"]:
                self._begin_step(part, step)
            elif step == self.step:  # at its end, Molecule prints again how each step ended
                self._end_step(part, step, step_match["how"])
        elif test_match := SLOW_TEST_LINE.fullmatch(line):
            self.slow_tests.append(SlowTest(float(test_match["seconds"]), test_match["phase"], test_match["test"]))
        elif line.lstrip().startswith("SKIPPED") or CLOSING_LINE.search(line):
            self.notes.append(line.strip())

    def _begin_step(self, part: Part, step: PartStep) -> None:
        """Note the beginning of a step. Its part has failed unless the end of the step says otherwise."""
        part.result = FAILED
        self.step, self.step_started = step, self.read_usage()
        self.recent_lines.clear()

    def _end_step(self, part: Part, step: PartStep, outcome: str) -> None:
        """Note how the step that runs has ended, and its errors if it has failed."""
        self.step = None
        part.result = parse_result(outcome)
        part.add_step(step.name, self.step_started, self.read_usage())
        if part.result == FAILED:
            self._keep_errors(" ".join(step))

    def _note_error(self, line: str) -> None:
        """Keep a line if it begins an error, or belongs to one that has begun; an empty line ends an error."""
        self.is_within_error = bool(line.strip()) and (self.is_within_error or bool(ERROR_LINE.match(line)))
        if self.is_within_error:
            self.recent_lines.append(line)

    def _keep_errors(self, step_name: str) -> None:
        self.errors += [f"{step_name}: {line}" for line in self.recent_lines]
        self.recent_lines.clear()

    def end_target(self, exit_code: int, end_usage: Usage) -> None:
        """Note the end of the target. It is a part itself if it has no others, or if it has failed outside of them."""
        has_passed = exit_code == 0
        if not has_passed and not self.errors:
            self._keep_errors(" ".join(self.step or (self.name,)))
        has_failed_part = any(part.result == FAILED for part in self.parts.values())
        if not self.parts or not (has_passed or has_failed_part):
            own_part = Part(self.name, result=PASSED if has_passed else FAILED)
            own_part.add_step("", self.started, end_usage)
            self.parts[self.name] = own_part


@dataclass
class Job:
    """Targets of the Makefile that run one after the other."""

    name: str
    targets: list[str]
    """The names of those to run. `stop` empties the list, so the loop of `run` ends after the target that runs."""
    done_targets: list[Target] = field(default_factory=list)
    has_failed: bool = False
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
        self.targets.clear()
        if self.running_process and self.running_process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running_process.pid, signal.SIGTERM)

    def run(self, command: Callable[[str], Sequence[str]], elapsed_seconds: Callable[[], float]) -> None:
        """Run the targets, show what they print, and write it to the log.

        `command` returns the command line of a target, and `elapsed_seconds` the seconds since the jobs began.
        """
        with self.log.open("w", encoding="utf-8") as log_file:
            for name in self.targets:
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
        if not self.targets:
            self.stop()
        return process


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


def _raise_interrupt(number: int, _frame: FrameType | None) -> None:
    """Treat a signal as Ctrl+C is treated."""
    raise KeyboardInterrupt(number)


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda target: ["make", "--no-print-directory", target]))
