# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.jobs JOB...`: run jobs, four at a time, show every line as it comes, and end with a table of times.

The CPU seconds in it tell what is slow from what had to wait for other work; servers of a cluster do not count.

A job is `NAME`, a target of the Makefile, or `NAME=TARGET,TARGET...`: targets that run one after the other, also after
a failure. The second kind takes what the first one leaves of the processors.
Parts of a target are found by the lines that Molecule prints (`SCENARIO ➜ STEP: Executing`), as does tools/cluster.
Each job's output is also in .cache/log/JOB.log.
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

LOGS = Path(".cache/log")
# A further job begins when one has ended: more at once would make the clusters too slow for what is waited for on them.
AT_ONCE = 4
# The niceness of jobs that nobody waits for: each target on a cluster is a long chain of waits, with limits of time.
GIVES_WAY = 5
LAST_LINES = 60
ERROR_LINES = 40
COLOR = re.compile(r"\x1b\[[0-9;]*m")
# What a part is in the table, by how the line of its step begins; a step of Molecule has other ways to pass, too.
FAILED, INCOMPLETE, PASSED = "FAILED", "incomplete", "passed"
RESULTS = {"Failed": FAILED, "Incomplete": INCOMPLETE}
# What Molecule prints on a terminal, and elsewhere.
PART = re.compile(r"\b(?P<name>\w+) [>➜] (?P<step>\w+)[\]:] (?:Executing$|Executed: (?P<how>.+))")
CLOSING = re.compile(r"\b\d+ passed|Molecule executed")
# A test among the dearest of a run of pytest, and how many of all runs are listed.
DEAR = re.compile(r"\s*(?P<seconds>\d+\.\d+)s (?P<phase>call|setup|teardown)\s+(?P<test>\S.*)")
MOST_DEAR = 10
# How Ansible, pytest and make begin an error; what follows belongs to it up to the next empty line.
ERROR = re.compile(r"(?:fatal|failed): \[|\[ERROR\]|E   |(?:FAILED|ERROR) \S|make: \*\*\*")
PRINTING = threading.Lock()


def family(root: int) -> set[int]:
    """Return a process and all below it."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = {root}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def cpu(root: int) -> float:
    """Return the CPU seconds of a process, of all below it, and of those that have ended."""
    ticks = 0
    for process in family(root):
        with contextlib.suppress(OSError):
            ticks += sum(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def give_way(process: int) -> None:
    """Let a process that leads a session, and its children, use what others leave of the processors.

    Where Linux has groups of sessions (`kernel.sched_autogroup_enabled`), niceness counts within a session only, and
    the group has one of its own. Source: sched(7), "The autogroup feature".
    """
    with contextlib.suppress(OSError):
        own = os.getpriority(os.PRIO_PROCESS, process)
        os.setpriority(os.PRIO_PROCESS, process, max(own, GIVES_WAY))
        Path(f"/proc/{process}/autogroup").write_text(str(GIVES_WAY), encoding="ascii")


def result_of(how: str) -> str:
    """Return the result of a step by how its line says that it ended."""
    for word, result in RESULTS.items():
        if how.startswith(word):
            return result
    return PASSED


@dataclass
class Part:
    """A scenario, or a target without parts: the seconds of each step, CPU seconds, and whether it has ended well."""

    name: str
    steps: dict[str, float] = field(default_factory=dict)
    cpu: float = 0
    result: str = FAILED

    def add(self, step: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Count a step between two points in time."""
        self.steps[step] = self.steps.get(step, 0) + end[0] - begin[0]
        self.cpu += end[1] - begin[1]


@dataclass(frozen=True)
class DearTest:
    """A test that took long: its seconds, and which phase of it."""

    seconds: float
    phase: str
    test: str


@dataclass
class Target:
    """What is learned from one target's output. `now` counts seconds and CPU seconds."""

    name: str
    now: Callable[[], tuple[float, float]]
    parts: dict[str, Part] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    dear_tests: list[DearTest] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    step: tuple[str, str] | None = None
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=ERROR_LINES))
    within: bool = False

    def __post_init__(self) -> None:
        self.started = self.step_started = self.now()

    def read(self, line: str) -> None:
        """Note the beginning or end of a step, an error, a closing line, and what was skipped."""
        found = PART.search(line)
        self._note_error("" if found else line)
        if found:
            part = self.parts.setdefault(found["name"], Part(found["name"]))
            step = (found["name"], found["step"])
            if not found["how"]:
                part.result, self.step_started, self.step = FAILED, self.now(), step
                self.recent.clear()
            elif step == self.step:  # Molecule repeats them all at its end
                self.step = None
                part.result = result_of(found["how"])
                part.add(found["step"], self.step_started, self.now())
                if part.result == FAILED:
                    self._keep_errors(" ".join(step))
        elif dear := DEAR.fullmatch(line):
            self.dear_tests.append(DearTest(float(dear["seconds"]), dear["phase"], dear["test"]))
        elif line.lstrip().startswith("SKIPPED") or CLOSING.search(line):
            self.notes.append(line.strip())

    def _note_error(self, line: str) -> None:
        self.within = bool(line.strip()) and (self.within or bool(ERROR.match(line)))
        if self.within:
            self.recent.append(line)

    def _keep_errors(self, where: str) -> None:
        self.errors += [f"{where}: {line}" for line in self.recent]
        self.recent.clear()

    def end(self, code: int, now: tuple[float, float]) -> None:
        """Add the target itself, where it has no parts or has failed outside of them."""
        passed = code == 0
        if not passed and not self.errors:
            self._keep_errors(" ".join(self.step or (self.name,)))
        has_failed_part = any(part.result == FAILED for part in self.parts.values())
        if not self.parts or not (passed or has_failed_part):
            self.parts[self.name] = own = Part(self.name, result=PASSED if passed else FAILED)
            own.add("", self.started, now)


@dataclass
class Job:
    """Targets of the Makefile, one after the other."""

    name: str
    targets: list[str]
    done: list[Target] = field(default_factory=list)
    failed: bool = False
    running: subprocess.Popen[str] | None = None
    gives_way: bool = False

    @classmethod
    def of(cls, text: str) -> Job:
        """Read `NAME` or `NAME=TARGET,TARGET...`."""
        name, _, targets = text.partition("=")
        return cls(name, (targets or name).split(","), gives_way=bool(targets))

    @property
    def log(self) -> Path:
        """Where the whole output is."""
        return LOGS / f"{self.name}.log"

    def stop(self) -> None:
        """End what runs, and begin no other target."""
        self.targets.clear()
        if self.running and self.running.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGTERM)

    def run(self, command: Callable[[str], Sequence[str]], now: Callable[[], float]) -> None:
        """Run the targets, and show and keep what they print."""
        with self.log.open("w", encoding="utf-8") as log:
            for name in self.targets:
                self.running = process = subprocess.Popen(
                    command(name),
                    start_new_session=True,  # one signal ends all of it
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )
                if self.gives_way:
                    give_way(process.pid)
                if not self.targets:
                    self.stop()
                target = Target(name, lambda pid=process.pid: (now(), cpu(pid)))  # type: ignore[misc]
                for raw in process.stdout or ():
                    line = COLOR.sub("", raw).rstrip()
                    target.read(line)
                    shown = f"[{now():5.0f}s] {self.name:7} | {line}"
                    print(shown, file=log, flush=True)
                    with PRINTING:
                        print(shown, flush=True)
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                target.end(process.returncode, (now(), used.ru_utime + used.ru_stime))
                self.failed |= process.returncode != 0
                self.done.append(target)


def table(jobs: Iterable[Job]) -> list[str]:
    """Return a line for each part: its job, its seconds, how it ended, and the seconds of its steps."""
    rows = [f"{'job':8} {'part':24} {'seconds':>7} {'CPU s':>6}  result"]
    for job in jobs:
        for part in (part for target in job.done for part in target.parts.values()):
            steps = ", ".join(f"{name} {seconds:.0f}" for name, seconds in part.steps.items() if name)
            row = f"{job.name:8} {part.name:24} {sum(part.steps.values()):7.0f} {part.cpu:6.0f}  {part.result}  {steps}"
            rows.append(row.rstrip())
    return rows


def dearest(jobs: Iterable[Job]) -> list[str]:
    """Return a line for each of the tests that took longest, of all jobs."""
    found = [(job.name, test) for job in jobs for target in job.done for test in target.dear_tests]
    found.sort(key=lambda item: item[1].seconds, reverse=True)
    return [f"{test.seconds:8.1f} {name}: {test.phase} {test.test}" for name, test in found[:MOST_DEAR]]


def summary(jobs: Sequence[Job]) -> list[str]:
    """Return the table, what was skipped, the closing lines, and each failed job's errors, or its last lines.

    A failed scenario still clears up: its errors are not at the end of the output.
    """
    rows = ["", *table(jobs), ""]
    if slow_tests := dearest(jobs):
        rows += ["The tests that took longest, in seconds:", *slow_tests, ""]
    rows += [f"{job.name}: {note}" for job in jobs for target in job.done for note in target.notes]
    for job in (job for job in jobs if job.failed):
        errors = [error for target in job.done for error in target.errors]
        last = [] if errors else job.log.read_text(encoding="utf-8").splitlines()[-LAST_LINES:]
        rows += ["", f"FAILED: {job.name}, see {job.log}:", *errors, *last]
    return rows


def _interrupt(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt(number)


def main(
    arguments: Sequence[str],
    command: Callable[[str], Sequence[str]],
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Run the jobs; 0 when all of them passed."""
    LOGS.mkdir(parents=True, exist_ok=True)
    started = clock()
    jobs = [Job.of(text) for text in arguments]
    interrupted = False
    signal.signal(signal.SIGTERM, _interrupt)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(job.run, command, lambda: clock() - started) for job in jobs]
        try:
            wait(running)
        except KeyboardInterrupt:
            interrupted = True
            for job in jobs:
                job.stop()
    for one in running:
        one.result()
    print("\n".join(summary(jobs)), flush=True)
    return 130 if interrupted else int(any(job.failed for job in jobs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda target: ["make", "--no-print-directory", target]))
