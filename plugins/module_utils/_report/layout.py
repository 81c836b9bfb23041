# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A graph of boxes in columns: from the left to the right, no box on another, no line through a box. Private.

The steps are those of Sugiyama, Tagawa and Toda (1981): cycles are broken, layers made, ordered by barycentres, placed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

WIDTH, HEIGHT = 256, 54
COLUMN_GAP, ROW_GAP, MARGIN = 96, 18, 12
# A line that passes a column needs less room there than a box.
LANE = 6
# More sweeps than that change hardly anything.
SWEEPS = 6


class Box(NamedTuple):
    """A node: its name, and whether it stands in the last column whatever leads to it."""

    id: str
    last: bool = False


class Line(NamedTuple):
    """An edge from one node to another."""

    source: str
    target: str


@dataclass(frozen=True)
class Drawing:
    """The upper left corner of every box, the points of every line, and the size of it all."""

    boxes: dict[str, tuple[int, int]]
    lines: dict[Line, tuple[tuple[int, int], ...]]
    width: int
    height: int


_NONE = Line("", "")


class _Slot(NamedTuple):
    """A place in a column: of a box, or of a line that passes it."""

    box: str
    line: Line | None = None

    @property
    def height(self) -> int:
        return LANE if self.line else HEIGHT


def draw(boxes: Sequence[Box], lines: Iterable[Line]) -> Drawing:
    """Return where everything is; the same for the same input, in whatever order the lines come."""
    known = [box.id for box in boxes]
    wanted = sorted({line for line in lines if line.source != line.target and {*line} <= set(known)})
    forward = _acyclic(known, wanted)
    layer = _layers(boxes, forward)
    columns, chains = _columns(known, forward, layer)
    _order(columns, chains)
    centre = _place(columns, chains)
    return _drawing(columns, chains, centre, {line: forward[line] != line for line in wanted})


def _acyclic(known: Sequence[str], lines: Sequence[Line]) -> dict[Line, Line]:
    """Return every line in the direction in which it is laid out: what closes a cycle is turned round."""
    after: dict[str, list[Line]] = {name: [] for name in known}
    for line in lines:
        after[line.source].append(line)
    state: dict[str, str] = {}
    result: dict[Line, Line] = {}
    for root in known:
        stack = [] if root in state else [(root, iter(after[root]))]
        state.setdefault(root, "open")
        while stack:
            name, rest = stack[-1]
            line = next(rest, _NONE)
            if line is _NONE:
                state[name] = "done"
                stack.pop()
                continue
            result[line] = Line(line.target, line.source) if state.get(line.target) == "open" else line
            if line.target not in state:
                state[line.target] = "open"
                stack.append((line.target, iter(after[line.target])))
    return result


def _layers(boxes: Sequence[Box], forward: Mapping[Line, Line]) -> dict[str, int]:
    """Return the column of every box: one more than those before it."""
    before: dict[str, set[str]] = {box.id: set() for box in boxes}
    for line in forward.values():
        before[line.target].add(line.source)
    layer: dict[str, int] = {}
    waiting = [box.id for box in boxes]
    while waiting:
        ready = [name for name in waiting if before[name] <= layer.keys()]
        for name in ready:
            layer[name] = 1 + max((layer[other] for other in before[name]), default=-1)
        waiting = [name for name in waiting if name not in layer]
    last = max(layer.values(), default=0)
    leaving = {line.source for line in forward.values()}
    return layer | {box.id: last for box in boxes if box.last and box.id not in leaving}


def _columns(
    known: Sequence[str], forward: Mapping[Line, Line], layer: Mapping[str, int]
) -> tuple[list[list[_Slot]], dict[Line, list[_Slot]]]:
    """Return the slots of every column, and those that each line goes through from its start to its end."""
    columns: list[list[_Slot]] = [[] for _index in range(max(layer.values(), default=0) + 1)]
    for name in known:
        columns[layer[name]].append(_Slot(name))
    chains = {}
    for line, way in forward.items():
        passed = [_Slot("", line) for _index in range(layer[way.source] + 1, layer[way.target])]
        slots = [_Slot(f"{index}", line) for index in range(len(passed))]
        for index, slot in enumerate(slots):
            columns[layer[way.source] + 1 + index].append(slot)
        chains[line] = [_Slot(way.source), *slots, _Slot(way.target)]
    return columns, chains


def _neighbours(chains: Mapping[Line, Sequence[_Slot]]) -> tuple[dict[_Slot, list[_Slot]], dict[_Slot, list[_Slot]]]:
    before: dict[_Slot, list[_Slot]] = {}
    after: dict[_Slot, list[_Slot]] = {}
    for chain in chains.values():
        for one, two in pairwise(chain):
            after.setdefault(one, []).append(two)
            before.setdefault(two, []).append(one)
    return before, after


def _order(columns: list[list[_Slot]], chains: Mapping[Line, Sequence[_Slot]]) -> None:
    """Let neighbours come side by side, so that few lines cross."""
    before, after = _neighbours(chains)
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        sides = before if forth else after
        indexes = range(1, len(columns)) if forth else range(len(columns) - 2, -1, -1)
        for index in indexes:
            beside = columns[index - 1 if forth else index + 1]
            order = {slot: position for position, slot in enumerate(beside)}
            own = {slot: position for position, slot in enumerate(columns[index])}
            scale = len(beside) / max(len(own), 1)
            columns[index].sort(key=lambda slot: _mean(sides, slot, order, own[slot] * scale))


def _mean(sides: Mapping[_Slot, list[_Slot]], slot: _Slot, order: Mapping[_Slot, float], otherwise: float) -> float:
    found = [order[other] for other in sides.get(slot, ()) if other in order]
    return sum(found) / len(found) if found else otherwise


def _place(columns: Sequence[Sequence[_Slot]], chains: Mapping[Line, Sequence[_Slot]]) -> dict[_Slot, int]:
    """Return the height of every slot's middle: near its neighbours, with room between it and the next."""
    before, after = _neighbours(chains)
    centre: dict[_Slot, float] = {}
    for column in columns:
        centre.update(zip(column, _apart(column, [0.0] * len(column)), strict=True))
    around = {slot: [*before.get(slot, ()), *after.get(slot, ())] for slot in centre}
    back = columns[::-1]
    for sides, order in ((before, columns), (after, back), (before, columns), (around, back), (around, columns)):
        for column in order:
            wanted = [_mean(sides, slot, centre, centre[slot]) for slot in column]
            centre.update(zip(column, _apart(column, wanted), strict=True))
    top = min((centre[slot] - slot.height / 2 for slot in centre), default=0.0)
    return {slot: round(value - top) + MARGIN for slot, value in centre.items()}


def _apart(column: Sequence[_Slot], wanted: Sequence[float]) -> list[float]:
    """Return heights as near to the wanted ones as order and room allow: isotonic regression, by merged blocks."""
    offsets, offset = [], 0
    for index, slot in enumerate(column):
        if index:
            offset += (column[index - 1].height + slot.height) // 2 + ROW_GAP
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []
    for value, shift in zip(wanted, offsets, strict=True):
        blocks.append((value - shift, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (one, first), (two, second) = blocks[-2:]
            blocks[-2:] = [((one * first + two * second) / (first + second), first + second)]
    levels = [round(level) for level, size in blocks for _index in range(size)]
    return [float(level + shift) for level, shift in zip(levels, offsets, strict=True)]


def _drawing(
    columns: Sequence[Sequence[_Slot]],
    chains: Mapping[Line, Sequence[_Slot]],
    centre: Mapping[_Slot, int],
    turned: Mapping[Line, bool],
) -> Drawing:
    left = {slot: MARGIN + index * (WIDTH + COLUMN_GAP) for index, column in enumerate(columns) for slot in column}
    boxes = {slot.box: (left[slot], centre[slot] - HEIGHT // 2) for slot in left if not slot.line}
    lines = {}
    for line, chain in sorted(chains.items()):
        points = [(left[chain[0]] + WIDTH, centre[chain[0]])]
        for slot in chain[1:-1]:
            points += [(left[slot], centre[slot]), (left[slot] + WIDTH, centre[slot])]
        points.append((left[chain[-1]], centre[chain[-1]]))
        lines[line] = tuple(points[::-1] if turned[line] else points)
    bottom = max((centre[slot] + slot.height // 2 for slot in centre), default=0)
    right = max(left.values(), default=0) + WIDTH
    return Drawing(boxes, lines, right + MARGIN, bottom + MARGIN)


def curve(points: Sequence[tuple[int, int]]) -> str:
    """Return the path of a line: straight through columns, bent between them."""
    parts = [f"M{points[0][0]} {points[0][1]}"]
    for index, ((x, y), (next_x, next_y)) in enumerate(pairwise(points)):
        middle = (x + next_x) // 2
        bent = index % 2 == 0
        parts.append(f"C{middle} {y} {middle} {next_y} {next_x} {next_y}" if bent else f"L{next_x} {next_y}")
    return "".join(parts)
