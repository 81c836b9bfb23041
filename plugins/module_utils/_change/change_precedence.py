# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collector changes before which other one, and the levels that follow. Private."""

from __future__ import annotations

from graphlib import TopologicalSorter


class Precedence:
    """Which collector changes before which other one, by their names."""

    def __init__(self) -> None:
        self._followers: dict[str, set[str]] = {}

    def add(self, before: str, after: str) -> None:
        """Let one collector change before another one."""
        self._followers.setdefault(before, set()).add(after)
        self._followers.setdefault(after, set())

    def levels(self) -> dict[str, int]:
        """Return the number of the wave of each collector. Collectors on a circle are in one wave.

        A collector comes after all that lead to it, so the longest chain of them is its wave.
        """
        circle_of = self._circles()
        circles_before: dict[frozenset[str], set[frozenset[str]]] = {circle: set() for circle in circle_of.values()}
        for before, followers in self._followers.items():
            for after in followers:
                if circle_of[before] != circle_of[after]:
                    circles_before[circle_of[after]].add(circle_of[before])
        level_of: dict[frozenset[str], int] = {}
        for circle in TopologicalSorter(circles_before).static_order():
            level_of[circle] = max((level_of[earlier] + 1 for earlier in circles_before[circle]), default=0)
        return {name: level_of[circle] for name, circle in circle_of.items()}

    def _circles(self) -> dict[str, frozenset[str]]:
        """Return the names that each name leads to and that lead back to it, with the name itself."""
        reached = {name: self._reached_from(name) for name in self._followers}
        circles = {}
        for name, names in reached.items():
            leading_back = [other for other in names if name in reached[other]]
            circles[name] = frozenset({name, *leading_back})
        return circles

    def _reached_from(self, start: str) -> set[str]:
        """Return all names that a name leads to, over others too."""
        reached: set[str] = set()
        waiting = [start]
        while waiting:
            next_names = self._followers[waiting.pop()] - reached
            reached |= next_names
            waiting += next_names
        return reached
