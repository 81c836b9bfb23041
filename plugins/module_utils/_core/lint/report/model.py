# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report tells, whatever its format. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..finding import SEVERITIES, Finding, Rule

NEVER = "never"


@dataclass(frozen=True)
class Suppressed:
    """A finding that someone accepts, why, and whether the config itself says so."""

    finding: Finding
    reason: str
    in_source: bool = False


@dataclass(frozen=True)
class Checked:
    """A config that was checked, and what was found in it."""

    name: str
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()


@dataclass(frozen=True)
class Report:
    """All configs that were checked, the files that hold none, the rules, and the mildest finding that fails."""

    checked: Sequence[Checked]
    skipped: Sequence[str] = ()
    rules: Sequence[Rule] = ()
    fail_on: str = "error"

    @cached_property
    def findings(self) -> list[Finding]:
        """All findings, by place."""
        return sorted(finding for item in self.checked for finding in item.findings)

    @cached_property
    def suppressed(self) -> list[Suppressed]:
        """All findings that are accepted, by place."""
        return sorted((one for item in self.checked for one in item.suppressed), key=lambda one: one.finding)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many findings of each severity, and how many of all else."""
        seen = Counter(finding.severity for finding in self.findings)
        rest = {"suppressed": self.suppressed, "checked": self.checked, "skipped": self.skipped}
        return {**{name: seen[name] for name in SEVERITIES}, **{name: len(items) for name, items in rest.items()}}

    def fails(self, finding: Finding) -> bool:
        """Whether a finding is as severe as `fail_on` says."""
        return self.fail_on != NEVER and SEVERITIES.index(finding.severity) <= SEVERITIES.index(self.fail_on)

    def fatal(self) -> Iterator[Finding]:
        """Yield the findings that fail, by place."""
        return (finding for finding in self.findings if self.fails(finding))


def counted(number: int, noun: str) -> str:
    """Return `1 error` or `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
