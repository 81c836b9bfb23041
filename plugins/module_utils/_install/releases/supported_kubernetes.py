# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a version of cert-manager or of the operator support the Kubernetes of a cluster? Private.

The table compatibility.yml of this collection says which versions of Kubernetes each version supports. The decisions on
releases and add-ons refuse or warn by the answer; playbook `report` shows it. For example, cert-manager 1.21.0 in
a cluster of v1.32.9:

    cert-manager 1.21.0 is for Kubernetes 1.33 to 1.36, and this cluster is 1.32
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypedDict

from .products import CERT_MANAGER, Product
from .version_numbers import Version, parse_release_version, require_version

# The first version of the operator to take collectors as v1beta1. Source: its changelog.
FIRST_V1BETA1 = Version(0, 99, 0)

# The content of compatibility.yml, such as
#   cert_manager: {"1.21": {kubernetes: ["1.33", "1.36"]}}
#   operator: {"0.158.0": {kubernetes: ["1.25", "1.36"], chart: "0.122.0", collector: 0.158.0, java: 2.30.0}}
# newest first. The row of cert-manager is for a minor version. `kubernetes` has the first and the last minor version.
# It has more parts, which other files read, so the rows that this file reads have the type VersionRow.
VersionTable = Mapping[str, Any]


class VersionRow(TypedDict):
    """The row of a version in the table. That of an operator has more keys, which other files read."""

    kubernetes: list[str]
    """The first and the last minor version of Kubernetes, such as `["1.33", "1.36"]`."""


class Incompatibility(NamedTuple):
    """A version of a product does not support the Kubernetes of a cluster."""

    text: str
    """Such as `cert-manager 1.21.0 is for Kubernetes 1.33 to 1.36, and this cluster is 1.32`."""
    is_cluster_newer: bool
    """Whether the cluster is newer than all that the version supports. The version may work there all the same: both
    projects list a new Kubernetes months after its release."""


def find_incompatibility(
    table: VersionTable, product: Product, version: Version, cluster: str
) -> Incompatibility | None:
    """Return why a version does not support the cluster's Kubernetes; None if it does, or if that is not known.

    `cluster` is the version of the API server, such as v1.34.4.
    """
    version_row = _find_row(table, product, version)
    cluster_version = parse_release_version(cluster)
    if version_row is None or cluster_version is None:
        return None
    first_text, last_text = version_row["kubernetes"]
    # Versions of Kubernetes are compared without their patch: the table has minor versions alone.
    cluster_line = cluster_version[:2]
    is_cluster_older = cluster_line < require_version(first_text, "Kubernetes")[:2]
    is_cluster_newer = cluster_line > require_version(last_text, "Kubernetes")[:2]
    if not is_cluster_older and not is_cluster_newer:
        return None
    text = (
        f"{product.title} {version} is for Kubernetes {first_text} to {last_text}, and this cluster is"
        f" {cluster_version.minor_line}"
    )
    if is_cluster_newer:
        text += ", which is newer"
    return Incompatibility(text, is_cluster_newer)


def warn_if_not_in_table(table: VersionTable, product: Product, version: Version) -> str:
    """Return a warning for a version that the table does not have; an empty text if the table has it."""
    if _find_row(table, product, version):
        return ""
    return f"{product.title} {version} is not in the table of this collection, so nothing is known of what it goes with"


def list_version_warnings(table: VersionTable, product: Product, version: Version, cluster: str) -> Iterator[str]:
    """Yield warnings about a version that runs: it does not support the cluster, or the table does not have it."""
    incompatibility = find_incompatibility(table, product, version, cluster)
    if incompatibility:
        yield incompatibility.text
    unknown_warning = warn_if_not_in_table(table, product, version)
    if unknown_warning:
        yield unknown_warning


def list_supporting_versions(table: VersionTable, product: Product, cluster: str) -> list[str]:
    """Return the versions of a product that support the cluster's Kubernetes, newest first, such as 1.20 and 1.19."""
    supporting_names = []
    for name in _rows_of(table, product):
        version = parse_release_version(name)
        if version and not find_incompatibility(table, product, version, cluster):
            supporting_names.append(name)
    return supporting_names


def _rows_of(table: VersionTable, product: Product) -> Mapping[str, VersionRow]:
    """Return the rows of a product, by minor version for cert-manager and by version for the operator."""
    rows: Mapping[str, VersionRow] = table["cert_manager" if product.name == CERT_MANAGER else "operator"]
    return rows


def _find_row(table: VersionTable, product: Product, version: Version) -> VersionRow | None:
    """Return the row of a version in the table; None if the table has none.

    The table has a row for each minor version of cert-manager, and for each version of the operator. If it lacks
    a version of the operator, the newest version of the same minor version counts.
    """
    rows = _rows_of(table, product)
    if product.name == CERT_MANAGER:
        return rows.get(version.minor_line)
    if str(version) in rows:
        return rows[str(version)]
    # The rows are newest first, so the first one that fits is the newest.
    for name, row in rows.items():
        if name.startswith(f"{version.minor_line}."):
            return row
    return None
