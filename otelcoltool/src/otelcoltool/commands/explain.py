# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`otelcoltool explain`: what a rule finds and why, with an example, out of the page of all rules."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from ..command_request import CommandRequest
from ..messages import EXIT_CLEAN
from ..module_utils._otelcol.errors import Problem, suggest_word
from ..plugin_utils._otelcol import _files
from ..plugin_utils._otelcol._findings import ALL_RULES

_RULES_PAGE = Path(__file__).parents[1] / "rules.md"
# A row of the table of rules, such as `| [rule-id](#rule-id) | … | What it finds. |`.
_RULE_ROW = re.compile(r"^\| \[?(?P<id>[a-z0-9-]+)(?:\]\(#\S+\))? \|.*\| (?P<finds>.*) \|$", re.MULTILINE)
_RULE_ID_WIDTH = max(len(rule.id) for rule in ALL_RULES)


def run(request: CommandRequest) -> int:
    """Print the section of a rule, or a line for each rule; return the exit code. Raises Problem."""
    page = _files.read_text_file(_RULES_PAGE)
    if not request.rule:
        sys.stdout.writelines(f"{line}\n" for line in _list_rules(page))
        return EXIT_CLEAN
    rule_ids = [rule.id for rule in ALL_RULES]
    if request.rule not in rule_ids:
        wrong = f"there is no rule '{request.rule}'{suggest_word(request.rule, rule_ids)}"
        raise Problem(wrong, fix="`otelcoltool explain` lists all rules.")
    print(_find_rule_section(page, request.rule) or f"{request.rule}\n\n{_read_rule_summaries(page)[request.rule]}")
    return EXIT_CLEAN


def _find_rule_section(page: str, rule: str) -> str:
    """Return the section of a rule; empty for one that stands in the table alone."""
    _before, heading, after_heading = page.partition(f"\n### {rule}\n")
    if not heading:
        return ""
    body = re.split(r"^##+ ", after_heading, maxsplit=1, flags=re.MULTILINE)[0]
    return f"{rule}\n\n{body.strip()}"


def _read_rule_summaries(page: str) -> dict[str, str]:
    """Return what each rule finds, by its id."""
    return {row["id"]: row["finds"].replace("\\|", "|") for row in _RULE_ROW.finditer(page)}


def _list_rules(page: str) -> Iterator[str]:
    summaries = _read_rule_summaries(page)
    return (f"{rule.id:<{_RULE_ID_WIDTH}}  {rule.severity:<7}  {summaries[rule.id]}" for rule in ALL_RULES)
