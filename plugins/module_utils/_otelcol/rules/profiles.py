# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Severity of findings: profiles, the user's overrides, and suppressions in options. Private.

A profile is development, default or production. To weigh findings is to give each its final severity, to drop those
with the severity `off`, and to take out the suppressed ones. Suppressions in comments are in suppressing_comments.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import NamedTuple

from ..config.paths import Position
from ..errors import Problem, suggest_word
from .findings import SEVERITIES, Finding, sort_key_by_position

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

# A rule can give a single case another severity than its own. A profile then takes the milder of the two severities in
# development, and the severer one in production. SEVERITIES begins with the most severe, so `max` of the indexes is the
# milder one. Example: production has an error for `singleton`; a case with a warning becomes an error.
_CHOICE_BY_PROFILE = {"development": max, "production": min}


@dataclass(frozen=True)
class Suppression:
    """A suppressed rule, the reason and the dotted path, in which `*` matches any text."""

    rule: str
    reason: str
    path: str = "*"

    def is_about(self, finding: Finding) -> bool:
        """Whether it suppresses a finding; brackets in a path are literal."""
        pattern = self.path.replace("[", "[[]")  # fnmatch takes `[0]` for a set of characters
        return self.rule == finding.rule and fnmatchcase(finding.path, pattern)


class ExcusedFinding(NamedTuple):
    """A finding that is suppressed, and why."""

    finding: Finding
    reason: str


class WeighedFindings(NamedTuple):
    """The remaining findings, and the suppressed ones with their reasons."""

    remaining_findings: list[Finding]
    suppressed_findings: list[ExcusedFinding]


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
    user_severities = {**(own_severities or {}), **overrides}
    severities_by_rule = {**PROFILES[profile], **user_severities}
    remaining: list[Finding] = []
    suppressed: list[ExcusedFinding] = []
    used_suppressions: set[Suppression] = set()
    for finding in findings:
        matching_suppressions = [suppression for suppression in suppressions if suppression.is_about(finding)]
        used_suppressions.update(matching_suppressions)
        # A suppressed finding stays in the result, also if the rule is off.
        if matching_suppressions:
            suppressed.append(ExcusedFinding(finding, matching_suppressions[0].reason))
        elif severities_by_rule.get(finding.rule) != OFF:
            remaining.append(_weigh_finding(finding, severities_by_rule, profile, user_severities))
    remaining.extend(
        _report_unused_suppression(suppression) for suppression in suppressions if suppression not in used_suppressions
    )
    return WeighedFindings(sorted(remaining, key=sort_key_by_position), suppressed)


def _weigh_finding(
    finding: Finding, severities_by_rule: Mapping[str, str], profile: str, user_severities: Mapping[str, str]
) -> Finding:
    """Return the finding with its final severity: what the user chose for its rule wins over a profile."""
    severity = severities_by_rule.get(finding.rule, finding.severity)
    choose = _CHOICE_BY_PROFILE.get(profile)
    # What the user chose for a rule is the severity of all its findings, also of those that differ from the rule.
    if choose and finding.rule not in user_severities:
        severity = choose((severity, finding.severity), key=SEVERITIES.index)
    return finding if severity == finding.severity else replace(finding, severity=severity)


def _check_choices(
    rule_ids: set[str], profile: str, overrides: Mapping[str, str], suppressions: Sequence[Suppression]
) -> None:
    """Raise Problem for an unknown profile, rule or severity, and for a suppression without a reason."""
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
    """Raise Problem for an unknown rule. In YAML, `{1: info}` has a number in place of an id."""
    if rule not in rule_ids:
        problem = f"there is no rule '{rule}'{suggest_word(str(rule), sorted(rule_ids))}"
        raise Problem(problem, asked=option, fix="Correct the rule's id.")


def _report_unused_suppression(suppression: Suppression) -> Finding:
    """Return the finding about a suppression that suppresses nothing."""
    path = "" if suppression.path == "*" else suppression.path
    at_path = f" at '{path}'" if path else ""
    message = f"rule '{suppression.rule}' is suppressed{at_path}, but finds nothing there"
    return Finding(Position(), path, UNUSED_SUPPRESSION, "info", message, "Remove the suppression.")
