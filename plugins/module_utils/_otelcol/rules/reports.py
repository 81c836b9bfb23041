# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of findings in its formats: text, JSON, JUnit, SARIF, and commands of GitHub. Private.

`FORMATS` has a function for each. For example, one finding in the formats for people and for GitHub:

    a.yml:4:3 receivers.otlp: warning [open-on-node] port 4317 is open on every address of the node. Write `…`.
    1 config checked: 0 errors, 1 warning, 0 info

    ::warning file=a.yml,line=4,col=3,title=open-on-node::receivers.otlp: port 4317 is open on every address of …
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .findings import Finding
from .junit_report import render_junit
from .report_model import (
    Report,
    format_count,
    format_finding_line,
    format_sentences,
    format_suppressed_line,
)
from .sarif_report import format_sarif

_GITHUB_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def format_text(report: Report) -> str:
    """Return one line per finding, suppressed ones with their reason, and the summary at the end."""
    lines = [format_finding_line(finding) for finding in report.findings]
    lines += [format_suppressed_line(suppression) for suppression in report.suppressed_findings]
    return "\n".join([*lines, *summarize_report(report)]) + "\n"


def summarize_report(report: Report) -> list[str]:
    """Return a line with counts, and one about the user's own rules if there are any."""
    counts = report.counts
    count_phrases = [
        format_count(counts["error"], "error"),
        format_count(counts["warning"], "warning"),
        f"{counts['info']} info",
        *(f"{counts[name]} {name}" for name in ("suppressed", "skipped") if counts[name]),
    ]
    lines = [
        f"{format_count(counts['checked'], 'config')} checked{report.checked_builds_phrase}: {', '.join(count_phrases)}"
    ]
    if report.own_rules:
        lines.append(_describe_own_rules(report.own_rules))
    return lines


def _describe_own_rules(rules: Sequence[Mapping[str, Any]]) -> str:
    """Return that the rules are right: a run with a wrong one ends before its report."""
    examples = sum(rule["examples"] for rule in rules)
    is_single = len(rules) == 1
    verb, possessive = ("is", "its") if is_single else ("are", "their")
    well_formed = f"{format_count(len(rules), 'rule')} of your own {verb} well-formed"
    if not examples:
        return f"{well_formed}, without examples"
    holds_phrase = "example holds" if examples == 1 else "examples hold"
    return f"{well_formed}, and {possessive} {examples} {holds_phrase}"


def format_json(report: Report) -> str:
    """Return the report as JSON, with the keys of the task's result."""
    return json.dumps(convert_to_result(report), indent=2, ensure_ascii=False) + "\n"


def convert_to_result(report: Report) -> dict[str, object]:
    """Return the report as a task result has it."""
    result: dict[str, object] = {
        "findings": [finding.as_dict() for finding in report.findings],
        "suppressed": [
            {**suppression.finding.as_dict(), "reason": suppression.reason}
            for suppression in report.suppressed_findings
        ],
        "checked": [config.name for config in report.checked_configs],
        "builds": dict(report.build_by_config),
        "skipped_files": list(report.skipped_files),
        "counts": report.counts,
    }
    if report.own_rules:
        result["own_rules"] = [*report.own_rules]
    return result


def format_github_commands(report: Report) -> str:
    """Return one workflow command per finding."""
    return "".join(f"{_format_github_command(finding)}\n" for finding in report.findings)


def _format_github_command(finding: Finding) -> str:
    """Return a finding as a workflow command of GitHub."""
    position = finding.position
    properties = {"file": position.file, "line": position.line, "col": position.column, "title": finding.rule}
    property_list = ",".join(f"{key}={_escape_property(str(value))}" for key, value in properties.items() if value)
    path_prefix = f"{finding.path}: " if finding.path else ""
    return (
        f"::{_GITHUB_LEVELS[finding.severity]} {property_list}::{_escape_data(path_prefix + format_sentences(finding))}"
    )


def _escape_data(text: str) -> str:
    """Return a text as the message of a workflow command. `%` comes first, or it would escape the other escapes."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    """Return a text as a property of a workflow command, such as `title`: `:` and `,` would end it."""
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": format_text,
    "json": format_json,
    "junit": render_junit,
    "sarif": format_sarif,
    "github": format_github_commands,
}
