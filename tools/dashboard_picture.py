# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a dashboard of Grafana as an SVG picture for the documentation, without Grafana.

    python -m tools.dashboard_picture DASHBOARD.json http://localhost:9090 docs/images/dashboard.svg

The curves are what the Prometheus at that address answers to the first query of each panel. A maintainer runs it beside
a collector with some load.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import urlopen

# ── What the graphs show ──

MINUTES = 10  # until now
STEP_SECONDS = 5  # between two points of a curve
# The duration in PromQL that stands in a query for Grafana's variable `$__rate_interval`.
RATE_INTERVAL = "30s"
MAX_LEGENDS = 2  # series whose legend stands below a graph; the others have it as a tooltip
# From which value on a value is written with a unit, and the unit.
SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
# The shares of the height of a graph at which it has a grid line.
GRID_SHARES = (0, 0.5, 1)
# The colors of series in their order; after the last one comes the first one again.
COLORS = ("#425cc7", "#f5a800", "#2e8540", "#b31b1b", "#7a4fb5", "#00838f", "#8d6e63", "#616161")

# ── Sizes and distances, in pixels ──

COLUMNS = 24  # of Grafana's grid
COLUMN_WIDTH, ROW_HEIGHT = 40, 26  # of Grafana's grid
# The room around a graph in its panel: at its left for the values, above for the title, below for the legend.
LEFT_MARGIN, RIGHT_MARGIN, TOP_MARGIN, BOTTOM_MARGIN = 46, 16, 28, 44
# The gap between the edge of a panel and its frame.
PANEL_GAP = 4
# Where the title of a panel begins, and the heading of a row of panels, from its upper left corner.
TITLE_X, TITLE_Y = 12, 20
HEADING_X, HEADING_Y = 8, 18
# A value of the grid ends so far left of the graph. Its baseline is so far below the grid line, which centres it.
VALUE_GAP, VALUE_DROP = 6, 4
# The legend begins so far left of the graph. Its first baseline is so far below the graph, the next so far below that.
LEGEND_INDENT, LEGEND_TOP, LEGEND_LINE = 34, 14, 11
# The sizes of the letters of most texts, of headings, and of the legend.
LETTER_SIZE, HEADING_LETTER_SIZE, LEGEND_LETTER_SIZE = 11, 14, 9


class Point(NamedTuple):
    """The value of a series at a time."""

    time: float
    """In seconds since 1970."""
    value: float


class Series(NamedTuple):
    """A series in the answer to a query."""

    legend: str
    points: list[Point]


class Box(NamedTuple):
    """A rectangle of the picture, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Panel:
    """A panel of a dashboard, or the heading of a row of panels."""

    title: str
    box: Box
    """With the gap around it."""
    is_heading: bool
    query: str = ""
    """In PromQL. A heading has none."""
    legend_format: str = ""
    """The legend of each series, with `{{label}}` for the value of a label."""
    is_percent: bool = False
    """Whether the values are shares, from 0 to 1, that are shown in percent."""

    @classmethod
    def from_model(cls, model: Mapping[str, Any]) -> Panel:
        """Read a panel in the JSON model of a dashboard."""
        position = model["gridPos"]
        box = Box(
            x=position["x"] * COLUMN_WIDTH,
            y=position["y"] * ROW_HEIGHT,
            width=position["w"] * COLUMN_WIDTH,
            height=position["h"] * ROW_HEIGHT,
        )
        if model["type"] == "row":
            return cls(model["title"], box, is_heading=True)
        first_target = model["targets"][0]
        return cls(
            model["title"],
            box,
            is_heading=False,
            query=first_target["expr"].replace("$__rate_interval", RATE_INTERVAL),
            legend_format=first_target["legendFormat"],
            is_percent=model["fieldConfig"]["defaults"]["unit"] == "percentunit",
        )

    @property
    def graph_box(self) -> Box:
        """Where its graph is."""
        return Box(
            x=self.box.x + LEFT_MARGIN,
            y=self.box.y + TOP_MARGIN,
            width=self.box.width - LEFT_MARGIN - RIGHT_MARGIN,
            height=self.box.height - TOP_MARGIN - BOTTOM_MARGIN,
        )


class Axes(NamedTuple):
    """The times and values that a graph shows, and where it shows them."""

    box: Box
    end_time: float
    """The time at the right edge, in seconds since 1970; the left edge is MINUTES before it."""
    highest_value: float
    """The value at the upper edge; that at the lower edge is 0."""

    def horizontal_position(self, time: float) -> float:
        """Return where the graph has a time, which is in seconds since 1970."""
        return self.box.x + self.box.width * (1 - (self.end_time - time) / (MINUTES * 60))

    def vertical_position(self, value: float) -> float:
        """Return where the graph has a value. The picture counts from above."""
        return self.box.y + self.box.height * (1 - value / self.highest_value)


def main(arguments: Sequence[str]) -> None:
    """Write the picture. The arguments are the dashboard's file, the URL of the Prometheus, and the picture's file.

    Raises URLError if the Prometheus does not answer, or refuses a query.
    """
    dashboard_file, prometheus_url, picture_file = arguments
    dashboard = json.loads(Path(dashboard_file).read_text(encoding="utf-8"))
    panels = [Panel.from_model(model) for model in dashboard["panels"]]
    Path(picture_file).write_text(draw_picture(dashboard["title"], panels, prometheus_url), encoding="utf-8")


def draw_picture(title: str, panels: Sequence[Panel], prometheus_url: str) -> str:
    """Return the SVG of panels, with what the Prometheus answers now. Raises URLError."""
    end_time = time.time()
    elements: list[str] = []
    for panel in panels:
        elements += _draw_panel(panel, prometheus_url, end_time)
    picture_height = max(panel.box.y + panel.box.height for panel in panels)
    size_attribute = f'viewBox="0 0 {COLUMNS * COLUMN_WIDTH} {picture_height}"'
    font_attributes = f'font-family="sans-serif" font-size="{LETTER_SIZE}"'
    opening_tag = f'<svg xmlns="http://www.w3.org/2000/svg" {size_attribute} role="img" {font_attributes}>'
    return "\n".join((opening_tag, f"<title>{escape(title)}</title>", *elements, "</svg>", ""))


def _draw_panel(panel: Panel, prometheus_url: str, end_time: float) -> Iterator[str]:
    """Yield the elements of a panel. `end_time` is in seconds since 1970."""
    box, title = panel.box, escape(panel.title)
    if panel.is_heading:
        letter_attributes = f'font-size="{HEADING_LETTER_SIZE}" font-weight="bold"'
        yield f'<text x="{box.x + HEADING_X}" y="{box.y + HEADING_Y}" {letter_attributes}>{title}</text>'
        return
    size_attributes = f'width="{box.width - 2 * PANEL_GAP}" height="{box.height - 2 * PANEL_GAP}"'
    yield f'<rect x="{box.x + PANEL_GAP}" y="{box.y + PANEL_GAP}" {size_attributes} fill="#fff" stroke="#ccc"/>'
    yield f'<text x="{box.x + TITLE_X}" y="{box.y + TITLE_Y}" font-weight="bold">{title}</text>'
    panel_series = _query_series(panel, prometheus_url, end_time)
    yield from _draw_graph(panel_series, panel, end_time)


def _query_series(panel: Panel, prometheus_url: str, end_time: float) -> list[Series]:
    """Return the series that answer the query of a panel, until a time in seconds since 1970. Raises URLError.

    Source: "Range queries" of Prometheus' documentation of its HTTP API.
    """
    start_time = end_time - MINUTES * 60
    parameters = {"query": panel.query, "start": start_time, "end": end_time, "step": STEP_SECONDS}
    with urlopen(f"{prometheus_url}/api/v1/query_range?{urlencode(parameters)}", timeout=30) as answer:
        results = json.load(answer)["data"]["result"]
    return [
        Series(_format_legend(panel.legend_format, result["metric"]), _parse_points(result["values"]))
        for result in results
    ]


def _format_legend(legend_format: str, labels: Mapping[str, str]) -> str:
    """Return a legend with the labels of a series in place of `{{label}}`; one that the series lacks is left out."""
    return re.sub(r"\{\{([\w.]+)\}\}", lambda match: labels.get(match[1], ""), legend_format)


def _parse_points(values: Sequence[tuple[float, str]]) -> list[Point]:
    """Return the points of a series, given as pairs of time and value; the value is a text, and `NaN` is left out."""
    return [Point(time_of_value, float(value)) for time_of_value, value in values if value != "NaN"]


def _draw_graph(graph_series: Sequence[Series], panel: Panel, end_time: float) -> Iterator[str]:
    """Yield the grid, the curves and the legend of a graph, which is as high as the highest value."""
    all_values = [point.value for series in graph_series for point in series.points]
    highest_value = max(all_values, default=0) or 1  # a graph without values above 0 has a height too
    axes = Axes(panel.graph_box, end_time, highest_value)
    yield from _draw_grid_lines(axes, panel.is_percent)
    for series_number, series in enumerate(graph_series):
        yield _draw_curve(series, _choose_color(series_number), axes)
    yield from _draw_legend(graph_series[:MAX_LEGENDS], axes.box)


def _draw_grid_lines(axes: Axes, is_percent: bool) -> Iterator[str]:
    """Yield the lines of a graph's grid, each followed by its value."""
    x, width = axes.box.x, axes.box.width
    for share in GRID_SHARES:
        value = axes.highest_value * share
        y = axes.vertical_position(value)
        label = f"{100 * value:.2g}%" if is_percent else _shorten_value(value)
        yield f'<path d="M{x} {y:.0f}h{width}" stroke="#eee"/>'
        yield f'<text x="{x - VALUE_GAP}" y="{y + VALUE_DROP:.0f}" text-anchor="end" fill="#555">{label}</text>'


def _draw_curve(series: Series, color: str, axes: Axes) -> str:
    """Return the curve of a series, with its legend as a tooltip."""
    point_texts = " ".join(
        f"{axes.horizontal_position(point.time):.0f},{axes.vertical_position(point.value):.0f}"
        for point in series.points
    )
    opening_tag = f'<polyline points="{point_texts}" fill="none" stroke="{color}" stroke-width="1.5">'
    return f"{opening_tag}<title>{escape(series.legend)}</title></polyline>"


def _draw_legend(shown_series: Sequence[Series], box: Box) -> Iterator[str]:
    """Yield the legends of the first series, one below the other, below a graph."""
    x = box.x - LEGEND_INDENT
    for series_number, series in enumerate(shown_series):
        y = box.y + box.height + LEGEND_TOP + LEGEND_LINE * series_number
        letter_attributes = f'font-size="{LEGEND_LETTER_SIZE}" fill="{_choose_color(series_number)}"'
        yield f'<text x="{x}" y="{y}" {letter_attributes}>{escape(series.legend)}</text>'


def _choose_color(series_number: int) -> str:
    """Return the color of a series by its number, from 0 on."""
    return COLORS[series_number % len(COLORS)]


def _shorten_value(value: float) -> str:
    """Return a value with three digits and its unit, such as `1.25k`."""
    for divisor, unit in SCALES:
        if value >= divisor:
            return f"{value / divisor:.3g}{unit}"
    return f"{value:.3g}"


if __name__ == "__main__":
    main(sys.argv[1:])
