# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of `python -m tools.reading`, which show where a reader has most to hold in mind."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from tools.reading import MeasuredFunction, list_densest, list_report_lines, measure_functions

from .test_complexity import complexities

ROOM = "plugins/module_utils/_change/live/apply.py"


def measured(path: str = ROOM, name: str = "applied_objects", lines: int = 20, ways: int = 5) -> MeasuredFunction:
    return MeasuredFunction(PurePosixPath(path), name, first_line=1, line_count=lines, way_count=ways)


@pytest.mark.parametrize(
    ("path", "room"),
    [
        (ROOM, "_change"),
        ("plugins/module_utils/_host/unit.py", "_host"),
        ("plugins/plugin_utils/_otelcol/_yaml.py", "plugin_utils"),
        ("plugins/action/otel_render.py", "action"),
    ],
)
def test_a_room_is_the_folder_of_a_capability(path: str, room: str) -> None:
    assert measured(path).room == room


@pytest.mark.parametrize(
    ("name", "one_word"),
    [("apply", True), ("_listed", True), ("Changes._undo", True), ("__init__", False), ("lost_ports", False)],
)
def test_names_of_one_word_are_counted(name: str, one_word: bool) -> None:
    assert measured(name=name).has_one_word is one_word


def test_each_room_has_a_line_the_densest_first() -> None:
    functions = [measured(), measured("plugins/action/otel_render.py", "run", 10, 8)]
    _heading, first, second, last = list_report_lines(functions)
    assert [line.split()[:4] for line in (first, second, last)] == [
        ["action", "1", "10", "80.0"],
        ["_change", "1", "20", "25.0"],
        ["all", "2", "30", "43.3"],
    ]


def test_functions_of_a_few_lines_are_no_place_to_begin() -> None:
    long, short = measured(), measured(name="short", lines=3, ways=3)
    assert list_densest([short, long], 2) == [long]


def test_the_ways_are_those_of_the_limit() -> None:
    counted = {f"{row.path}:{row.name}": row.way_count for row in measure_functions(["plugins/modules"])}
    assert counted
    assert counted.items() <= complexities().items()
