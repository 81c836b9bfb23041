# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`otelcoltool explain`: what a rule finds and why, with an example, out of the page of all rules.

As JSON, a rule looks so; `explanation` is Markdown, and a list of all rules does without it ::

    {"id": "clear-text", "severity": "warning", "finds": "Data that …", "explanation": "…"}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NotRequired, TypedDict

from ..command_request import CommandRequest
from ..messages import EXIT_CLEAN
from ..module_utils._otelcol.errors import Problem, suggest_word
from ..plugin_utils._otelcol import _files
from ..plugin_utils._otelcol._findings import ALL_RULES

_RULES_PAGE = Path(__file__).parents[1] / "rules.md"
# A row of the table of rules, such as `| [rule-id](#rule-id) | … | What it finds. |`.
_RULE_ROW = re.compile(r"^\| \[?(?P<id>[a-z0-9-]+)(?:\]\(#\S+\))? \|.*\| (?P<finds>.*) \|$", re.MULTILINE)
_RULE_ID_WIDTH = max(len(rule.id) for rule in ALL_RULES)


class RuleRow(TypedDict):
    """A rule, as JSON has it."""

    id: str
    severity: str
    finds: str
    explanation: NotRequired[str]


def run(request: CommandRequest) -> int:
    """Print the section of a rule, or a line for each rule; return the exit code. Raises Problem."""
    page = _files.read_text_file(_RULES_PAGE)
    rule_rows = _list_rules(page)
    if request.rule:
        _explain_rule(_find_rule(request.rule, rule_rows), page, request.format)
    elif request.format == "json":
        print(json.dumps(rule_rows, indent=2, ensure_ascii=False))
    else:
        for row in rule_rows:
            print(f"{row['id']:<{_RULE_ID_WIDTH}}  {row['severity']:<7}  {row['finds']}")
    return EXIT_CLEAN


def _list_rules(page: str) -> list[RuleRow]:
    """Return all rules, with what the table of the page says of them."""
    summaries = _read_rule_summaries(page)
    return [RuleRow(id=rule.id, severity=rule.severity, finds=summaries[rule.id]) for rule in ALL_RULES]


def _find_rule(rule_id: str, rule_rows: Iterable[RuleRow]) -> RuleRow:
    """Return the rule of an id. Raises Problem if there is none."""
    rows_by_id = {row["id"]: row for row in rule_rows}
    if rule_id not in rows_by_id:
        wrong = f"there is no rule '{rule_id}'{suggest_word(rule_id, rows_by_id)}"
        raise Problem(wrong, fix="`otelcoltool explain` lists all rules.")
    return rows_by_id[rule_id]


def _explain_rule(row: RuleRow, page: str, output_format: str) -> None:
    """Print what the page says of a rule: its section, or its row for one that stands in the table alone."""
    explanation = _find_rule_section(page, row["id"]) or row["finds"]
    if output_format == "json":
        print(json.dumps(RuleRow(**row, explanation=explanation), indent=2, ensure_ascii=False))
    else:
        print(f"{row['id']}\n\n{explanation}")


def _find_rule_section(page: str, rule: str) -> str:
    """Return the text of a rule's section; empty for a rule that stands in the table alone."""
    _before, heading, after_heading = page.partition(f"\n### {rule}\n")
    if not heading:
        return ""
    body = re.split(r"^##+ ", after_heading, maxsplit=1, flags=re.MULTILINE)[0]
    return body.strip()


def _read_rule_summaries(page: str) -> dict[str, str]:
    """Return what each rule finds, by its id."""
    return {row["id"]: row["finds"].replace("\\|", "|") for row in _RULE_ROW.finditer(page)}
