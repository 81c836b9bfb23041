# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suppressions that stand in a config, as comments: `# o11y: ignore RULE-ID reason`. Private.

One at the end of a line is for that line, one on a line of its own for the next line too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..config.nodes import lines_of
from ..config.paths import Position
from ..errors import near
from .finding import Finding

WRONG = "wrong-suppression"
UNUSED = "unused-suppression"
_COMMENT = re.compile(r"(?P<before>^\s*|\s)#\s*o11y:\s*ignore\b(?P<rest>.*)")


@dataclass(frozen=True)
class Comment:
    """A suppression in a text: where, of which rule, why, and the lines that it is for."""

    position: Position
    rule: str
    reason: str
    lines: tuple[int, ...]


def comments(texts: Mapping[str, str]) -> list[Comment]:
    """Return the suppressions in texts, by their names."""
    return [comment for file, text in texts.items() if "o11y:" in text for comment in _in_text(file, text)]


def split(
    findings: Iterable[Finding], given: Iterable[Comment], known: Iterable[str]
) -> tuple[list[Finding], list[tuple[Finding, str]], list[Finding]]:
    """Return the findings that are left, those that comments accept with their reasons, and wrong comments."""
    rules = sorted(known)
    right = [comment for comment in given if not _fault(comment, rules)]
    places = {(comment.position.file, line, comment.rule): comment for comment in right for line in comment.lines}
    kept, accepted, used = [], [], set()
    for finding in findings:
        comment = places.get((finding.position.file, finding.position.line, finding.rule))
        if comment is None:
            kept.append(finding)
        else:
            used.add(comment)
            accepted.append((finding, comment.reason))
    wrong = [_finding(comment, _fault(comment, rules)) for comment in given if _fault(comment, rules)]
    wrong += [_unused(comment) for comment in right if comment not in used]
    return kept, accepted, wrong


def _in_text(file: str, text: str) -> Iterable[Comment]:
    for number, line in enumerate(lines_of(text), 1):
        match = _COMMENT.search(line)
        if match:
            rule, _space, reason = match["rest"].strip().partition(" ")
            alone = not line[: match.start("rest")].split("#")[0].strip()
            lines = (number, number + 1) if alone else (number,)
            place = Position(file, number, line.index("#", match.start()) + 1)
            yield Comment(place, rule, reason.strip(), lines)


def _fault(comment: Comment, rules: list[str]) -> str:
    if comment.rule not in rules:
        return f"there is no rule '{comment.rule}'{near(comment.rule, rules)}"
    return "" if comment.reason else f"rule '{comment.rule}' is ignored here without a reason"


def _finding(comment: Comment, message: str) -> Finding:
    return Finding(comment.position, "", WRONG, "warning", message, "Write `# o11y: ignore RULE-ID reason`.")


def _unused(comment: Comment) -> Finding:
    message = f"rule '{comment.rule}' is ignored here, but finds nothing"
    return Finding(comment.position, "", UNUSED, "info", message, "Remove the comment.")
