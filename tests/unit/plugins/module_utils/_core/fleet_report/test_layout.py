# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes in columns: nothing on anything else, everything to the right, and the same picture every time."""

from __future__ import annotations

from itertools import combinations, pairwise

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.layout import (
    HEIGHT,
    MARGIN,
    WIDTH,
    Box,
    Drawing,
    Line,
    curve,
    draw,
)
from hypothesis import given
from hypothesis import strategies as st

NAMES = [f"n{number}" for number in range(14)]
boxes = st.lists(st.builds(Box, st.sampled_from(NAMES), st.booleans()), unique_by=lambda box: box.id, max_size=14)
lines = st.lists(st.builds(Line, st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=30)


def column(drawing: Drawing, name: str) -> int:
    return drawing.boxes[name][0]


@given(boxes, lines)
def test_no_box_is_on_another_and_all_are_in_the_picture(given_boxes: list[Box], given_lines: list[Line]) -> None:
    drawing = draw(given_boxes, given_lines)
    assert set(drawing.boxes) == {box.id for box in given_boxes}
    for (x, y), (other_x, other_y) in combinations(drawing.boxes.values(), 2):
        assert abs(x - other_x) >= WIDTH or abs(y - other_y) >= HEIGHT
    for x, y in drawing.boxes.values():
        assert MARGIN <= x <= drawing.width - MARGIN - WIDTH
        assert MARGIN <= y <= drawing.height - MARGIN - HEIGHT


@given(boxes, lines)
def test_no_line_goes_through_a_box(given_boxes: list[Box], given_lines: list[Line]) -> None:
    drawing = draw(given_boxes, given_lines)
    for points in drawing.lines.values():
        for (x, y), (next_x, next_y) in pairwise(points):
            left, right = sorted((x, next_x))
            for box_x, box_y in drawing.boxes.values():
                assert right <= box_x or left >= box_x + WIDTH or (y == next_y and not box_y < y < box_y + HEIGHT)


@given(boxes, lines, st.randoms())
def test_the_order_of_lines_means_nothing(given_boxes: list[Box], given_lines: list[Line], random: object) -> None:
    shuffled = list(given_lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert draw(given_boxes, shuffled) == draw(given_boxes, given_lines)


@given(boxes, lines)
def test_every_line_between_known_boxes_is_drawn_once(given_boxes: list[Box], given_lines: list[Line]) -> None:
    known = {box.id for box in given_boxes}
    wanted = {line for line in given_lines if line.source != line.target and {*line} <= known}
    assert set(draw(given_boxes, given_lines).lines) == wanted


def test_what_is_sent_goes_to_the_right() -> None:
    drawing = draw([Box("agent"), Box("gateway"), Box("hub")], [Line("agent", "gateway"), Line("gateway", "hub")])
    assert column(drawing, "agent") < column(drawing, "gateway") < column(drawing, "hub")


def test_a_backend_is_in_the_last_column_whoever_sends_to_it() -> None:
    listed = [Box("agent"), Box("gateway"), Box("log", True), Box("store", True)]
    drawing = draw(listed, [Line("agent", "gateway"), Line("agent", "log"), Line("gateway", "store")])
    assert column(drawing, "log") == column(drawing, "store") > column(drawing, "gateway")


def test_a_cycle_is_drawn_with_one_line_back() -> None:
    drawing = draw([Box("a"), Box("b")], [Line("a", "b"), Line("b", "a")])
    back = drawing.lines[Line("b", "a")]
    assert column(drawing, "a") < column(drawing, "b")
    assert back[0][0] > back[-1][0]


def test_a_box_stands_beside_the_one_that_it_sends_to() -> None:
    listed = [Box(name) for name in ("a", "b", "c", "x", "y", "z")]
    drawing = draw(listed, [Line("a", "z"), Line("b", "y"), Line("c", "x")])
    for source, target in (("a", "z"), ("b", "y"), ("c", "x")):
        assert drawing.boxes[source][1] == drawing.boxes[target][1]


def test_nothing_is_a_small_picture() -> None:
    assert draw([], []).boxes == {}


def test_a_curve_bends_between_columns_and_is_straight_in_them() -> None:
    assert curve([(0, 0), (10, 4), (20, 4), (30, 8)]) == "M0 0C5 0 5 4 10 4L20 4C25 4 25 8 30 8"
