# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of versions of one cluster: which run, which the inventory wants, and whether they work together. Private.

Example of a row:

    {"what": "cert-manager", "wanted": "1.21.2, by helm", "running": "1.20.0, by helm cert-manager", "notes": [],
     "state": "differs"}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._install.releases.collector_skew import list_skew_warnings
from .._install.releases.installed import RELEASED_PROVIDERS
from .._install.releases.products import CERT_MANAGER, OPERATOR, find_product
from .._install.releases.supported_kubernetes import VersionTable, list_version_warnings
from .._install.releases.version_numbers import parse_release_version
from .._otelcol.config.paths import mapping_at
from .._otelcol.errors import join_at_most
from .._otelcol.kube.keepers import describe_keeper
from .._otelcol.rules.planned_breaks import PLANNED
from .fleet_cluster import FleetCluster
from .fleet_collector import FleetCollector
from .page_rows import VersionRow, VersionState

PRODUCTS = (CERT_MANAGER, OPERATOR)
# What the page shows for a version that was not read, and where there is none.
NOT_READ_TEXT = "not read"
NOTHING_TEXT = "\N{EN DASH}"
# The image of a collector that does not run, and the wanted one if the operator chooses it.
_NO_IMAGE_TEXT = "none"
_OPERATORS_IMAGE_TEXT = "the operator's default"
# So many owners, or collectors of one, are named.
_MOST_NAMES = 5


def list_version_rows(cluster: FleetCluster, table: VersionTable) -> list[VersionRow]:
    """Return the rows of a cluster: Kubernetes, the products, the images of collectors, and what new versions break.

    `table` has the versions of products that work together.
    """
    kubernetes_row: VersionRow = {
        "what": "Kubernetes",
        "wanted": NOTHING_TEXT,
        "running": cluster.kubernetes_version or NOT_READ_TEXT,
        "notes": [],
        "state": "same",
    }
    product_rows = [_build_product_row(cluster, product_name, table) for product_name in PRODUCTS]
    return [kubernetes_row, *product_rows, *_list_image_rows(cluster), *_list_breaking_versions(cluster)]


def find_running_image(cluster: FleetCluster, collector_id: str) -> str:
    """Return the image that a collector runs, `none` if it does not run, or `not read`."""
    if not cluster.find_result("diagnosis"):
        return NOT_READ_TEXT
    return str(cluster.diagnosis_by_collector.get(collector_id, {}).get("image") or _NO_IMAGE_TEXT)


def _build_product_row(cluster: FleetCluster, product_name: str, table: VersionTable) -> VersionRow:
    """Return the row of a product: the version that the inventory asks for, and the one that runs."""
    wanted = _find_wanted_version(cluster, product_name, table)
    installed = cluster.find_product(product_name)
    judged_version = str(installed.get("version") or wanted.version)
    notes = list(_find_product_notes(cluster, product_name, judged_version, table))
    return {
        "what": find_product(product_name).title,
        "wanted": wanted.text,
        "running": _describe_running_version(installed) if installed else NOT_READ_TEXT,
        "notes": notes,
        "state": _judge_state(installed, wanted.version, has_notes=bool(notes)),
    }


class _WantedVersion(NamedTuple):
    """The version of a product that the inventory asks for."""

    version: str
    """Empty if the inventory does not install the product, or its provider chooses the version."""
    text: str
    """What the page shows, such as `1.21.2, by helm` or `not by this inventory`."""


def _find_wanted_version(cluster: FleetCluster, product_name: str, table: VersionTable) -> _WantedVersion:
    """Return the version that the inventory asks for: that of its variables, or else the tested one."""
    wanted_product = cluster.wanted_products.get(product_name) or {}
    provider = str(wanted_product.get("provider") or "")
    if provider not in RELEASED_PROVIDERS:
        return _WantedVersion("", provider or "not by this inventory")
    version = str(wanted_product.get("version") or table["tested"][product_name])
    return _WantedVersion(version, f"{version}, by {provider}")


def _judge_state(installed_product: Mapping[str, Any], wanted_version: str, *, has_notes: bool) -> VersionState:
    """Return the state of a product that runs beside the wanted version of it.

    Without a wanted version, or if the cluster was not read, nothing can differ.
    """
    if wanted_version and installed_product:
        running_version = str(installed_product.get("version") or "")
        if installed_product.get("installed") and not running_version:
            return "unknown"
        # `v1.20.0` and `1.20.0` are one version, so parsed versions are compared.
        if parse_release_version(running_version) != parse_release_version(wanted_version):
            return "differs"
    return "odd" if has_notes else "same"


def _find_product_notes(cluster: FleetCluster, product_name: str, version: str, table: VersionTable) -> Iterator[str]:
    """Yield what is odd about a version of a product in a cluster."""
    parsed_version = parse_release_version(version)
    if parsed_version is None:
        return
    product = find_product(product_name)
    yield from list_version_warnings(table, product, parsed_version, cluster.kubernetes_version)
    if product.runs_collectors:
        custom_resources = cluster.find_product(product_name).get("resources") or ()
        yield from list_skew_warnings(custom_resources, parsed_version)


def _describe_running_version(installed_product: Mapping[str, Any]) -> str:
    """Return which version of a product runs in a cluster, and who installed it."""
    if not installed_product.get("installed"):
        return "none"
    version = str(installed_product.get("version") or "of unknown version")
    installer = mapping_at(installed_product, "installer")
    installer_in_words = " ".join(str(installer[key]) for key in ("by", "name") if installer.get(key))
    return f"{version}, by {installer_in_words}" if installer_in_words else version


def _list_image_rows(cluster: FleetCluster) -> Iterator[VersionRow]:
    """Yield a row for every image that collectors should run, with the images that these collectors run."""
    ids_by_image: dict[str, list[str]] = {}
    for collector in cluster.collectors:
        image = str(collector.summary.get("image") or _OPERATORS_IMAGE_TEXT)
        ids_by_image.setdefault(image, []).append(collector.id)
    for image, collector_ids in sorted(ids_by_image.items()):
        counts_by_image = Counter(find_running_image(cluster, collector_id) for collector_id in collector_ids)
        collectors_in_words = collector_ids[0] if len(collector_ids) == 1 else str(len(collector_ids))
        yield {
            "what": f"Collector image of {collectors_in_words}",
            "wanted": image,
            "running": _describe_image_counts(counts_by_image),
            "notes": [],
            "state": "differs" if _has_other_image(image, counts_by_image) else "same",
        }


def _describe_image_counts(counts_by_image: Mapping[str, int]) -> str:
    """Return the images that run; among several, each has the number of its collectors."""
    if len(counts_by_image) == 1:
        return next(iter(counts_by_image))
    collector_count = sum(counts_by_image.values())
    return "; ".join(f"{image} ({counts_by_image[image]} of {collector_count})" for image in sorted(counts_by_image))


def _has_other_image(wanted_image: str, running_images: Iterable[str]) -> bool:
    """Return whether collectors run another image than the wanted one. What was not read may be the wanted one.

    If the operator chooses the image, each image that runs is wanted.
    """
    if wanted_image == _OPERATORS_IMAGE_TEXT:
        return _NO_IMAGE_TEXT in running_images
    return not set(running_images) <= {wanted_image, NOT_READ_TEXT}


def _list_breaking_versions(cluster: FleetCluster) -> Iterator[VersionRow]:
    """Yield a row for each planned version of the Collector that breaks collectors of the cluster."""
    for planned in PLANNED:
        broken_ids = cluster.broken_by_version.get(planned.version, ())
        broken_collectors = [collector for collector in cluster.collectors if collector.id in broken_ids]
        if not broken_collectors:
            continue
        yield {
            "what": f"Collectors that {planned.version} breaks",
            "wanted": NOTHING_TEXT,
            "running": f"{len(broken_collectors)} of {len(cluster.collectors)}: {_describe_owners(broken_collectors)}",
            "notes": [f"Collector {planned.version} {planned.consequence}."],
            "state": "odd",
        }


def _describe_owners(collectors: Sequence[FleetCollector]) -> str:
    """Return who owns these collectors, such as `2 of Helm release otel (obs/gateway and obs/agent)`."""
    ids_by_owner: dict[str, list[str]] = {}
    for collector in collectors:
        ids_by_owner.setdefault(describe_keeper(collector.workload), []).append(collector.id)
    owners_in_words = []
    for owner, ids in ids_by_owner.items():
        owners_in_words.append(f"{len(ids)} of {owner} ({join_at_most(_MOST_NAMES, ids)})")
    return join_at_most(_MOST_NAMES, owners_in_words)
