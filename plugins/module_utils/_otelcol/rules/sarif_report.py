# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as SARIF, which code hosts show beside the lines of a change. Private.

Source: the standard SARIF 2.1.0 of OASIS.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from .report_model import Report, Suppressed, sentences
from .subject import Finding, Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def sarif(report: Report) -> str:
    """Return the report as a SARIF log with one run; rules that found nothing are listed too."""
    rules = _described_rules(report)
    order = {rule["id"]: index for index, rule in enumerate(rules)}
    results = [_result(finding, order) for finding in report.findings]
    for suppression in report.suppressed:
        results.append({**_result(suppression.finding, order), "suppressions": [_suppression(suppression)]})
    driver = {"name": "o11y.opentelemetry", "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _described_rules(report: Report) -> list[dict[str, Any]]:
    """Return the rules of a report, and by their ids those that it lacks but has findings of."""
    described = {rule.id: _described_rule(rule) for rule in report.rules}
    for finding in (*report.findings, *(suppression.finding for suppression in report.suppressed)):
        described.setdefault(finding.rule, {"id": finding.rule})
    return list(described.values())


def _described_rule(rule: Rule) -> dict[str, Any]:
    """Return a rule as SARIF describes it."""
    # The docstring of a check says what it yields.
    said = rule.reason.removeprefix("Yield ")
    reason = said[:1].upper() + said[1:] or rule.id
    described: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.id.replace("-", " ")},
        "fullDescription": {"text": reason},
        "help": {"text": f"{reason} {rule.documentation}".strip()},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }
    if rule.documentation.startswith("https://"):
        described["helpUri"] = rule.documentation
    return described


def _result(finding: Finding, order: dict[str, int]) -> dict[str, Any]:
    """Return a finding as SARIF has it; `order` has the index of each rule."""
    location: dict[str, Any] = {}
    if finding.position.file:
        location["physicalLocation"] = _physical_location(finding)
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": order[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": sentences(finding)},
        "locations": [location] if location else [],
    }


def _physical_location(finding: Finding) -> dict[str, Any]:
    """Return the place of a finding in its file."""
    position = finding.position
    scheme = "file://" if position.file.startswith("/") else ""
    location: dict[str, Any] = {"artifactLocation": {"uri": scheme + quote(position.file)}}
    if position.line:
        location["region"] = {"startLine": position.line, "startColumn": max(position.column, 1)}
    return location


def _suppression(suppression: Suppressed) -> dict[str, str]:
    kind = "inSource" if suppression.in_source else "external"
    return {"kind": kind, "justification": suppression.reason}
