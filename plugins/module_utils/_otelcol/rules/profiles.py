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
from ..config.source_nodes import split_yaml_lines
from ..errors import Problem, suggest_word
from .subject import SEVERITIES, Finding, sort_key_by_position

OFF = "off"
DEFAULT = "default"
UNUSED_SUPPRESSION = "unused-suppression"

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
_SEVERER_OR_MILDER = {"development": max, "production": min}


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


def weigh_findings(
    findings: Iterable[Finding],
    rule_ids: Iterable[str],
    profile: str = DEFAULT,
    severities: Mapping[str, str] | None = None,
    suppressions: Sequence[Suppression] = (),
    *,
    own_severities: Mapping[str, str] | None = None,
) -> WeighedFindings:
    """Return the findings with the severities of a profile and of the user's overrides, without suppressed ones.

    `rule_ids` are the ids of all rules, `own_severities` the severities of the user's own rules in the profile. An
    unused suppression becomes a finding of severity info. Raises Problem for a profile, rule or severity that does not
    exist, and for a suppression without a reason.
    """
    overrides = severities or {}
    _check_choices(set(rule_ids), profile, overrides, suppressions)
    severities_by_rule = {**PROFILES[profile], **(own_severities or {}), **overrides}
    remaining: list[Finding] = []
    suppressed: list[tuple[Finding, str]] = []
    used_suppressions: set[Suppression] = set()
    for finding in findings:
        matching_suppressions = [suppression for suppression in suppressions if suppression.is_about(finding)]
        used_suppressions.update(matching_suppressions)
        if matching_suppressions:
            suppressed.append((finding, matching_suppressions[0].reason))
        elif severities_by_rule.get(finding.rule) != OFF:
            remaining.append(_weigh_finding(finding, severities_by_rule, profile, overrides))
    remaining.extend(
        _report_unused_suppression(suppression) for suppression in suppressions if suppression not in used_suppressions
    )
    return WeighedFindings(sorted(remaining, key=sort_key_by_position), suppressed)


def _weigh_finding(
    finding: Finding, severities_by_rule: Mapping[str, str], profile: str, overrides: Mapping[str, str]
) -> Finding:
    """Return the finding with its final severity: an override wins over a profile."""
    severity = severities_by_rule.get(finding.rule, finding.severity)
    if finding.rule not in overrides and profile in _SEVERER_OR_MILDER:
        severity = _SEVERER_OR_MILDER[profile]((severity, finding.severity), key=SEVERITIES.index)
    return finding if severity == finding.severity else replace(finding, severity=severity)


def _check_choices(
    rule_ids: set[str], profile: str, overrides: Mapping[str, str], suppressions: Sequence[Suppression]
) -> None:
    """Raise Problem for what does not exist, and for a suppression without a reason."""
    if profile not in PROFILES:
        problem = f"there is no profile '{profile}'{suggest_word(profile, PROFILES)}"
        raise Problem(problem, fix=f"Profiles: {', '.join(PROFILES)}.")
    allowed_severities = (*SEVERITIES, OFF)
    for rule, severity in overrides.items():
        _check_rule_exists(rule, rule_ids, "severities")
        if severity not in allowed_severities:
            raise Problem(
                f"'{severity}' is not a severity{suggest_word(str(severity), allowed_severities)}",
                asked=f"severity of rule '{rule}'",
                fix=f"Use one of {', '.join(allowed_severities)}.",
            )
    for suppression in suppressions:
        _check_rule_exists(suppression.rule, rule_ids, "suppressions")
        if not suppression.reason.strip():
            raise Problem(f"rule '{suppression.rule}' is suppressed without a reason", fix="Add `reason`.")


def _check_rule_exists(rule: str, rule_ids: set[str], option: str) -> None:
    if rule not in rule_ids:
        problem = f"there is no rule '{rule}'{suggest_word(rule, sorted(rule_ids))}"
        raise Problem(problem, asked=option, fix="Correct the rule's id.")


def _report_unused_suppression(suppression: Suppression) -> Finding:
    """Return the finding about a suppression that suppresses nothing."""
    path = "" if suppression.path == "*" else suppression.path
    at_path = f" at '{path}'" if path else ""
    message = f"rule '{suppression.rule}' is suppressed{at_path}, but finds nothing there"
    return Finding(Position(), path, UNUSED_SUPPRESSION, "info", message, "Remove the suppression.")


WRONG_SUPPRESSION = "wrong-suppression"
_COMMENT = re.compile(r"(?P<before>^\s*|\s)#\s*o11y:\s*ignore\b(?P<rest>.*)")


@dataclass(frozen=True)
class Comment:
    """A suppression in a comment: position, rule, reason and the lines that it covers."""

    position: Position
    rule: str
    reason: str
    lines: tuple[int, ...]


def read_suppressing_comments(texts: Mapping[str, str]) -> list[Comment]:
    """Return the suppressions in texts, by their names."""
    comments: list[Comment] = []
    for file, text in texts.items():
        if "o11y:" in text:
            comments.extend(_find_comments_in_text(file, text))
    return comments


class SplitFindings(NamedTuple):
    """What comments leave of findings, what they suppress with their reasons, and findings about wrong comments."""

    remaining: list[Finding]
    suppressed: list[tuple[Finding, str]]
    wrong: list[Finding]


def split_by_suppressions(
    findings: Iterable[Finding], comments: Sequence[Comment], rule_ids: Iterable[str]
) -> SplitFindings:
    """Return the remaining findings, the findings that comments suppress, and findings about invalid comments."""
    if not comments:
        return SplitFindings(list(findings), [], [])
    sorted_rule_ids = sorted(rule_ids)
    faults = [_explain_comment_fault(comment, sorted_rule_ids) for comment in comments]
    right_comments = [comment for comment, fault in zip(comments, faults, strict=True) if not fault]
    comment_findings = [
        _report_wrong_comment(comment, fault) for comment, fault in zip(comments, faults, strict=True) if fault
    ]
    comments_by_line: dict[tuple[str, int, str], Comment] = {}
    for comment in right_comments:
        for line in comment.lines:
            comments_by_line[comment.position.file, line, comment.rule] = comment
    remaining: list[Finding] = []
    suppressed: list[tuple[Finding, str]] = []
    used_comments: set[Comment] = set()
    for finding in findings:
        covering_comment = comments_by_line.get((finding.position.file, finding.position.line, finding.rule))
        if covering_comment is None:
            remaining.append(finding)
        else:
            used_comments.add(covering_comment)
            suppressed.append((finding, covering_comment.reason))
    comment_findings += [_report_unused_comment(comment) for comment in right_comments if comment not in used_comments]
    return SplitFindings(remaining, suppressed, comment_findings)


def _find_comments_in_text(file: str, text: str) -> Iterator[Comment]:
    """Yield the suppressions in a text. One that stands alone in its line covers the next line too."""
    for line_number, line in enumerate(split_yaml_lines(text), 1):
        comment_match = _COMMENT.search(line)
        if comment_match is None:
            continue
        rule, _space, reason = comment_match["rest"].strip().partition(" ")
        before_comment = line[: comment_match.start("rest")].split("#")[0]
        is_alone = not before_comment.strip()
        covered_lines = (line_number, line_number + 1) if is_alone else (line_number,)
        position = Position(file, line_number, line.index("#", comment_match.start()) + 1)
        yield Comment(position, rule, reason.strip(), covered_lines)


def _explain_comment_fault(comment: Comment, rule_ids: list[str]) -> str:
    """Return why a comment suppresses nothing; empty if it is right."""
    if comment.rule not in rule_ids:
        return f"there is no rule '{comment.rule}'{suggest_word(comment.rule, rule_ids)}"
    return "" if comment.reason else f"rule '{comment.rule}' is ignored here without a reason"


def _report_wrong_comment(comment: Comment, message: str) -> Finding:
    return Finding(
        comment.position, "", WRONG_SUPPRESSION, "warning", message, "Write `# o11y: ignore RULE-ID reason`."
    )


def _report_unused_comment(comment: Comment) -> Finding:
    message = f"rule '{comment.rule}' is ignored here, but finds nothing"
    return Finding(comment.position, "", UNUSED_SUPPRESSION, "info", message, "Remove the comment.")
