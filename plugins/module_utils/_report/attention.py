# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list at the top of the page: what needs attention in all clusters and hosts, errors first.

`page_model.py` calls `list_attention_rows` with the rows that the page shows further down. Example: `eu-west: Secret
otel/gateway-tls (tls.crt) ends 2026-05-01`. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from .._otelcol.rules.findings import SEVERITIES
from .certificate_rows import BAD_STATES
from .page_rows import AttentionRow, CertificateRow, ClusterOrHostRow, CollectorRow


class _Concern(NamedTuple):
    """What needs attention in a cluster or host."""

    severity: str
    text: str
    anchor: str = ""
    """The id of the row on the page that it leads to; empty for that of the cluster or host itself."""


def list_attention_rows(rows: Sequence[ClusterOrHostRow]) -> list[AttentionRow]:
    """Return what needs attention in all clusters and hosts, errors first."""
    attention_rows: list[AttentionRow] = []
    for row in rows:
        for find_concerns in _CONCERN_SOURCES:
            for concern in find_concerns(row):
                attention_rows.append(
                    {
                        "severity": concern.severity,
                        "cluster": row["name"],
                        "text": concern.text,
                        "anchor": concern.anchor or row["anchor"],
                    }
                )
    # `sorted` is stable: rows of one severity stay in the order of clusters, hosts and _CONCERN_SOURCES.
    return sorted(attention_rows, key=lambda attention_row: SEVERITIES.index(attention_row["severity"]))


def _find_unread_parts(row: ClusterOrHostRow) -> Iterator[_Concern]:
    """Yield why a cluster or host could not be rendered or read."""
    if row["problem"]:
        yield _Concern("error", f"cannot be rendered: {row['problem']}")
    for unread_part in row["unread"]:
        yield _Concern("error", f"cannot read {unread_part}")


def _find_ailing_collectors(row: ClusterOrHostRow) -> Iterator[_Concern]:
    """Yield the concerns about each collector of the inventory, then the collectors that it does not list."""
    for collector in row["collectors"]:
        yield from _find_collector_concerns(collector)
    for collector_name in row["unlisted"]:
        yield _Concern("warning", f"{collector_name} runs and is not in the inventory")


def _find_collector_concerns(collector: CollectorRow) -> Iterator[_Concern]:
    """Yield the first line of the verdict on an ailing collector, and a change that no run has ended."""
    collector_id = f"{collector['namespace']}/{collector['name']}"
    first_line = collector["verdict"][0] if collector["verdict"] else ""
    if collector["verdict"] and collector["status"] != "healthy":
        severity = "error" if collector["status"] == "error" else "warning"
        yield _Concern(severity, f"{collector_id}: {first_line}", collector["anchor"])
    # The verdict may begin with the change itself, which then is a concern already.
    if collector["change"] and collector["change"] not in first_line:
        yield _Concern("warning", f"{collector_id}: {collector['change']}", collector["anchor"])


def _find_rule_errors(row: ClusterOrHostRow) -> Iterator[_Concern]:
    """Yield the errors of rules. Their warnings stand further down on the page."""
    for finding in row["findings"]:
        if finding["severity"] == "error":
            yield _Concern("error", f"{finding['collector']}: {finding['message']}")


def _find_bad_certificates(row: ClusterOrHostRow) -> Iterator[_Concern]:
    """Yield the certificates with which no connection is made, now or soon."""
    for certificate in row["certificates"]:
        if certificate["state"] in BAD_STATES:
            severity = "warning" if certificate["state"] == "soon" else "error"
            yield _Concern(severity, f"{certificate['holder']} {_describe_wrong_date(certificate)}")


def _describe_wrong_date(certificate: CertificateRow) -> str:
    """Return when a certificate begins, if it is not valid yet; else when it ends."""
    if certificate["state"] == "not_yet_valid":
        return f"is valid only from {certificate['begins']}"
    return f"ends {certificate['until']}"


def _find_version_notes(row: ClusterOrHostRow) -> Iterator[_Concern]:
    """Yield the notes on versions of products, such as two that do not work together."""
    for version_row in row["versions"]:
        for note in version_row["notes"]:
            yield _Concern("warning", f"{version_row['what']}: {note}")


# The page shows concerns of the same severity of a cluster or host in this order: what could not be read comes first,
# since nothing is known of it.
_CONCERN_SOURCES: tuple[Callable[[ClusterOrHostRow], Iterator[_Concern]], ...] = (
    _find_unread_parts,
    _find_ailing_collectors,
    _find_rule_errors,
    _find_bad_certificates,
    _find_version_notes,
)
