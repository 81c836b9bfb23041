# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collector changes before which other one, and the number of the step in which each changes. Private.

dependency_order.py adds the pairs, and makes a step of all collectors with one number. For example, the pairs

    c before b, b before a, b before d, d before b
    → {"c": 0, "b": 1, "d": 1, "a": 2}

`b` and `d` are on a circle: each would have to change before the other, so they change together.
"""

from __future__ import annotations

from graphlib import TopologicalSorter


class Precedence:
    """Which collector changes before which other one, by their names."""

    def __init__(self) -> None:
        self._followers: dict[str, set[str]] = {}

    def add_pair(self, earlier_name: str, later_name: str) -> None:
        """Let one collector change before another one."""
        self._followers.setdefault(earlier_name, set()).add(later_name)
        self._followers.setdefault(later_name, set())

    def number_steps(self) -> dict[str, int]:
        """Return the number of the step of each collector, from 0 on. Collectors on a circle are in one step.

        A collector comes after all that lead to it, so its number is the length of the longest chain before it.
        """
        circle_by_name = self._find_circles()
        circles_before: dict[frozenset[str], set[frozenset[str]]] = {
            circle: set() for circle in circle_by_name.values()
        }
        for earlier_name, followers in self._followers.items():
            for later_name in followers:
                if circle_by_name[earlier_name] != circle_by_name[later_name]:
                    circles_before[circle_by_name[later_name]].add(circle_by_name[earlier_name])
        step_by_circle: dict[frozenset[str], int] = {}
        for circle in TopologicalSorter(circles_before).static_order():
            step_by_circle[circle] = max(
                (step_by_circle[earlier_circle] + 1 for earlier_circle in circles_before[circle]), default=0
            )
        return {name: step_by_circle[circle] for name, circle in circle_by_name.items()}

    def _find_circles(self) -> dict[str, frozenset[str]]:
        """Return the circle of each name: the names that it leads to and that lead back to it, with the name itself.

        A name on no circle is alone in its own.
        """
        reached_by_name = {name: self._find_reachable_names(name) for name in self._followers}
        circles = {}
        for name, reached_names in reached_by_name.items():
            leading_back = [other_name for other_name in reached_names if name in reached_by_name[other_name]]
            circles[name] = frozenset({name, *leading_back})
        return circles

    def _find_reachable_names(self, start_name: str) -> set[str]:
        """Return all names that a name leads to, over others too."""
        reached_names: set[str] = set()
        names_to_visit = [start_name]
        while names_to_visit:
            next_names = self._followers[names_to_visit.pop()] - reached_names
            reached_names |= next_names
            names_to_visit += next_names
        return reached_names
