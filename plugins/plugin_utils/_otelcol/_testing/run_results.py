# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run of tests of configs shows what it found: as a task result, as text, and as a report in JUnit. Private.

config_tests.py calls it at the end of a run. Extras are what a run finds beside its tests, see extras.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.paths import Position
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.rules.findings import Finding
from ....module_utils._otelcol.rules.junit_report import render_junit
from ....module_utils._otelcol.rules.report_model import CheckedConfig, Report, format_count
from .result_rows import ExtraFacts, TestRow

_RULE_ID = "config-test"
_JUNIT_SUITE = "o11y.opentelemetry.pipeline_test"


@dataclass(frozen=True)
class CaseResult:
    """What one test found: it has passed if it has no differences."""

    file: str
    name: str
    differences: tuple[str, ...]
    changes: tuple[str, ...] = ()
    """What the run had to change in the config."""
    trace_lines: tuple[str, ...] = ()
    """What left each component, if that was asked for."""
    golden_paths: tuple[str, ...] = ()
    """Golden files that were written."""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def as_dict(self) -> TestRow:
        """Return it as a task result shows it."""
        return {
            "name": self.name,
            "file": self.file,
            "passed": not self.differences,
            "differences": list(self.differences),
            "changes": list(self.changes),
            "trace": list(self.trace_lines),
            "golden": list(self.golden_paths),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class ExtraResult:
    """What a run finds beside its tests, such as coverage."""

    facts: ExtraFacts = field(default_factory=ExtraFacts)
    """What the result of the task has of it."""
    lines: Sequence[str] = ()
    """What the report has of it."""
    problem: Problem | None = None
    """Why it could not be found; None if it was."""


def build_task_result(results: Sequence[CaseResult], extra_result: ExtraResult) -> dict[str, Any]:
    """Return the result of the task. `failure` says in a line why it failed; it is empty if it did not."""
    extra_facts = dict(extra_result.facts)
    has_written = extra_facts.pop("changed", False) or any(result.golden_paths for result in results)
    report_text = "\n".join([format_results(results), *extra_result.lines])
    return {
        "tests": [result.as_dict() for result in results],
        "changed": has_written,
        **extra_facts,
        "report": report_text,
        "failure": _describe_failure(results, extra_result),
    }


def _describe_failure(results: Sequence[CaseResult], extra_result: ExtraResult) -> str:
    """Return how many tests failed, or else what failed beside them; empty text if nothing did."""
    failed_count = len(list_failed_results(results))
    if failed_count:
        return f"{failed_count} of {format_count(len(results), 'test')} failed"
    return str(extra_result.problem or "")


def list_failed_results(results: Sequence[CaseResult]) -> list[CaseResult]:
    """Return the results of the tests that failed."""
    return [result for result in results if result.differences]


def format_results(results: Sequence[CaseResult]) -> str:
    """Return a line for each test, and below it one for each difference and note; for a failed one its trace too."""
    lines = []
    for result in results:
        has_failed = bool(result.differences)
        lines.append(f"{'FAILED' if has_failed else 'passed'} {result.file}: {result.name}")
        lines += [f"    {line}" for line in result.differences]
        lines += [f"    note: {line}" for line in result.notes]
        if has_failed:
            lines += [f"      {line}" for line in result.trace_lines]
    return "\n".join(lines)


def format_junit(results: Sequence[CaseResult]) -> str:
    """Return a report in JUnit, in which the tests of a file are a class."""
    checked = []
    for result in results:
        file_group = _path_for_readers(result.file)
        checked.append(
            CheckedConfig(result.name, tuple(_iter_findings(result)), group=file_group, seconds=result.seconds)
        )
    return render_junit(Report(checked, suite_name=_JUNIT_SUITE))


def _iter_findings(result: CaseResult) -> Iterator[Finding]:
    """Yield each difference as a finding of a rule."""
    for line in result.differences:
        yield Finding(Position(result.file), result.name, _RULE_ID, "error", line)


def _path_for_readers(file: str) -> str:
    """Return a path as the reader of a report knows it: from where the play was started, if it is below."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
