# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as SARIF, which code hosts show beside the lines of a change. Private.

Source: the standard SARIF 2.1.0 of OASIS. For example, a finding becomes this result:

    {"ruleId": "open-on-node", "ruleIndex": 71, "level": "warning", "message": {"text": "port 4317 is open on …"},
     "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.yml"},
                                         "region": {"startLine": 4, "startColumn": 3}},
                    "logicalLocations": [{"fullyQualifiedName": "receivers.otlp"}]}]}
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from .findings import Finding
from .report_model import Report, SuppressedFinding, format_sentences
from .rule_definitions import Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def format_sarif(report: Report) -> str:
    """Return the report as a SARIF log with one run; rules that found nothing are listed too."""
    rules = _describe_rules(report)
    rule_indices = {rule["id"]: index for index, rule in enumerate(rules)}
    results = [_describe_finding(finding, rule_indices) for finding in report.findings]
    for suppression in report.suppressed_findings:
        results.append(
            {
                **_describe_finding(suppression.finding, rule_indices),
                "suppressions": [_describe_suppression(suppression)],
            }
        )
    tool_driver = {"name": "o11y.opentelemetry", "rules": rules}
    sarif_run = {"tool": {"driver": tool_driver}, "columnKind": "unicodeCodePoints", "results": results}
    return (
        json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [sarif_run]}, indent=2, ensure_ascii=False) + "\n"
    )


def _describe_rules(report: Report) -> list[dict[str, Any]]:
    """Return the rules of a report, and by their ids those that it lacks but has findings of."""
    descriptions = {rule.id: _describe_rule(rule) for rule in report.rules}
    for finding in (*report.findings, *(suppression.finding for suppression in report.suppressed_findings)):
        # Findings about suppressions, and those of tests, have ids that no rule has.
        descriptions.setdefault(finding.rule, {"id": finding.rule})
    return list(descriptions.values())


def _describe_rule(rule: Rule) -> dict[str, Any]:
    """Return a rule as SARIF describes it."""
    # The docstring of a check says what it yields.
    rule_reason = rule.reason.removeprefix("Yield ")
    reason = rule_reason[:1].upper() + rule_reason[1:] or rule.id
    description: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.id.replace("-", " ")},
        "fullDescription": {"text": reason},
        "help": {"text": f"{reason} {rule.documentation}".strip()},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }
    if rule.documentation.startswith("https://"):
        description["helpUri"] = rule.documentation
    return description


def _describe_finding(finding: Finding, rule_indices: dict[str, int]) -> dict[str, Any]:
    """Return a finding as SARIF has it; `rule_indices` has the index of each rule."""
    location: dict[str, Any] = {}
    if finding.position.file:
        location["physicalLocation"] = _describe_physical_location(finding)
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule_indices[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": format_sentences(finding)},
        "locations": [location] if location else [],
    }


def _describe_physical_location(finding: Finding) -> dict[str, Any]:
    """Return the place of a finding in its file."""
    position = finding.position
    scheme = "file://" if position.file.startswith("/") else ""
    location: dict[str, Any] = {"artifactLocation": {"uri": scheme + quote(_encode_file_name(position.file))}}
    if position.line:
        column = {"startColumn": position.column} if position.column else {}
        location["region"] = {"startLine": position.line, **column}
    return location


def _encode_file_name(file: str) -> bytes:
    """Return the bytes of a file name. Python keeps those that are no UTF-8 as surrogates."""
    return file.encode("utf-8", "surrogateescape")


def _describe_suppression(suppression: SuppressedFinding) -> dict[str, str]:
    sarif_kind = "inSource" if suppression.is_in_source else "external"
    return {"kind": sarif_kind, "justification": suppression.reason}
