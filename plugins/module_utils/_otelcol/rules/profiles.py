# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Severity of findings: profiles, overrides, and suppressions in options or comments. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ..config.paths import Position, lines_of
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
        met = [item for item in suppressions if _meets(item, finding)]
        used.update(met)
        if met:
            suppressed.append((finding, met[0].reason))
        elif table.get(finding.rule) != OFF:
            remaining.append(_weighed(finding, table, profile, overrides))
    remaining.extend(_unused(item for item in suppressions if item not in used))
    return WeighedFindings(sorted(remaining, key=by_position), suppressed)


def _weighed(finding: Finding, table: Mapping[str, str], profile: str, overrides: Mapping[str, str]) -> Finding:
    """Return the finding with its final severity: an override wins over a profile."""
    severity = table.get(finding.rule, finding.severity)
    if finding.rule not in overrides and profile in _DIRECTION:
        severity = _DIRECTION[profile]((severity, finding.severity), key=SEVERITIES.index)
    return finding if severity == finding.severity else replace(finding, severity=severity)


def _check(known: set[str], profile: str, overrides: Mapping[str, str], suppressions: Sequence[Suppression]) -> None:
    if profile not in PROFILES:
        wrong = f"there is no profile '{profile}'{near(profile, PROFILES)}"
        raise Problem(wrong, fix=f"Profiles: {', '.join(PROFILES)}.")
    for rule, severity in overrides.items():
        _check_rule(rule, known, "severities")
        if severity not in (*SEVERITIES, OFF):
            raise Problem(
                f"'{severity}' is not a severity{near(str(severity), (*SEVERITIES, OFF))}",
                asked=f"severity of rule '{rule}'",
                fix=f"Use one of {', '.join((*SEVERITIES, OFF))}.",
            )
    for item in suppressions:
        _check_rule(item.rule, known, "suppressions")
        if not item.reason.strip():
            raise Problem(f"rule '{item.rule}' is suppressed without a reason", fix="Add `reason`.")


def _check_rule(rule: str, known: set[str], where: str) -> None:
    if rule not in known:
        wrong = f"there is no rule '{rule}'{near(rule, sorted(known))}"
        raise Problem(wrong, asked=where, fix="Correct the rule's id.")


def _meets(item: Suppression, finding: Finding) -> bool:
    """Whether a suppression matches a finding; brackets in a path are literal."""
    return item.rule == finding.rule and fnmatchcase(finding.path, item.path.replace("[", "[[]"))


def _unused(suppressions: Iterable[Suppression]) -> Iterator[Finding]:
    for item in suppressions:
        where = "" if item.path == "*" else f" at '{item.path}'"
        path = "" if item.path == "*" else item.path
        message = f"rule '{item.rule}' is suppressed{where}, but finds nothing there"
        yield Finding(
            position=Position(), path=path, rule=UNUSED, severity="info", message=message, fix="Remove the suppression."
        )


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
    return [comment for file, text in texts.items() if "o11y:" in text for comment in _in_text(file, text)]


def split_by_comments(
    findings: Iterable[Finding], given: Sequence[Comment], known: Iterable[str]
) -> tuple[list[Finding], list[tuple[Finding, str]], list[Finding]]:
    """Return the remaining findings, the findings that comments suppress, and findings about invalid comments."""
    if not given:
        return list(findings), [], []
    rules = sorted(known)
    right = [comment for comment in given if not _fault(comment, rules)]
    by_line = {(comment.position.file, line, comment.rule): comment for comment in right for line in comment.lines}
    kept, accepted, used = [], [], set()
    for finding in findings:
        comment = by_line.get((finding.position.file, finding.position.line, finding.rule))
        if comment is None:
            kept.append(finding)
        else:
            used.add(comment)
            accepted.append((finding, comment.reason))
    wrong = [_finding(comment, _fault(comment, rules)) for comment in given if _fault(comment, rules)]
    wrong += [_unused_comment(comment) for comment in right if comment not in used]
    return kept, accepted, wrong


def _in_text(file: str, text: str) -> Iterable[Comment]:
    for number, line in enumerate(lines_of(text), 1):
        match = _COMMENT.search(line)
        if match:
            rule, _space, reason = match["rest"].strip().partition(" ")
            alone = not line[: match.start("rest")].split("#")[0].strip()
            lines = (number, number + 1) if alone else (number,)
            position = Position(file, number, line.index("#", match.start()) + 1)
            yield Comment(position, rule, reason.strip(), lines)


def _fault(comment: Comment, rules: list[str]) -> str:
    if comment.rule not in rules:
        return f"there is no rule '{comment.rule}'{near(comment.rule, rules)}"
    return "" if comment.reason else f"rule '{comment.rule}' is ignored here without a reason"


def _finding(comment: Comment, message: str) -> Finding:
    return Finding(comment.position, "", WRONG, "warning", message, "Write `# o11y: ignore RULE-ID reason`.")


def _unused_comment(comment: Comment) -> Finding:
    message = f"rule '{comment.rule}' is ignored here, but finds nothing"
    return Finding(comment.position, "", UNUSED, "info", message, "Remove the comment.")
