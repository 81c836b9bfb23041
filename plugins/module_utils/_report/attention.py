# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs attention, out of the rows of clusters and hosts that the page has. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.rules.subject import SEVERITIES
from .certificate_rows import BAD

PlaceRow = Mapping[str, Any]
"""The row of a cluster or of a host."""


class AttentionRow(NamedTuple):
    """What needs attention; `anchor` is the place on the page, empty for the cluster or host itself."""

    severity: str
    text: str
    anchor: str = ""


def attention(places: Sequence[PlaceRow]) -> list[dict[str, str]]:
    """Return what needs attention in all clusters and hosts, errors first. Key `cluster` has the name of a host too."""
    rows = []
    for place in places:
        for source in SOURCES:
            for severity, text, anchor in source(place):
                row = {"severity": severity, "cluster": place["name"], "text": text}
                rows.append({**row, "anchor": anchor or place["anchor"]})
    return sorted(rows, key=lambda row: SEVERITIES.index(row["severity"]))


def _unknown(place: PlaceRow) -> Iterator[AttentionRow]:
    """Yield why a place could not be rendered or read."""
    if place["problem"]:
        yield AttentionRow("error", f"cannot be rendered: {place['problem']}")
    for text in place["unread"]:
        yield AttentionRow("error", f"cannot read {text}")


def _collectors(place: PlaceRow) -> Iterator[AttentionRow]:
    """Yield what is wrong with collectors that run, changes that are not complete, and who is not in the inventory."""
    for collector in place["collectors"]:
        collector_id = f"{collector['namespace']}/{collector['name']}"
        first_line = collector["verdict"][0] if collector["verdict"] else ""
        if collector["verdict"] and collector["status"] != "healthy":
            severity = "error" if collector["status"] == "error" else "warning"
            yield AttentionRow(severity, f"{collector_id}: {first_line}", collector["anchor"])
        if collector["change"] and collector["change"] not in first_line:
            yield AttentionRow("warning", f"{collector_id}: {collector['change']}", collector["anchor"])
    for name in place["unlisted"]:
        yield AttentionRow("warning", f"{name} runs and is not in the inventory")


def _findings(place: PlaceRow) -> Iterator[AttentionRow]:
    """Yield what rules refuse; their warnings stand further down on the page."""
    for finding in place["findings"]:
        if finding["severity"] == "error":
            yield AttentionRow("error", f"{finding['collector']}: {finding['message']}")


def _certificates(place: PlaceRow) -> Iterator[AttentionRow]:
    """Yield the certificates that keep connections from being made, or will."""
    for certificate in place["certificates"]:
        if certificate["state"] in BAD:
            severity = "warning" if certificate["state"] == "soon" else "error"
            yield AttentionRow(severity, f"{certificate['holder']} {_date_that_counts(certificate)}")


def _date_that_counts(certificate: Mapping[str, Any]) -> str:
    """Return when a certificate begins, if that is what is wrong with it; else when it ends."""
    if certificate["state"] == "not_yet_valid":
        return f"is valid only from {certificate['begins']}"
    return f"ends {certificate['until']}"


def _versions(place: PlaceRow) -> Iterator[AttentionRow]:
    """Yield the notes on versions of products, such as two that do not work together."""
    for row in place["versions"]:
        for note in row["notes"]:
            yield AttentionRow("warning", f"{row['what']}: {note}")


SOURCES: tuple[Callable[[PlaceRow], Iterator[AttentionRow]], ...] = (
    _unknown,
    _collectors,
    _findings,
    _certificates,
    _versions,
)
