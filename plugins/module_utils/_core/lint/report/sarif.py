# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report in the format of code scanners, SARIF 2.1.0. Private."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ..finding import Finding, Rule
from .model import Report, Suppressed

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def render(report: Report) -> str:
    """Return the report as a SARIF log with one run; rules that found nothing are listed too."""
    rules = _rules(report)
    order = {rule["id"]: index for index, rule in enumerate(rules)}
    results = [_result(finding, order) for finding in report.findings]
    results += [{**_result(one.finding, order), "suppressions": [_suppression(one)]} for one in report.suppressed]
    driver = {"name": "o11y.opentelemetry", "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rules(report: Report) -> list[dict[str, Any]]:
    described = {rule.id: _rule(rule) for rule in report.rules}
    for finding in (*report.findings, *(one.finding for one in report.suppressed)):
        described.setdefault(finding.rule, {"id": finding.rule})
    return list(described.values())


def _rule(rule: Rule) -> dict[str, Any]:
    # The docstring of a check says what it yields.
    reason = rule.reason.removeprefix("Yield ")
    reason = reason[:1].upper() + reason[1:] or rule.id
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
    location: dict[str, Any] = {}
    if finding.position.file:
        location["physicalLocation"] = _place(finding)
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    stop = "" if finding.message.endswith((".", "!", "?")) else "."
    return {
        "ruleId": finding.rule,
        "ruleIndex": order[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}{stop} {finding.fix}".rstrip()},
        "locations": [location] if location else [],
    }


def _place(finding: Finding) -> dict[str, Any]:
    file = finding.position.file
    place: dict[str, Any] = {"artifactLocation": {"uri": ("file://" if file.startswith("/") else "") + quote(file)}}
    if finding.position.line:
        place["region"] = {"startLine": finding.position.line, "startColumn": max(finding.position.column, 1)}
    return place


def _suppression(one: Suppressed) -> dict[str, str]:
    return {"kind": "inSource" if one.in_source else "external", "justification": one.reason}
