# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report has: the checked configs with their findings, and what counts as failed. Private.

reports.py writes a report in each format. Tests of configs and forecasts make reports too: each test is a checked
config then, and each difference a finding. A finding is fatal if it is as severe as `fail_on`, or more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .findings import SEVERITIES, Finding, sort_key_by_position
from .rule_definitions import Rule

NEVER = "never"
_LONGEST_CODE = 120


@dataclass(frozen=True)
class SuppressedFinding:
    """A suppressed finding, the reason, and whether a comment of the config suppresses it."""

    finding: Finding
    reason: str
    is_in_source: bool = False


@dataclass(frozen=True)
class CheckedConfig:
    """A checked config and its findings.

    `group` is what it belongs to in JUnit, such as the file of a test; empty for the suite of the report. `seconds` is
    how long it took; None if it is not known.
    """

    name: str
    findings: tuple[Finding, ...] = ()
    suppressed_findings: tuple[SuppressedFinding, ...] = ()
    group: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Report:
    """All checked configs, the skipped files, the rules, the lowest severity that fails, and the configs' builds.

    `fail_on` is a severity or `never`. `build_by_config` has the label of the build by the name of the config.
    `own_rules` are the user's own rules, as `UserRules.as_list` has them.
    """

    checked_configs: Sequence[CheckedConfig]
    skipped_files: Sequence[str] = ()
    rules: Sequence[Rule] = ()
    fail_on: str = "error"
    build_by_config: Mapping[str, str] = field(default_factory=dict)
    suite_name: str = "o11y.opentelemetry.pipeline_validate"
    own_rules: Sequence[Mapping[str, Any]] = ()

    @cached_property
    def findings(self) -> list[Finding]:
        """All findings, by position."""
        findings: list[Finding] = []
        for config in self.checked_configs:
            findings += config.findings
        return sorted(findings, key=sort_key_by_position)

    @cached_property
    def suppressed_findings(self) -> list[SuppressedFinding]:
        """All suppressed findings, by position."""
        suppressed: list[SuppressedFinding] = []
        for config in self.checked_configs:
            suppressed += config.suppressed_findings
        return sorted(suppressed, key=lambda suppression: suppression.finding)

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of findings of each severity, and of suppressed findings and files."""
        count_by_severity = Counter(finding.severity for finding in self.findings)
        return {
            **{name: count_by_severity[name] for name in SEVERITIES},
            "suppressed": len(self.suppressed_findings),
            "checked": len(self.checked_configs),
            "skipped": len(self.skipped_files),
        }

    @property
    def checked_builds_phrase(self) -> str:
        """The builds for which the configs were checked, as the end of a phrase."""
        builds = list(dict.fromkeys(self.build_by_config.values()))
        return f" for {', '.join(builds)}" if builds else ""

    def is_fatal(self, finding: Finding) -> bool:
        """Whether a finding is as severe as `fail_on` says."""
        # The most severe one has the lowest index.
        return self.fail_on != NEVER and SEVERITIES.index(finding.severity) <= SEVERITIES.index(self.fail_on)

    def list_fatal_findings(self) -> Iterator[Finding]:
        """Yield the findings that fail, by position."""
        return filter(self.is_fatal, self.findings)


def format_finding_line(line_finding: Finding) -> str:
    """Return a finding in one line; one without position and path begins with its severity, not with `: `."""
    return str(line_finding).removeprefix(": ")


def format_suppressed_line(suppressed: SuppressedFinding) -> str:
    """Return a suppressed finding in one line, with the reason."""
    return f"{format_finding_line(suppressed.finding)} (suppressed: {suppressed.reason})"


def format_sentences(finding: Finding) -> str:
    """Return the message of a finding as a sentence, and its fix."""
    full_stop = "" if finding.message.endswith((".", "!", "?")) else "."
    return f"{finding.message}{full_stop} {finding.fix}".rstrip()


def format_count(number: int, noun: str) -> str:
    """Return `1 error` or `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def format_markdown_code(text: str) -> str:
    """Return a text as code of Markdown, short and in one line, also of a table, whatever it holds."""
    short_text = text if len(text) <= _LONGEST_CODE else f"{text[:_LONGEST_CODE]}…"
    return "`" + " ".join(short_text.replace("`", "'").replace("|", "\\|").split()) + "`"
