# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of findings in its formats: text, JSON, JUnit, SARIF, and commands of GitHub. Private."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .junit_report import junit
from .report_model import (
    Report,
    count_in_words,
    finding_line,
    sentences,
    suppressed_line,
)
from .sarif_report import sarif
from .subject import Finding

_GITHUB_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def text(report: Report) -> str:
    """Return one line per finding, suppressed ones with their reason, and the summary at the end."""
    lines = [finding_line(finding) for finding in report.findings]
    lines += [suppressed_line(suppression) for suppression in report.suppressed]
    return "\n".join([*lines, *summary(report)]) + "\n"


def summary(report: Report) -> list[str]:
    """Return a line with counts, and one about the user's own rules if there are any."""
    counts = report.counts
    parts = [
        count_in_words(counts["error"], "error"),
        count_in_words(counts["warning"], "warning"),
        f"{counts['info']} info",
        *(f"{counts[name]} {name}" for name in ("suppressed", "skipped") if counts[name]),
    ]
    lines = [f"{count_in_words(counts['checked'], 'config')} checked{report.aim}: {', '.join(parts)}"]
    if report.own_rules:
        lines.append(_own_rules_line(report.own_rules))
    return lines


def _own_rules_line(rules: Sequence[Mapping[str, Any]]) -> str:
    """Return that the rules are right: a run with a wrong one ends before its report."""
    examples = sum(rule["examples"] for rule in rules)
    is_one = len(rules) == 1
    verb, whose = ("is", "its") if is_one else ("are", "their")
    well_formed = f"{count_in_words(len(rules), 'rule')} of your own {verb} well-formed"
    if not examples:
        return f"{well_formed}, without examples"
    holds = "example holds" if examples == 1 else "examples hold"
    return f"{well_formed}, and {whose} {examples} {holds}"


def json_text(report: Report) -> str:
    """Return the report as JSON, with the keys of the task's result."""
    return json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n"


def as_dict(report: Report) -> dict[str, object]:
    """Return the report as a task result has it."""
    result: dict[str, object] = {
        "findings": [finding.as_dict() for finding in report.findings],
        "suppressed": [{**one.finding.as_dict(), "reason": one.reason} for one in report.suppressed],
        "checked": [config.name for config in report.checked],
        "builds": dict(report.builds),
        "skipped_files": list(report.skipped),
        "counts": report.counts,
    }
    if report.own_rules:
        result["own_rules"] = [*report.own_rules]
    return result


def github(report: Report) -> str:
    """Return one workflow command per finding."""
    return "".join(f"{_command(finding)}\n" for finding in report.findings)


def _command(finding: Finding) -> str:
    """Return a finding as a workflow command of GitHub."""
    position = finding.position
    properties = {"file": position.file, "line": position.line, "col": position.column, "title": finding.rule}
    listed = ",".join(f"{key}={_escaped_property(str(value))}" for key, value in properties.items() if value)
    where = f"{finding.path}: " if finding.path else ""
    return f"::{_GITHUB_LEVELS[finding.severity]} {listed}::{_escaped_data(where + sentences(finding))}"


def _escaped_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped_data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": text,
    "json": json_text,
    "junit": junit,
    "sarif": sarif,
    "github": github,
}
