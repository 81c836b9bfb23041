# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lines that a target of the Makefile prints say: its steps and their times, its errors, and slow tests.

jobs.py gives each line to `Target.read_line` as it comes, and in the end makes its table of the fields. Molecule and
tools/step.sh print a line where a step of a scenario begins and where it ends. For example, these lines

    default ➜ verify: Executing
    fatal: [host]: FAILED! => …
    default ➜ verify: Executed: Failed

make one part of the table, scenario `default` with a failed step `verify`, and the error `default verify: fatal: …`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

# So many of the last lines of a step's errors are kept.
ERROR_LINES = 40
# The results of a part of the table.
FAILED = "FAILED"
INCOMPLETE = "incomplete"
PASSED = "passed"
# By the word with which Molecule says how a step ended; any other word, such as `Successful`, means that it passed.
_RESULT_BY_WORD = {"Failed": FAILED, "Incomplete": INCOMPLETE}
# What Molecule prints on a terminal, and elsewhere, when a step begins and when it ends. For example
# `default ➜ verify: Executing`, or `[default > verify] Executed: Successful`, where `how` is `Successful`.
_STEP_LINE = re.compile(r"\b(?P<name>\w+) [>➜] (?P<step>\w+)[\]:] (?:Executing$|Executed: (?P<how>.+))")
# The last line of pytest, such as `12 passed in 3.1s`, and that of Molecule.
_CLOSING_LINE = re.compile(r"\b\d+ passed|Molecule executed")
# A test among the slowest of a run of pytest, such as `12.34s call tests/unit/test_x.py::test_y`.
_SLOW_TEST_LINE = re.compile(r"\s*(?P<seconds>\d+\.\d+)s (?P<phase>call|setup|teardown)\s+(?P<test>\S.*)")
# How Ansible, pytest and make begin an error; what follows belongs to it up to the next
# empty line or closing line.
_ERROR_LINE = re.compile(r"(?:fatal|failed): \[|\[ERROR\]|E   |(?:FAILED|ERROR) \S|make: \*\*\*")


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
        step_match = _STEP_LINE.search(line)
        self._note_error("" if step_match else line)
        if step_match:
            step = PartStep(step_match["name"], step_match["step"])
            part = self.parts.setdefault(step.part, Part(step.part))
            if not step_match["how"]:
                self._begin_step(part, step)
            elif step == self.step:  # at its end, Molecule prints again how each step ended
                self._end_step(part, step, step_match["how"])
        elif test_match := _SLOW_TEST_LINE.fullmatch(line):
            self.slow_tests.append(SlowTest(float(test_match["seconds"]), test_match["phase"], test_match["test"]))
        elif line.lstrip().startswith("SKIPPED") or _CLOSING_LINE.search(line):
            self.notes.append(line.strip())

    def _begin_step(self, part: Part, step: PartStep) -> None:
        """Note the beginning of a step. Its part has failed unless the end of the step says otherwise."""
        part.result = FAILED
        self.step, self.step_started = step, self.read_usage()
        self.recent_lines.clear()

    def _end_step(self, part: Part, step: PartStep, outcome: str) -> None:
        """Note how the step that runs has ended, and its errors if it has failed."""
        self.step = None
        part.result = _parse_result(outcome)
        part.add_step(step.name, self.step_started, self.read_usage())
        if part.result == FAILED:
            self._keep_errors(" ".join(step))

    def _note_error(self, line: str) -> None:
        """Keep a line if it begins an error, or belongs to one that has begun.

        An empty line ends an error. So does a closing line, which still belongs to it.
        """
        self.is_within_error = bool(line.strip()) and (self.is_within_error or bool(_ERROR_LINE.match(line)))
        if self.is_within_error:
            self.recent_lines.append(line)
            self.is_within_error = not _CLOSING_LINE.search(line)

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


def _parse_result(outcome: str) -> str:
    """Return the result of a step by what its line says of its end, such as `Successful`."""
    for word, result in _RESULT_BY_WORD.items():
        if outcome.startswith(word):
            return result
    return PASSED
