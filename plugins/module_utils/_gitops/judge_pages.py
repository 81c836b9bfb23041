# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the judgement of a synced change says, as Markdown and JUnit. Private."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._otelcol.config.paths import Position
from .._otelcol.rules.junit_report import render_junit
from .._otelcol.rules.report_model import CheckedConfig, Report
from .._otelcol.rules.subject import Finding
from .._waves.wave_data import JudgedGroup

SUITE = "o11y.opentelemetry.judge"
WORSE, NO_DATA, PASSED = "worse", "no data", "passed"


@dataclass(frozen=True)
class JudgedCollectors:
    """The verdicts of all collectors of a sync, and why the data of some of them is missing.

    `kept` says when the figures of each host were kept, `not_compared` why no collector at all was compared.
    """

    verdicts: Sequence[JudgedGroup]
    missing: Sequence[str] = ()
    kept: Sequence[str] = ()
    not_compared: Sequence[str] = ()

    @property
    def worse(self) -> list[str]:
        """What is worse with the change, one line each."""
        return [line for verdict in self.verdicts for line in verdict.worse]

    @property
    def without_data(self) -> list[str]:
        """Why something was not judged by data, one line each."""
        return [*self.not_compared, *self.missing, *(verdict.line for verdict in self.verdicts if _lacks_data(verdict))]

    @property
    def result(self) -> str:
        """One word for all of them, the worst."""
        if self.worse:
            return WORSE
        return NO_DATA if self.without_data or not self.verdicts else PASSED


def _lacks_data(verdict: JudgedGroup) -> bool:
    """Whether nothing is worse, and not all of them were judged by data."""
    return not verdict.worse and not verdict.is_whole


def render_markdown_page(judged_collectors: JudgedCollectors) -> str:
    """Return the page for a pull request."""
    titles = {
        WORSE: "The collectors do worse with the change",
        NO_DATA: "Not all collectors were judged by data",
        PASSED: "The collectors do as well with the change as before",
    }
    passed_lines = [verdict.line for verdict in judged_collectors.verdicts if verdict.is_whole and not verdict.worse]
    lines = [f"# {titles[judged_collectors.result]}", ""]
    lines += _render_section("Worse", judged_collectors.worse)
    lines += _render_section("Not judged by data", judged_collectors.without_data)
    lines += _render_section("Judged", passed_lines)
    lines += _render_section("Figures of before", judged_collectors.kept)
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
    severity = "error" if without_data_fails else "info"
    cases = [CheckedConfig(line, (_build_finding(NO_DATA, "error", line),)) for line in judged_collectors.not_compared]
    cases += [CheckedConfig(line, (_build_finding(NO_DATA, severity, line),)) for line in judged_collectors.missing]
    for verdict in judged_collectors.verdicts:
        findings = [_build_finding(WORSE, "error", line) for line in verdict.worse]
        if _lacks_data(verdict):
            findings.append(_build_finding(NO_DATA, severity, verdict.line))
        cases.append(CheckedConfig(f"{verdict.name} on {', '.join(verdict.members)}", tuple(findings)))
    return render_junit(Report(cases, suite=SUITE))


def _build_finding(rule: str, severity: str, message: str) -> Finding:
    return Finding(Position(""), "", rule.replace(" ", "_"), severity, message)
