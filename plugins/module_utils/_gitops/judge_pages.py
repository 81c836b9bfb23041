# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the judgement of a synced change says, as Markdown and JUnit. Private.

A sync is a change that another tool, such as Argo CD, applies from Git. `_collector_judge.py` of plugin_utils compares
what collectors counted before and after it. A verdict is a `JudgedGroup` of judged_group.py. One word stands for all
verdicts, the first of this table that fits:

| word | when | title of the page |
|---|---|---|
| `worse` | a collector does worse than before | The collectors do worse with the change |
| `no data` | one could not be compared, or none is there | Not all collectors were judged by data |
| `passed` | otherwise | The collectors do as well with the change as before |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._otelcol.config.paths import Position
from .._otelcol.rules.findings import Finding
from .._otelcol.rules.junit_report import render_junit
from .._otelcol.rules.report_model import CheckedConfig, Report
from .._waves.judged_group import JudgedGroup

SUITE = "o11y.opentelemetry.judge"
WORSE, NO_DATA, PASSED = "worse", "no data", "passed"


@dataclass(frozen=True)
class JudgedCollectors:
    """The verdicts of all collectors of a sync, and why the data of some of them is missing.

    `kept_times` says when the figures of each host were kept, `uncompared_reasons` why no collector at all was
    compared.
    """

    verdicts: Sequence[JudgedGroup]
    missing_reasons: Sequence[str] = ()
    kept_times: Sequence[str] = ()
    uncompared_reasons: Sequence[str] = ()

    @property
    def worse_lines(self) -> list[str]:
        """What is worse with the change, one line each."""
        return [line for verdict in self.verdicts for line in verdict.worse_lines]

    @property
    def unjudged_lines(self) -> list[str]:
        """Why something was not judged by data, one line each."""
        return [
            *self.uncompared_reasons,
            *self.missing_reasons,
            *(verdict.verdict_line for verdict in self.verdicts if _lacks_data(verdict)),
        ]

    @property
    def verdict_word(self) -> str:
        """One word for all of them, the worst."""
        if self.worse_lines:
            return WORSE
        return NO_DATA if self.unjudged_lines or not self.verdicts else PASSED


def _lacks_data(verdict: JudgedGroup) -> bool:
    """Whether nothing is worse, and not all of them were judged by data.

    A group that is worse is reported as that alone: what its other collectors would say changes nothing.
    """
    return not verdict.worse_lines and not verdict.is_whole


def render_markdown_page(judged_collectors: JudgedCollectors) -> str:
    """Return the page for a pull request."""
    titles = {
        WORSE: "The collectors do worse with the change",
        NO_DATA: "Not all collectors were judged by data",
        PASSED: "The collectors do as well with the change as before",
    }
    passed_lines = [
        verdict.verdict_line for verdict in judged_collectors.verdicts if verdict.is_whole and not verdict.worse_lines
    ]
    lines = [f"# {titles[judged_collectors.verdict_word]}", ""]
    lines += _render_section("Worse", judged_collectors.worse_lines)
    lines += _render_section("Not judged by data", judged_collectors.unjudged_lines)
    lines += _render_section("Judged", passed_lines)
    lines += _render_section("Figures of before", judged_collectors.kept_times)
    return "\n".join(lines)


def _render_section(title: str, rows: Sequence[str]) -> list[str]:
    """Return the lines of a section with a list; none without rows."""
    if not rows:
        return []
    return [f"## {title}", "", *(f"- {row}" for row in rows), ""]


def render_junit_page(judged_collectors: JudgedCollectors, *, without_data_fails: bool) -> str:
    """Return a test case for each group of collectors, and one for each whose data is missing.

    `without_data_fails` is about collectors among others: that none was compared is always a failure.
    """
    # In JUnit, a finding with severity `error` is a failure; one with `info` leaves the test case passed.
    severity_without_data = "error" if without_data_fails else "info"
    cases = [_build_case_without_data(line, "error") for line in judged_collectors.uncompared_reasons]
    cases += [_build_case_without_data(line, severity_without_data) for line in judged_collectors.missing_reasons]
    for verdict in judged_collectors.verdicts:
        findings = [_build_finding(WORSE, "error", line) for line in verdict.worse_lines]
        if _lacks_data(verdict):
            findings.append(_build_finding(NO_DATA, severity_without_data, verdict.verdict_line))
        cases.append(CheckedConfig(f"{verdict.name} on {', '.join(verdict.members)}", tuple(findings)))
    return render_junit(Report(cases, suite_name=SUITE))


def _build_case_without_data(reason: str, severity: str) -> CheckedConfig:
    """Return the test case of collectors without data, whose name is the reason: no verdict names them."""
    return CheckedConfig(reason, (_build_finding(NO_DATA, severity, reason),))


def _build_finding(verdict_word: str, severity: str, message: str) -> Finding:
    """Return a finding, whose rule is a word such as `no_data`. It is about no file, so it has no position and path."""
    return Finding(
        position=Position(""), path="", rule=verdict_word.replace(" ", "_"), severity=severity, message=message
    )
