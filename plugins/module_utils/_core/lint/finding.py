# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule finds, and what it looks at. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..paths import Path, Position, dotted

SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class Fault:
    """One breach of a rule: where, what, and what to do about it."""

    path: Path
    message: str
    fix: str = ""
    position: Position | None = None


@dataclass(frozen=True)
class Subject:
    """A config under test, with what surrounds it.

    `locate` leads from paths to the places where a person wrote them; `duplicates` are keys that a source has twice;
    `environment` has the variables that the collector will be given, or is None where that is not known.
    """

    config: Any
    locate: Callable[[Path], Position] = field(default=lambda _path: Position())
    duplicates: tuple[tuple[Path, Position], ...] = ()
    environment: frozenset[str] | None = None


@dataclass(frozen=True)
class Rule:
    """A named check; `check` yields one Fault for each breach."""

    id: str
    severity: str
    reason: str
    check: Callable[[Subject], Iterable[Fault]]


@dataclass(frozen=True, order=True)
class Finding:
    """A fault with its rule and its place; sorts by place."""

    position: Position
    path: str
    rule: str
    severity: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        """Return one line for people: place, severity, rule, what and what to do."""
        where = " ".join(part for part in (str(self.position), self.path) if part)
        stop = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{where}: {self.severity} [{self.rule}] {self.message}{stop} {self.fix}".rstrip()

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


def run(rules: Iterable[Rule], subject: Subject) -> list[Finding]:
    """Apply every rule and return the findings in the order of their places."""
    return sorted(_findings(rules, subject))


def _findings(rules: Iterable[Rule], subject: Subject) -> Iterator[Finding]:
    for rule in rules:
        for fault in rule.check(subject):
            place = fault.position or subject.locate(fault.path)
            yield Finding(place, dotted(fault.path), rule.id, rule.severity, fault.message, fault.fix)
