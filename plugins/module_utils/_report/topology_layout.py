# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A graph of boxes in columns: from the left to the right, no box on another, no line through a box. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

WIDTH, HEIGHT = 256, 54
COLUMN_GAP, ROW_GAP, MARGIN = 96, 18, 12
# A line that passes a column needs less room there than a box.
LANE = 6
# More sweeps than that change hardly anything.
SWEEPS = 3


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


# A box, or the place where a line passes a column: the line and the index of the column.
Slot: TypeAlias = "str | tuple[Line, int]"
Point = tuple[int, int]


def draw(boxes: Sequence[Box], lines: Iterable[Line]) -> Drawing:
    """Return the place of every box and line; the same for the same input, in whatever order the lines come."""
    names = [box.id for box in boxes]
    lines = sorted({line for line in lines if line.source != line.target and {*line} <= set(names)})
    layer = _layers(boxes, lines)
    columns: list[list[Slot]] = [[] for _index in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        columns[layer[name]].append(name)
    chains: dict[Line, list[Slot]] = {}
    for line in lines:
        first, last = sorted(line, key=layer.__getitem__)
        passed = [(line, index) for index in range(layer[first] + 1, layer[last])]
        chains[line] = [first, *passed, last]
        for slot in passed:
            columns[slot[1]].append(slot)
    _order(columns, chains.values())
    return _drawing(columns, chains)


def _layers(boxes: Sequence[Box], lines: Collection[Line]) -> dict[str, int]:
    """Return the column of every box: one more than those before it. A cycle starts where fewest lines come in."""
    before: dict[str, set[str]] = {box.id: set() for box in boxes}
    beside: dict[str, set[str]] = {box.id: set() for box in boxes}
    for source, target in lines:
        if target in before:
            before[target].add(source)
            beside[target].add(source)
        if source in before:
            beside[source].add(target)
    layer: dict[str, int] = {}
    while len(layer) < len(boxes):
        waiting = [name for name in before if name not in layer]
        name = min(waiting, key=lambda name: len(before[name] - layer.keys()))
        placed = [layer[other] for other in beside[name] if other in layer]
        layer[name] = 1 + max(placed, default=-1)
    last = max(layer.values(), default=0)
    ends = [box.id for box in boxes if box.last and all(layer[other] < layer[box.id] for other in beside[box.id])]
    return layer | dict.fromkeys(ends, last)


def _order(columns: list[list[Slot]], chains: Iterable[Sequence[Slot]]) -> None:
    """Sort each column by the mean place of the neighbours in the column beside it, so that few lines cross."""
    beside: dict[Slot, list[Slot]] = {}
    for chain in chains:
        for slot, next_slot in pairwise(chain):
            beside.setdefault(slot, []).append(next_slot)
            beside.setdefault(next_slot, []).append(slot)
    for _sweep in range(SWEEPS):
        for way in (columns, columns[::-1]):
            for before, column in pairwise(way):
                means = _mean_places(column, before, beside)
                column.sort(key=means.__getitem__)


def _mean_places(
    column: Sequence[Slot], before: Sequence[Slot], beside: Mapping[Slot, Sequence[Slot]]
) -> dict[Slot, float]:
    """Return the mean place of the neighbours of each slot in the column before; its own place without neighbours."""
    places, means = _places(before), _places(column)
    for slot in column:
        near = [places[neighbour] for neighbour in beside.get(slot, ()) if neighbour in places]
        if near:
            means[slot] = sum(near) / len(near)
    return means


def _places(column: Sequence[Slot]) -> dict[Slot, float]:
    """Return the place of each slot in its column, between 0 at the top and 1 at the bottom."""
    return {slot: (index + 0.5) / len(column) for index, slot in enumerate(column)}


def _height(slot: Slot) -> int:
    return HEIGHT if isinstance(slot, str) else LANE


def _drawing(columns: Sequence[Sequence[Slot]], chains: Mapping[Line, Sequence[Slot]]) -> Drawing:
    heights = [sum(map(_height, column)) + ROW_GAP * (len(column) - 1) for column in columns]
    height = max(heights, default=0)
    middle: dict[Slot, Point] = {}  # of the left edge of each slot
    for index, column in enumerate(columns):
        top = MARGIN + (height - heights[index]) // 2
        for slot in column:
            middle[slot] = MARGIN + index * (WIDTH + COLUMN_GAP), top + _height(slot) // 2
            top += _height(slot) + ROW_GAP
    drawn = {}
    for line, chain in chains.items():
        points = _points([middle[slot] for slot in chain])
        drawn[line] = tuple(points if chain[0] == line.source else reversed(points))
    boxes = {slot: (x, y - HEIGHT // 2) for slot, (x, y) in middle.items() if isinstance(slot, str)}
    width = len(columns) * (WIDTH + COLUMN_GAP) - COLUMN_GAP if columns else WIDTH
    return Drawing(boxes, drawn, width + 2 * MARGIN, height + 2 * MARGIN)


def _points(left_edges: Iterable[Point]) -> list[Point]:
    """Return the points of a line: from the right edge of the first slot to the left edge of the last one."""
    points = []
    for x, y in left_edges:
        points += [(x, y), (x + WIDTH, y)]
    return points[1:-1]


def curve(points: Sequence[Point]) -> str:
    """Return the path of a line: straight through columns, bent between them."""
    parts = [f"M{points[0][0]} {points[0][1]}"]
    for index, ((x, y), (next_x, next_y)) in enumerate(pairwise(points)):
        middle = (x + next_x) // 2
        bent = index % 2 == 0
        parts.append(f"C{middle} {y} {middle} {next_y} {next_x} {next_y}" if bent else f"L{next_x} {next_y}")
    return "".join(parts)
