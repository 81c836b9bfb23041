# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody should look at first. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..lint.subject import SEVERITIES
from .state import BAD

ClusterRow = Mapping[str, Any]
Row = tuple[str, str, str]


def attention(clusters: Sequence[ClusterRow]) -> list[dict[str, str]]:
    """Return what is wrong anywhere, errors first."""
    rows = [(cluster, row) for cluster in clusters for source in SOURCES for row in source(cluster)]
    rows.sort(key=lambda item: SEVERITIES.index(item[1][0]))
    return [
        {"severity": severity, "cluster": cluster["name"], "text": text, "anchor": anchor or cluster["anchor"]}
        for cluster, (severity, text, anchor) in rows
    ]


def _unknown(cluster: ClusterRow) -> Iterator[Row]:
    if cluster["problem"]:
        yield "error", f"cannot be rendered: {cluster['problem']}", ""
    yield from (("error", f"cannot read {text}", "") for text in cluster["unread"])


def _collectors(cluster: ClusterRow) -> Iterator[Row]:
    for item in cluster["collectors"]:
        if item["status"] in ("error", "warning"):
            yield item["status"], f"{item['namespace']}/{item['name']}: {item['verdict'][0]}", item["anchor"]


def _findings(cluster: ClusterRow) -> Iterator[Row]:
    for item in cluster["findings"]:
        if item["severity"] == "error":
            yield "error", f"{item['collector']}: {item['message']}", ""


def _certificates(cluster: ClusterRow) -> Iterator[Row]:
    for item in cluster["certificates"]:
        if item["state"] in BAD:
            yield "warning" if item["state"] == "soon" else "error", f"{item['holder']} ends {item['until']}", ""


def _versions(cluster: ClusterRow) -> Iterator[Row]:
    for item in cluster["versions"]:
        yield from (("warning", f"{item['what']}: {note}", "") for note in item["notes"])


SOURCES: tuple[Callable[[ClusterRow], Iterator[Row]], ...] = (
    _unknown,
    _collectors,
    _findings,
    _certificates,
    _versions,
)
