# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layout of a graph: boxes in columns from the left to the right, and no line through a box. Private.

`topology.py` draws the topology of a fleet with `lay_out`. It is the layered layout of Sugiyama: each box gets a
column, then each column is sorted so that few lines cross, then all get coordinates. Example: the lines agent →
gateway, gateway → backend and agent → backend give three columns:

    agent ── gateway ── backend
      └─────────────────┘

The third line passes the column of the gateway. It has a slot there too, its lane, so that it does not cross the box. A
chain is the slots of one line from the left to the right: that of the third line is box agent, the lane, box backend.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

# All lengths are in pixels.
BOX_WIDTH = 256
BOX_HEIGHT = 54
COLUMN_GAP = 96
ROW_GAP = 18
MARGIN = 12
# A line that passes a column needs less room there than a box.
LANE_HEIGHT = 6
# How often all columns are sorted (`_sort_columns`). More sweeps change hardly anything.
MOST_SWEEPS = 3


class LayoutBox(NamedTuple):
    """A node of the graph."""

    id: str
    is_last: bool = False
    """Whether it stands in the last column, whatever leads to it."""


class LayoutLine(NamedTuple):
    """An edge from one node to another."""

    source: str
    target: str


class Lane(NamedTuple):
    """The room in a column for a line that passes it between the columns of its two boxes."""

    line: LayoutLine
    column: int


# What stands in a column: a box, by its name, or a lane.
Slot: TypeAlias = "str | Lane"


class LayoutPoint(NamedTuple):
    """A point of the drawing, from its upper left corner."""

    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    """The upper left corner of every box, the points of every line, and the size of it all."""

    corner_by_box: dict[str, LayoutPoint]
    points_by_line: dict[LayoutLine, tuple[LayoutPoint, ...]]
    width: int
    height: int


def lay_out(boxes: Sequence[LayoutBox], lines: Iterable[LayoutLine]) -> Drawing:
    """Return the coordinates of every box and line. The order of the lines makes no difference.

    A lone box has its corner at (12, 12), in a drawing of 280 x 78 pixels.
    """
    between_boxes = _select_lines_between(boxes, lines)
    column_by_box = _assign_columns(boxes, between_boxes)
    chains = {line: _build_chain(line, column_by_box) for line in between_boxes}
    columns = _fill_columns(boxes, column_by_box, chains.values())
    return _build_drawing(_sort_columns(columns, chains.values()), chains)


def _fill_columns(
    boxes: Iterable[LayoutBox], column_by_box: Mapping[str, int], chains: Iterable[Sequence[Slot]]
) -> list[list[Slot]]:
    """Return the slots of each column: its boxes, then the lanes of lines that pass it."""
    column_count = max(column_by_box.values(), default=-1) + 1
    columns: list[list[Slot]] = [[] for _column in range(column_count)]
    for box in boxes:
        columns[column_by_box[box.id]].append(box.id)
    for chain in chains:
        for slot in chain:
            if isinstance(slot, Lane):
                columns[slot.column].append(slot)
    return columns


def _select_lines_between(boxes: Sequence[LayoutBox], lines: Iterable[LayoutLine]) -> list[LayoutLine]:
    """Return the lines that lead from one of the boxes to another, each once and in order."""
    box_ids = {box.id for box in boxes}
    between_boxes = set()
    for line in lines:
        if line.source in box_ids and line.target in box_ids and line.source != line.target:
            between_boxes.add(line)
    return sorted(between_boxes)


def _assign_columns(boxes: Sequence[LayoutBox], lines: Sequence[LayoutLine]) -> dict[str, int]:
    """Return the column of every box, from 0 on the left.

    Boxes get their columns one after the other (`_order_boxes`): each goes one column to the right of all its
    neighbours that have a column already, wherever their lines lead. So a line never joins two boxes of one column. A
    cycle starts at the box into which the fewest lines lead. A box with `is_last` moves to the last column, unless a
    neighbour stands right of it.
    """
    neighbours: dict[str, set[str]] = {box.id: set() for box in boxes}
    for line in lines:
        neighbours[line.target].add(line.source)
        neighbours[line.source].add(line.target)
    column_by_box: dict[str, int] = {}
    for box_id in _order_boxes(boxes, lines):
        columns_beside = [column_by_box[neighbour] for neighbour in neighbours[box_id] if neighbour in column_by_box]
        column_by_box[box_id] = 1 + max(columns_beside, default=-1)
    last_column = max(column_by_box.values(), default=0)
    moved_boxes: dict[str, int] = {}
    for box in boxes:
        if box.is_last and _is_right_of_all(box.id, neighbours[box.id], column_by_box):
            moved_boxes[box.id] = last_column
    return column_by_box | moved_boxes


def _order_boxes(boxes: Sequence[LayoutBox], lines: Iterable[LayoutLine]) -> Iterator[str]:
    """Yield the boxes, next always the first of those into which the fewest lines from boxes not yet yielded come."""
    targets: dict[str, list[str]] = {box.id: [] for box in boxes}
    # Of each box not yet yielded: how many lines come from such boxes.
    lines_into = dict.fromkeys(targets, 0)
    for line in lines:
        targets[line.source].append(line.target)
        lines_into[line.target] += 1
    while lines_into:
        next_box = min(lines_into, key=lines_into.__getitem__)
        yield next_box
        del lines_into[next_box]
        for target in targets[next_box]:
            if target in lines_into:
                lines_into[target] -= 1


def _is_right_of_all(box_id: str, neighbours: Iterable[str], column_by_box: Mapping[str, int]) -> bool:
    """Whether all neighbours of a box stand left of it."""
    return all(column_by_box[neighbour] < column_by_box[box_id] for neighbour in neighbours)


def _build_chain(line: LayoutLine, column_by_box: Mapping[str, int]) -> list[Slot]:
    """Return the slots of a line from the left to the right: a box, a lane in each column between, the other box."""
    left_box, right_box = sorted(line, key=column_by_box.__getitem__)
    lanes = [Lane(line, column) for column in range(column_by_box[left_box] + 1, column_by_box[right_box])]
    return [left_box, *lanes, right_box]


def _sort_columns(columns: Sequence[Sequence[Slot]], chains: Iterable[Sequence[Slot]]) -> list[list[Slot]]:
    """Return each column sorted by the mean height of the neighbours in the column beside it, so that few lines cross.

    The columns are swept from the left to the right and back. A column that is sorted changes the means of the next.
    """
    neighbours: dict[Slot, list[Slot]] = {}
    for chain in chains:
        for slot, next_slot in pairwise(chain):
            neighbours.setdefault(slot, []).append(next_slot)
            neighbours.setdefault(next_slot, []).append(slot)
    sorted_columns = [list(column) for column in columns]
    to_the_right = sorted_columns
    to_the_left = sorted_columns[::-1]
    for _sweep in range(MOST_SWEEPS):
        for sweep in (to_the_right, to_the_left):
            for previous_column, column in pairwise(sweep):
                means = _compute_mean_heights(column, previous_column, neighbours)
                column.sort(key=means.__getitem__)
    return sorted_columns


def _compute_mean_heights(
    column: Sequence[Slot], previous_column: Sequence[Slot], neighbours: Mapping[Slot, Sequence[Slot]]
) -> dict[Slot, float]:
    """Return the mean height of the neighbours of each slot in the column before; its own height without neighbours."""
    heights_before = _compute_heights(previous_column)
    means = _compute_heights(column)
    for slot in column:
        neighbour_heights = [
            heights_before[neighbour] for neighbour in neighbours.get(slot, ()) if neighbour in heights_before
        ]
        if neighbour_heights:
            means[slot] = sum(neighbour_heights) / len(neighbour_heights)
    return means


def _compute_heights(column: Sequence[Slot]) -> dict[Slot, float]:
    """Return how far down each slot stands in its column, from 0 at the top to 1 at the bottom."""
    return {slot: (index + 0.5) / len(column) for index, slot in enumerate(column)}


def _build_drawing(columns: Sequence[Sequence[Slot]], chains: Mapping[LayoutLine, Sequence[Slot]]) -> Drawing:
    """Return the drawing of columns that are sorted."""
    height = max((_measure_column(column) for column in columns), default=0)
    width = BOX_WIDTH
    if columns:
        width = len(columns) * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP
    left_edges = _place_slots(columns, height)
    corner_by_box = {}
    for slot, left_edge in left_edges.items():
        if isinstance(slot, str):
            corner_by_box[slot] = LayoutPoint(left_edge.x, left_edge.y - BOX_HEIGHT // 2)
    points_by_line = {line: _list_points_of_line(line, chain, left_edges) for line, chain in chains.items()}
    return Drawing(corner_by_box, points_by_line, width + 2 * MARGIN, height + 2 * MARGIN)


def _place_slots(columns: Sequence[Sequence[Slot]], height: int) -> dict[Slot, LayoutPoint]:
    """Return the middle of the left edge of each slot. Columns of less than `height` are centred in it."""
    left_edges: dict[Slot, LayoutPoint] = {}
    for index, column in enumerate(columns):
        x = MARGIN + index * (BOX_WIDTH + COLUMN_GAP)
        top = MARGIN + (height - _measure_column(column)) // 2
        for slot in column:
            left_edges[slot] = LayoutPoint(x, top + _measure_slot(slot) // 2)
            top += _measure_slot(slot) + ROW_GAP
    return left_edges


def _measure_column(column: Sequence[Slot]) -> int:
    """Return the height of the slots of a column with the gaps between them."""
    return sum(_measure_slot(slot) for slot in column) + ROW_GAP * (len(column) - 1)


def _measure_slot(slot: Slot) -> int:
    """Return the height of a box or a lane."""
    return LANE_HEIGHT if isinstance(slot, Lane) else BOX_HEIGHT


def _list_points_of_line(
    line: LayoutLine, chain: Sequence[Slot], left_edges: Mapping[Slot, LayoutPoint]
) -> tuple[LayoutPoint, ...]:
    """Return the points of a line from its source to its target, at both edges of each column between them."""
    both_edges = []
    for slot in chain:
        x, y = left_edges[slot]
        both_edges += [LayoutPoint(x, y), LayoutPoint(x + BOX_WIDTH, y)]
    points = both_edges[1:-1]  # no line has the outer edges of its two boxes
    is_drawn_backwards = chain[0] != line.source
    if is_drawn_backwards:
        points.reverse()
    return tuple(points)


def format_curve_path(points: Sequence[LayoutPoint]) -> str:
    """Return the path of a line as SVG writes it: straight through columns, bent between them.

    The points (268, 39) and (364, 39) give `M268 39C316 39 316 39 364 39`.
    """
    commands = [f"M{points[0].x} {points[0].y}"]
    for index, (start, end) in enumerate(pairwise(points)):
        is_between_columns = index % 2 == 0
        if is_between_columns:
            middle = (start.x + end.x) // 2
            commands.append(f"C{middle} {start.y} {middle} {end.y} {end.x} {end.y}")
        else:
            commands.append(f"L{end.x} {end.y}")
    return "".join(commands)
