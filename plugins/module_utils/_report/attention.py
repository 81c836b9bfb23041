# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs attention, out of the rows of clusters and hosts that the page has. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.rules.subject import SEVERITIES
from .certificate_rows import BAD_STATES

PlaceRow = Mapping[str, Any]
"""The row of a cluster or of a host."""


class AttentionRow(NamedTuple):
    """What needs attention; `anchor` is the place on the page, empty for the cluster or host itself."""

    severity: str
    text: str
    anchor: str = ""


def list_attention_rows(place_rows: Sequence[PlaceRow]) -> list[dict[str, str]]:
    """Return what needs attention in all clusters and hosts, errors first. Key `cluster` has the name of a host too."""
    rows = []
    for place_row in place_rows:
        for find_rows in ATTENTION_SOURCES:
            for severity, text, anchor in find_rows(place_row):
                row = {"severity": severity, "cluster": place_row["name"], "text": text}
                rows.append({**row, "anchor": anchor or place_row["anchor"]})
    return sorted(rows, key=lambda row: SEVERITIES.index(row["severity"]))


def _find_unread_places(place_row: PlaceRow) -> Iterator[AttentionRow]:
    """Yield why a place could not be rendered or read."""
    if place_row["problem"]:
        yield AttentionRow("error", f"cannot be rendered: {place_row['problem']}")
    for unread_part in place_row["unread"]:
        yield AttentionRow("error", f"cannot read {unread_part}")


def _find_unhealthy_collectors(place_row: PlaceRow) -> Iterator[AttentionRow]:
    """Yield what is wrong with collectors that run, changes that are not complete, and who is not in the inventory."""
    for collector in place_row["collectors"]:
        collector_id = f"{collector['namespace']}/{collector['name']}"
        first_line = collector["verdict"][0] if collector["verdict"] else ""
        if collector["verdict"] and collector["status"] != "healthy":
            severity = "error" if collector["status"] == "error" else "warning"
            yield AttentionRow(severity, f"{collector_id}: {first_line}", collector["anchor"])
        if collector["change"] and collector["change"] not in first_line:
            yield AttentionRow("warning", f"{collector_id}: {collector['change']}", collector["anchor"])
    for collector_name in place_row["unlisted"]:
        yield AttentionRow("warning", f"{collector_name} runs and is not in the inventory")


def _find_rule_errors(place_row: PlaceRow) -> Iterator[AttentionRow]:
    """Yield what rules refuse; their warnings stand further down on the page."""
    for finding in place_row["findings"]:
        if finding["severity"] == "error":
            yield AttentionRow("error", f"{finding['collector']}: {finding['message']}")


def _find_bad_certificates(place_row: PlaceRow) -> Iterator[AttentionRow]:
    """Yield the certificates that keep connections from being made, or will."""
    for certificate in place_row["certificates"]:
        if certificate["state"] in BAD_STATES:
            severity = "warning" if certificate["state"] == "soon" else "error"
            yield AttentionRow(severity, f"{certificate['holder']} {_describe_wrong_date(certificate)}")


def _describe_wrong_date(certificate: Mapping[str, Any]) -> str:
    """Return when a certificate begins, if that is what is wrong with it; else when it ends."""
    if certificate["state"] == "not_yet_valid":
        return f"is valid only from {certificate['begins']}"
    return f"ends {certificate['until']}"


def _find_version_notes(place_row: PlaceRow) -> Iterator[AttentionRow]:
    """Yield the notes on versions of products, such as two that do not work together."""
    for version_row in place_row["versions"]:
        for note in version_row["notes"]:
            yield AttentionRow("warning", f"{version_row['what']}: {note}")


ATTENTION_SOURCES: tuple[Callable[[PlaceRow], Iterator[AttentionRow]], ...] = (
    _find_unread_places,
    _find_unhealthy_collectors,
    _find_rule_errors,
    _find_bad_certificates,
    _find_version_notes,
)
