# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold in the settings of a type, as the table `constraints` has it. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

from ..config.paths import Path
from .rows import ANY, Key, Row


@dataclass
class Places:
    """Rows of constraints at their place in the settings of a type, so that one walk of the settings finds all.

    Those in `keyed` find nothing where their key is not given.
    """

    rows: list[Any] = field(default_factory=list)
    keyed: dict[str, list[Any]] = field(default_factory=dict)
    below: dict[str, Places] = field(default_factory=dict)

    def add(self, row: Any, steps: Sequence[str], key: str) -> None:
        """Put a row at the end of these steps: a key, `a|b` for alternatives, `*` for any key or index."""
        if not steps:
            (self.keyed.setdefault(key, []) if key else self.rows).append(row)
        for step in steps[0].split("|") if steps else ():
            self.below.setdefault(step, Places()).add(row, steps[1:], key)

    def about(self, value: Any) -> list[Any]:
        """Return the rows of this place that may find something in a value; text is no place."""
        if isinstance(value, str):
            return []
        given = self.keyed.keys() & value.keys() if self.keyed and isinstance(value, dict) else ()
        return [*self.rows, *(row for key in given for row in self.keyed[key])] if given else self.rows

    def find(self, settings: Any, path: Path) -> Iterator[tuple[Any, Path, Any]]:
        """Yield every row whose place the settings have, with path and value; text is no place."""
        stack: list[tuple[Places, Path, Any]] = [(self, path, settings)]
        while stack:
            node, here, value = stack.pop()
            for row in node.about(value):
                yield row, here, value
            if node.below and isinstance(value, dict):
                stack += [
                    (node.below[key], (*here, key), value[key])
                    for key in node.below.keys() & value.keys()
                    if key != ANY
                ]
            if ANY in node.below and isinstance(value, (dict, list)):
                pairs = value.items() if isinstance(value, dict) else enumerate(value)
                stack += [(node.below[ANY], (*here, key), item) for key, item in pairs]


@dataclass(frozen=True)
class ConstraintTable:
    """The rows of constraints, which stand beside the type that they are about."""

    rows: Sequence[Row]

    def places(self, section: str, name: str, made: Callable[[Row], tuple[Any, str] | None]) -> Places:
        """Return what must hold in the settings of a type, given its newest name: what is made of rows, but None.

        With it comes the key without which it finds nothing; empty if it may.
        """
        found = Places()
        rows = (row for kind in (ANY, name) for row in self._by_type.get((section, kind), ()))
        for _number, row, steps in sorted(rows, key=itemgetter(0)):
            if constraint := made(row):
                found.add(constraint[0], steps, constraint[1])
        return found

    @cached_property
    def _by_type(self) -> dict[Key, list[tuple[int, Row, list[str]]]]:
        """The rows of constraints of each type, with their numbers in the table, and the steps to their places."""
        found: dict[Key, list[tuple[int, Row, list[str]]]] = {}
        for number, row in enumerate(self.rows):
            section, kinds, *steps = row["at"].split(".")
            for kind in kinds.split("|"):
                found.setdefault((section, kind), []).append((number, row, steps))
        return found
