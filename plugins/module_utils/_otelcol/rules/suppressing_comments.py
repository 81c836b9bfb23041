# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suppressions in comments of a config: `# o11y: ignore RULE-ID reason`. Private.

A comment covers its own line; one that stands alone in its line covers the next line too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..config.paths import Position
from ..config.source_nodes import split_yaml_lines
from ..errors import suggest_word
from .findings import Finding
from .profiles import UNUSED_SUPPRESSION, ExcusedFinding

WRONG_SUPPRESSION = "wrong-suppression"
# `# o11y: ignore RULE-ID reason`, at the start of a line or after a blank. Group `rest` has the id and the reason.
_COMMENT_PATTERN = re.compile(r"(?P<before>^\s*|\s)#\s*o11y:\s*ignore\b(?P<rest>.*)")


class SuppressingComment(NamedTuple):
    """A suppression in a comment: its place, the rule, the reason, and the numbers of the lines that it covers."""

    position: Position
    rule: str
    reason: str
    lines: tuple[int, ...]


class SplitFindings(NamedTuple):
    """Findings without those that comments suppress, the suppressed ones with reasons, and new ones about comments.

    The new ones are about comments that are wrong or suppress nothing.
    """

    remaining_findings: list[Finding]
    suppressed_findings: list[ExcusedFinding]
    comment_findings: list[Finding]


def read_suppressing_comments(texts: Mapping[str, str]) -> list[SuppressingComment]:
    """Return the suppressions in the comments of texts; `texts` has them by the names of their files."""
    comments: list[SuppressingComment] = []
    for file, text in texts.items():
        if "o11y:" in text:
            comments.extend(_find_comments_in_text(file, text))
    return comments


def split_by_suppressions(
    findings: Iterable[Finding], comments: Sequence[SuppressingComment], rule_ids: Iterable[str]
) -> SplitFindings:
    """Return the remaining findings, the findings that comments suppress, and findings about invalid comments."""
    if not comments:
        return SplitFindings(list(findings), [], [])
    sorted_rule_ids = sorted(rule_ids)
    right_comments: list[SuppressingComment] = []
    comment_findings: list[Finding] = []
    for comment in comments:
        fault = _explain_comment_fault(comment, sorted_rule_ids)
        if fault:
            comment_findings.append(_report_wrong_comment(comment, fault))
        else:
            right_comments.append(comment)
    comments_by_line = _index_by_line(right_comments)
    remaining: list[Finding] = []
    suppressed: list[ExcusedFinding] = []
    used_comments: set[SuppressingComment] = set()
    for finding in findings:
        covering_comment = comments_by_line.get((finding.position.file, finding.position.line, finding.rule))
        if covering_comment is None:
            remaining.append(finding)
        else:
            used_comments.add(covering_comment)
            suppressed.append(ExcusedFinding(finding, covering_comment.reason))
    comment_findings += [_report_unused_comment(comment) for comment in right_comments if comment not in used_comments]
    return SplitFindings(remaining, suppressed, comment_findings)


def _index_by_line(comments: Iterable[SuppressingComment]) -> dict[tuple[str, int, str], SuppressingComment]:
    """Return comments by file, number of a line that they cover, and rule. A later comment wins."""
    comments_by_line: dict[tuple[str, int, str], SuppressingComment] = {}
    for comment in comments:
        for line in comment.lines:
            comments_by_line[comment.position.file, line, comment.rule] = comment
    return comments_by_line


def _find_comments_in_text(file: str, text: str) -> Iterator[SuppressingComment]:
    """Yield the suppressions in a text. One that stands alone in its line covers the next line too."""
    for line_number, line in enumerate(split_yaml_lines(text), 1):
        comment_match = _COMMENT_PATTERN.search(line)
        if comment_match is None:
            continue
        rule, _space, reason = comment_match["rest"].strip().partition(" ")
        # Another comment may stand before it: `a: 1  # first # o11y: ignore …`. The first `#` ends the YAML of a line.
        yaml_of_line = line[: comment_match.start("rest")].split("#")[0]
        is_alone = not yaml_of_line.strip()
        covered_lines = (line_number, line_number + 1) if is_alone else (line_number,)
        position = Position(file, line_number, line.index("#", comment_match.start()) + 1)
        yield SuppressingComment(position, rule, reason.strip(), covered_lines)


def _explain_comment_fault(comment: SuppressingComment, rule_ids: list[str]) -> str:
    """Return why a comment suppresses nothing; empty if it is right."""
    if comment.rule not in rule_ids:
        return f"there is no rule '{comment.rule}'{suggest_word(comment.rule, rule_ids)}"
    return "" if comment.reason else f"rule '{comment.rule}' is ignored here without a reason"


def _report_wrong_comment(comment: SuppressingComment, message: str) -> Finding:
    return Finding(
        comment.position, "", WRONG_SUPPRESSION, "warning", message, "Write `# o11y: ignore RULE-ID reason`."
    )


def _report_unused_comment(comment: SuppressingComment) -> Finding:
    message = f"rule '{comment.rule}' is ignored here, but finds nothing"
    return Finding(comment.position, "", UNUSED_SUPPRESSION, "info", message, "Remove the comment.")
