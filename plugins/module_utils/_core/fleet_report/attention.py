# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody should look at first. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..lint.finding import SEVERITIES
from .state import BAD

Place = Mapping[str, Any]
Row = tuple[str, str, str]


def attention(places: Sequence[Place]) -> list[dict[str, str]]:
    """Return what is wrong anywhere, errors first."""
    rows = [(place, row) for place in places for source in SOURCES for row in source(place)]
    rows.sort(key=lambda item: SEVERITIES.index(item[1][0]))
    return [
        {"severity": severity, "cluster": place["name"], "text": text, "anchor": anchor or place["anchor"]}
        for place, (severity, text, anchor) in rows
    ]


def _unknown(place: Place) -> Iterator[Row]:
    if place["problem"]:
        yield "error", f"cannot be rendered: {place['problem']}", ""
    yield from (("error", f"cannot read {text}", "") for text in place["unread"])


def _collectors(place: Place) -> Iterator[Row]:
    for item in place["collectors"]:
        if item["status"] in ("error", "warning"):
            yield item["status"], f"{item['namespace']}/{item['name']}: {item['verdict'][0]}", item["anchor"]


def _findings(place: Place) -> Iterator[Row]:
    for item in place["findings"]:
        if item["severity"] == "error":
            yield "error", f"{item['collector']}: {item['message']}", ""


def _certificates(place: Place) -> Iterator[Row]:
    for item in place["certificates"]:
        if item["state"] in BAD:
            yield "warning" if item["state"] == "soon" else "error", f"{item['holder']} ends {item['until']}", ""


def _versions(place: Place) -> Iterator[Row]:
    for item in place["versions"]:
        yield from (("warning", f"{item['what']}: {note}", "") for note in item["notes"])


SOURCES: tuple[Callable[[Place], Iterator[Row]], ...] = (_unknown, _collectors, _findings, _certificates, _versions)
