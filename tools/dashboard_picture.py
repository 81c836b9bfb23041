# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the panels of a dashboard as an SVG, with what a Prometheus answers to their queries.

python -m tools.dashboard_picture DASHBOARD.json http://localhost:9090 docs/images/dashboard.svg
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

MINUTES, STEP, RATE = 10, 5, "30s"
# Pixels of a column of the dashboard's grid, a row of it, and the edges of a graph.
UNIT, LINE, LEFT, TOP, BOTTOM = 40, 26, 46, 28, 44
# Of so many series the legend stands below the graph; the others have it as a tooltip.
SHOWN = 2
COLORS = ("#425cc7", "#f5a800", "#2e8540", "#b31b1b", "#7a4fb5", "#00838f", "#8d6e63", "#616161")
SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
Series = list[tuple[str, list[tuple[float, float]]]]


def main(arguments: Sequence[str]) -> None:
    source, prometheus, target = arguments
    board = json.loads(Path(source).read_text(encoding="utf-8"))
    end = time.time()
    parts = [part for panel in board["panels"] for part in _panel(panel, prometheus, end)]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    size = f'viewBox="0 0 {24 * UNIT} {rows * LINE}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif" font-size="11">'
    title = f"<title>{escape(board['title'])}</title>"
    Path(target).write_text("\n".join((head, title, *parts, "</svg>", "")), encoding="utf-8")


def _panel(panel: Mapping[str, Any], prometheus: str, end: float) -> Iterator[str]:
    place = panel["gridPos"]
    x, y, width, height = place["x"] * UNIT, place["y"] * LINE, place["w"] * UNIT, place["h"] * LINE
    if panel["type"] == "row":
        yield f'<text x="{x + 8}" y="{y + 18}" font-size="14" font-weight="bold">{escape(panel["title"])}</text>'
        return
    yield f'<rect x="{x + 4}" y="{y + 4}" width="{width - 8}" height="{height - 8}" fill="#fff" stroke="#ccc"/>'
    yield f'<text x="{x + 12}" y="{y + 20}" font-weight="bold">{escape(panel["title"])}</text>'
    found = _asked(panel["targets"][0], prometheus, end)
    percent = panel["fieldConfig"]["defaults"]["unit"] == "percentunit"
    yield from _graph(found, percent, (x + LEFT, y + TOP, width - LEFT - 16, height - TOP - BOTTOM), end)


def _asked(target: Mapping[str, Any], prometheus: str, end: float) -> Series:
    """Return the legend and the points of each series that answers a query."""
    query = target["expr"].replace("$__rate_interval", RATE)
    parameters = {"query": query, "start": end - MINUTES * 60, "end": end, "step": STEP}
    with urlopen(f"{prometheus}/api/v1/query_range?{urlencode(parameters)}", timeout=30) as answer:
        found = json.load(answer)["data"]["result"]
    return [(_legend(target["legendFormat"], one["metric"]), _points(one["values"])) for one in found]


def _legend(form: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{([\w.]+)\}\}", lambda match: labels.get(match[1], ""), form)


def _points(values: Sequence[tuple[float, str]]) -> list[tuple[float, float]]:
    return [(at, float(value)) for at, value in values if value != "NaN"]


def _graph(found: Series, percent: bool, box: tuple[int, int, int, int], end: float) -> Iterator[str]:
    x, y, width, height = box
    most = max((value for _name, points in found for _at, value in points), default=0) or 1
    for share in (0, 0.5, 1):
        level = y + height * (1 - share)
        label = f"{100 * most * share:.2g}%" if percent else _short(most * share)
        yield f'<path d="M{x} {level:.0f}h{width}" stroke="#eee"/>'
        yield f'<text x="{x - 6}" y="{level + 4:.0f}" text-anchor="end" fill="#555">{label}</text>'
    for (name, points), color in zip(found, cycle(COLORS), strict=False):
        places = [
            f"{x + width * (1 - (end - at) / (MINUTES * 60)):.0f},{y + height * (1 - value / most):.0f}"
            for at, value in points
        ]
        line = f'<polyline points="{" ".join(places)}" fill="none" stroke="{color}" stroke-width="1.5">'
        yield f"{line}<title>{escape(name)}</title></polyline>"
    for row, ((name, _points), color) in enumerate(list(zip(found, cycle(COLORS), strict=False))[:SHOWN]):
        place = f'x="{x - 34}" y="{y + height + 14 + 11 * row}"'
        yield f'<text {place} font-size="9" fill="{color}">{escape(name)}</text>'


def _short(value: float) -> str:
    divisor, unit = next((scale for scale in SCALES if value >= scale[0]), (1, ""))
    return f"{value / divisor:.3g}{unit}"


if __name__ == "__main__":
    main(sys.argv[1:])
