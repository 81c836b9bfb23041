# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many clusters of a fleet, and how many of its collectors, have each version. Private.

A collector that was not read counts with its wanted version, as `0.158.0 wanted`. Example of two clusters, of which one
could not be read:

    [{"what": "Kubernetes", "versions": [{"version": "v1.34.1", "count": 1}, {"version": "not read", "count": 1}]},
     {"what": "Collectors", "versions": [{"version": "0.158.0", "count": 12}, …]}, …]
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from .._install.releases.image_references import read_image_tag
from .._install.releases.products import find_product
from .._install.releases.version_numbers import parse_release_version
from .fleet_cluster import FleetCluster
from .fleet_collector import FleetCollector
from .fleet_host import FleetHost, count_programs
from .fleet_versions import NOT_READ_TEXT, PRODUCTS, find_running_image
from .page_rows import ProductVersions, VersionCount


def count_versions(clusters: Sequence[FleetCluster]) -> list[ProductVersions]:
    """Return how many clusters have each version of a product, and how many collectors run each version.

    A collector that was not read counts with its wanted version.
    """
    counts_by_product: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for cluster in clusters:
        counts_by_product["Kubernetes"][cluster.kubernetes_version or NOT_READ_TEXT] += 1
        for product_name in PRODUCTS:
            title = find_product(product_name).title
            counts_by_product[title][_read_installed_version(cluster.find_product(product_name))] += 1
        for collector in cluster.collectors:
            counts_by_product["Collectors"][find_collector_version(cluster, collector)] += 1
        for version, ids in cluster.broken_by_version.items():
            if ids:
                counts_by_product[f"Collectors that {version} breaks"][f"in {cluster.name}"] += len(ids)
    return [
        {"what": product_title, "versions": _sort_newest_first(counts_by_version)}
        for product_title, counts_by_version in counts_by_product.items()
    ]


def count_host_programs(hosts: Sequence[FleetHost]) -> list[ProductVersions]:
    """Return how many collectors of hosts the inventory wants to run each program; empty without hosts."""
    counts_by_program = count_programs(hosts)
    if not counts_by_program:
        return []
    return [{"what": "Collectors of hosts", "versions": _sort_newest_first(counts_by_program)}]


def find_collector_version(cluster: FleetCluster, collector: FleetCollector) -> str:
    """Return the version that a collector runs, such as `0.158.0`; if it was not read, `0.158.0 wanted`."""
    image = find_running_image(cluster, collector.id)
    if image != NOT_READ_TEXT:
        return read_image_tag(image) or image
    wanted_image = str(collector.summary.get("image") or "the operator's image")
    return f"{read_image_tag(wanted_image) or wanted_image} wanted"


def _read_installed_version(installed_product: Mapping[str, Any]) -> str:
    """Return the version of a product in a cluster, `?` for one without a version."""
    if not installed_product:
        return NOT_READ_TEXT
    if not installed_product.get("installed"):
        return "none"
    return str(installed_product.get("version") or "?")


def _sort_newest_first(counts_by_version: Mapping[str, int]) -> list[VersionCount]:
    """Return the versions with their counts, the newest first. Other texts, such as `not read`, come last."""

    def sort_key(version: str) -> tuple[Any, str]:
        # A text that is no version counts as older than any version.
        return parse_release_version(version) or (0, 0, 0), version

    newest_first = sorted(counts_by_version, key=sort_key, reverse=True)
    return [{"version": version, "count": counts_by_version[version]} for version in newest_first]
