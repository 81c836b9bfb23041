# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Severity of findings: profiles, overrides, and suppressions in options or comments. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import NamedTuple

from ..config.paths import Position
from ..config.source_nodes import lines_of
from ..errors import Problem, near
from .subject import SEVERITIES, Finding, by_position

OFF = "off"
DEFAULT = "default"
UNUSED = "unused-suppression"

# Rule id → severity that replaces the rule's own. The default profile changes nothing.
PROFILES: Mapping[str, Mapping[str, str]] = {
    DEFAULT: {},
    "development": {
        "batch-missing": OFF,
        "clear-text": "info",
        "clear-text-inside": OFF,
        "dimension-rollup": OFF,
        "health-check-missing": "info",
        "host-reader": "info",
        "memory-limiter-unbounded": "info",
        "metadata-service": OFF,
        "nothing-retried": "info",
        "open-diagnostics": "info",
        "open-on-node": "info",
        "open-receiver": OFF,
        "pod-association": OFF,
        "singleton": "warning",
        "split-state": "info",
        "storage-missing": "info",
        "unverified-certificate": OFF,
        "verbose-debug": OFF,
        "whole-cluster-cache": OFF,
    },
    "production": {
        "batch-missing": "warning",
        "clear-text": "error",
        "clear-text-inside": "warning",
        "every-label": "warning",
        "memory-limiter-missing": "warning",
        "missing-permission": "warning",
        "open-diagnostics": "error",
        "open-receiver": "warning",
        "pod-association": "warning",
        "singleton": "error",
        "unbounded-dimension": "warning",
        "verbose-debug": "warning",
        "whole-cluster-cache": "warning",
    },
}

# A rule can set the severity of a single case. The order is from most to least severe.
_DIRECTION = {"development": max, "production": min}


@dataclass(frozen=True)
class Suppression:
    """A suppressed rule, the reason and the dotted path, in which `*` matches any text."""

    rule: str
    reason: str
    path: str = "*"

    def is_about(self, finding: Finding) -> bool:
        """Whether it suppresses a finding; brackets in a path are literal."""
        return self.rule == finding.rule and fnmatchcase(finding.path, self.path.replace("[", "[[]"))


@dataclass(frozen=True)
class WeighedFindings:
    """The remaining findings, and the suppressed ones with their reasons."""

    remaining: list[Finding]
    suppressed: list[tuple[Finding, str]]


def judged_findings(
    findings: Iterable[Finding],
    known: Iterable[str],
    profile: str = DEFAULT,
    severities: Mapping[str, str] | None = None,
    suppressions: Sequence[Suppression] = (),
    *,
    own: Mapping[str, str] | None = None,
) -> WeighedFindings:
    """Return the findings with the severities of a profile and of the user's overrides, without suppressed ones.

    `known` are the ids of all rules, `own` the severities of the user's own rules in the profile. An unused suppression
    becomes a finding of severity info.
    Raises Problem for a profile, rule or severity that does not exist, and for a suppression without a reason.
    """
    overrides = severities or {}
    _check(set(known), profile, overrides, suppressions)
    table = {**PROFILES[profile], **(own or {}), **overrides}
    remaining: list[Finding] = []
    suppressed: list[tuple[Finding, str]] = []
    used: set[Suppression] = set()
    for finding in findings:
        matching = [suppression for suppression in suppressions if suppression.is_about(finding)]
        used.update(matching)
        if matching:
            suppressed.append((finding, matching[0].reason))
        elif table.get(finding.rule) != OFF:
            remaining.append(_weighed(finding, table, profile, overrides))
    remaining.extend(_unused(suppression) for suppression in suppressions if suppression not in used)
    return WeighedFindings(sorted(remaining, key=by_position), suppressed)


def _weighed(finding: Finding, table: Mapping[str, str], profile: str, overrides: Mapping[str, str]) -> Finding:
    """Return the finding with its final severity: an override wins over a profile."""
    severity = table.get(finding.rule, finding.severity)
    if finding.rule not in overrides and profile in _DIRECTION:
        severity = _DIRECTION[profile]((severity, finding.severity), key=SEVERITIES.index)
    return finding if severity == finding.severity else replace(finding, severity=severity)


def _check(known: set[str], profile: str, overrides: Mapping[str, str], suppressions: Sequence[Suppression]) -> None:
    """Raise Problem for what does not exist, and for a suppression without a reason."""
    if profile not in PROFILES:
        wrong = f"there is no profile '{profile}'{near(profile, PROFILES)}"
        raise Problem(wrong, fix=f"Profiles: {', '.join(PROFILES)}.")
    allowed = (*SEVERITIES, OFF)
    for rule, severity in overrides.items():
        _check_rule(rule, known, "severities")
        if severity not in allowed:
            raise Problem(
                f"'{severity}' is not a severity{near(str(severity), allowed)}",
                asked=f"severity of rule '{rule}'",
                fix=f"Use one of {', '.join(allowed)}.",
            )
    for suppression in suppressions:
        _check_rule(suppression.rule, known, "suppressions")
        if not suppression.reason.strip():
            raise Problem(f"rule '{suppression.rule}' is suppressed without a reason", fix="Add `reason`.")


def _check_rule(rule: str, known: set[str], where: str) -> None:
    if rule not in known:
        wrong = f"there is no rule '{rule}'{near(rule, sorted(known))}"
        raise Problem(wrong, asked=where, fix="Correct the rule's id.")


def _unused(suppression: Suppression) -> Finding:
    """Return the finding about a suppression that suppresses nothing."""
    path = "" if suppression.path == "*" else suppression.path
    where = f" at '{path}'" if path else ""
    message = f"rule '{suppression.rule}' is suppressed{where}, but finds nothing there"
    return Finding(Position(), path, UNUSED, "info", message, "Remove the suppression.")


WRONG = "wrong-suppression"
_COMMENT = re.compile(r"(?P<before>^\s*|\s)#\s*o11y:\s*ignore\b(?P<rest>.*)")


@dataclass(frozen=True)
class Comment:
    """A suppression in a comment: position, rule, reason and the lines that it covers."""

    position: Position
    rule: str
    reason: str
    lines: tuple[int, ...]


def suppressing_comments(texts: Mapping[str, str]) -> list[Comment]:
    """Return the suppressions in texts, by their names."""
    comments: list[Comment] = []
    for file, text in texts.items():
        if "o11y:" in text:
            comments.extend(_comments_in(file, text))
    return comments


class SplitFindings(NamedTuple):
    """What comments leave of findings, what they suppress with their reasons, and findings about wrong comments."""

    remaining: list[Finding]
    suppressed: list[tuple[Finding, str]]
    wrong: list[Finding]


def split_by_comments(findings: Iterable[Finding], given: Sequence[Comment], known: Iterable[str]) -> SplitFindings:
    """Return the remaining findings, the findings that comments suppress, and findings about invalid comments."""
    if not given:
        return SplitFindings(list(findings), [], [])
    rules = sorted(known)
    faults = [_fault_of(comment, rules) for comment in given]
    right = [comment for comment, fault in zip(given, faults, strict=True) if not fault]
    wrong = [_wrong_comment(comment, fault) for comment, fault in zip(given, faults, strict=True) if fault]
    by_line: dict[tuple[str, int, str], Comment] = {}
    for comment in right:
        for line in comment.lines:
            by_line[comment.position.file, line, comment.rule] = comment
    remaining: list[Finding] = []
    suppressed: list[tuple[Finding, str]] = []
    used: set[Comment] = set()
    for finding in findings:
        covering = by_line.get((finding.position.file, finding.position.line, finding.rule))
        if covering is None:
            remaining.append(finding)
        else:
            used.add(covering)
            suppressed.append((finding, covering.reason))
    wrong += [_unused_comment(comment) for comment in right if comment not in used]
    return SplitFindings(remaining, suppressed, wrong)


def _comments_in(file: str, text: str) -> Iterator[Comment]:
    """Yield the suppressions in a text. One that stands alone in its line covers the next line too."""
    for number, line in enumerate(lines_of(text), 1):
        match = _COMMENT.search(line)
        if match is None:
            continue
        rule, _space, reason = match["rest"].strip().partition(" ")
        before_comment = line[: match.start("rest")].split("#")[0]
        is_alone = not before_comment.strip()
        lines = (number, number + 1) if is_alone else (number,)
        position = Position(file, number, line.index("#", match.start()) + 1)
        yield Comment(position, rule, reason.strip(), lines)


def _fault_of(comment: Comment, rules: list[str]) -> str:
    """Return why a comment suppresses nothing; empty if it is right."""
    if comment.rule not in rules:
        return f"there is no rule '{comment.rule}'{near(comment.rule, rules)}"
    return "" if comment.reason else f"rule '{comment.rule}' is ignored here without a reason"


def _wrong_comment(comment: Comment, message: str) -> Finding:
    return Finding(comment.position, "", WRONG, "warning", message, "Write `# o11y: ignore RULE-ID reason`.")


def _unused_comment(comment: Comment) -> Finding:
    message = f"rule '{comment.rule}' is ignored here, but finds nothing"
    return Finding(comment.position, "", UNUSED, "info", message, "Remove the comment.")
