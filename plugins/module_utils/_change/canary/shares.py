# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of items that went wrong, and what is certain of them. Private.

Shares are compared by the bounds of Wilson's score interval: a small number of failures in a small number of items
proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from .readings import Row, bounds, fewer

# Failures up to this share, in percent, are rare: each counts alone, and not with all others of its reading.
_RARE_PERCENT = 2


def _percent(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole else 0


@dataclass(frozen=True)
class Share:
    """Items of one component that went wrong, of those that were offered to it."""

    bad: int
    offered: int

    @property
    def percent(self) -> int:
        return _percent(self.bad, self.offered)

    @property
    def is_rare(self) -> bool:
        return 100 * self.bad <= _RARE_PERCENT * self.offered

    def at_least(self, readings: int) -> float:
        """Return which share goes wrong for certain, in percent. Items of one reading fail together."""
        return bounds(*fewer(self.bad, self.offered, readings))[0]

    def at_most(self, readings: int) -> float:
        """Return which share may go wrong, in percent. Items of one reading fail together, unless few fail at all."""
        counted = (self.bad, self.offered) if self.is_rare else fewer(self.bad, self.offered, readings)
        return bounds(*counted)[1]


@dataclass(frozen=True)
class Compared:
    """The share of a canary beside the worst one of the rest, and in how many readings each was counted."""

    here: Share
    rest: Share
    here_readings: int
    rest_readings: int

    @property
    def excess(self) -> int:
        """By how many percent more goes wrong here for certain than may go wrong in the rest."""
        certain = self.here.at_least(self.here_readings) - self.rest.at_most(self.rest_readings)
        return max(round(certain), 0)

    def as_row(self, name: str) -> Row:
        """Return the fields of a row of facts; `name` says what went wrong."""
        return {
            name: self.here.bad,
            "offered": self.here.offered,
            f"{name}_percent": self.here.percent,
            f"rest_{name}": self.rest.bad,
            "rest_offered": self.rest.offered,
            f"rest_{name}_percent": self.rest.percent,
            f"{name}_excess": self.excess,
        }


@dataclass(frozen=True)
class Passed:
    """How many items left a processor, of those that came in."""

    went: int
    came: int

    @property
    def surely(self) -> float:
        """Which share passes for certain, in percent."""
        return bounds(self.went, self.came)[0]


@dataclass(frozen=True)
class Counts:
    """Rows of one kind, and which of their fields count items that went wrong, and items that went well."""

    rows: str
    wrong: tuple[str, ...]
    well: str

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.wrong, self.well)

    def share(self, row: Row) -> Share:
        bad = sum(row[name] for name in self.wrong)
        return Share(bad, bad + row[self.well])


RECEIVED = Counts("receives", ("refused", "failed"), "accepted")
EXPORTED = Counts("exports", ("send_failed", "enqueue_failed"), "sent")
