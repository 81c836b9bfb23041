# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs rules on a subject, and makes a finding of each fault: with the rule, the severity and the position. Private.

A finding is what users see. For example, `str` of one is this line:

    a.yml:4:3 receivers.otlp: warning [open-on-node] port 4317 is open on every address of the node. Write `…`.

rules.py calls `run_rules`. Callers in plugin_utils weigh the findings by profiles.py, and write reports of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..config.config_secrets import find_secrets
from ..config.masking import make_masker
from ..config.paths import Position, format_path
from ..config.suspects import Suspect
from ..errors import clean_text, limit_suggestions, make_printable
from .rule_definitions import ABOUT_EVERYTHING, Fault, Rule
from .subject import Subject

# The most severe one first.
SEVERITIES = ("error", "warning", "info")
# The id in the finding about a rule that failed.
INTERNAL_ERROR = "internal-error"
# How many pairs of words a rule compares at most for suggestions, so that these take no time.
_COMPARISONS_PER_RULE = 20_000


@dataclass(frozen=True, order=True)
class Finding:
    """A fault with its rule and its position; sorts by position."""

    position: Position
    path: str
    rule: str
    severity: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        """Return one line: position, severity, rule, message and fix."""
        location = " ".join(part for part in (str(self.position), self.path) if part)
        text = f"{location}: {self.severity} [{self.rule}] {self.message}"
        full_stop = "" if text.endswith((".", "!", "?")) else "."
        return make_printable(f"{text}{full_stop} {self.fix}".rstrip())

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as a task result shows it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "file": self.position.file,
            "line": self.position.line,
            "column": self.position.column,
            "path": self.path,
            "message": self.message,
            "fix": self.fix,
        }


def sort_key_by_position(finding: Finding) -> tuple[Any, ...]:
    """Return a tuple that sorts findings as they sort themselves, for long lists: tuples compare much faster."""
    position = finding.position
    order = (finding.path, finding.rule, finding.severity, finding.message, finding.fix)
    return (position.file, position.line, position.column, *order)


def run_rules(rules: Iterable[Rule], subject: Subject) -> list[Finding]:
    """Apply every rule and return the findings in the order of their positions."""
    findings: list[Finding] = []
    with limit_suggestions(_COMPARISONS_PER_RULE) as comparison_limit:
        for rule in rules:
            if rule.precondition is not ABOUT_EVERYTHING and not rule.precondition.is_met_by(subject):
                continue
            # Each rule begins anew, so that none uses up the comparisons of the next one.
            comparison_limit.remaining = _COMPARISONS_PER_RULE
            try:
                for fault in rule.check(subject):
                    findings.append(_convert_fault_to_finding(rule, fault, subject))
            # A mistake in one rule must hide no finding of the others, so any exception becomes a finding.
            except Exception as error:
                findings.append(report_internal_error(f"rule {rule.id}", error, subject.locate(())))
    return sorted(findings, key=sort_key_by_position)


def report_internal_error(step: str, error: Exception, position: Position) -> Finding:
    """Return the finding of a step that failed. The text of the error may quote a secret, so only its type is shown."""
    message = f"{step} failed with {type(error).__name__}, so findings may be missing here"
    fix = "Report this with the config to the maintainers of o11y.opentelemetry; the other rules and files are checked."
    return Finding(position, "", INTERNAL_ERROR, "error", message, fix)


def mask_findings(
    findings: Iterable[Finding], config: Any, known_suspects: Iterable[Suspect] | None = None
) -> list[Finding]:
    """Return findings in a config without the secrets that the config holds.

    `known_suspects` are the texts of the config that may be secrets, if they are known; see `find_secrets`.
    """
    unmasked = list(findings)
    if not unmasked:
        return []
    mask = make_masker(find_secrets(config, known_suspects))
    return [_mask_finding(finding, mask) for finding in unmasked]


def _mask_finding(finding: Finding, mask: Callable[[str], str]) -> Finding:
    """Return a finding whose texts went through a mask."""
    message, fix = mask(finding.message), mask(finding.fix)
    if (message, fix) == (finding.message, finding.fix):
        return finding
    return replace(finding, message=message, fix=fix)


def _convert_fault_to_finding(rule: Rule, fault: Fault, subject: Subject) -> Finding:
    """Return a fault as a finding: with its position in the source, and with texts that a terminal can show."""
    position = fault.position or subject.locate(fault.path)
    if fault.offset:
        position = position.locate_character(fault.offset)
    path, message, fix = clean_text(format_path(fault.path)), clean_text(fault.message), clean_text(fault.fix)
    return Finding(position, path, rule.id, fault.severity or rule.severity, message, fix)
