# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions run, which are wanted, and whether they go together. Private."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._install.releases import versions
from .._install.releases.image_references import tag
from .._install.releases.installed import RELEASED
from .._install.releases.products import CERT_MANAGER, OPERATOR, product
from .._install.releases.version_numbers import read
from .._otelcol.config.paths import section
from .._otelcol.errors import at_most
from .._otelcol.kube.keepers import keeper
from .._otelcol.rules.batching import PLANNED
from .fleet_cluster import FleetCluster, FleetMember
from .fleet_host import FleetHost, programs

PRODUCTS = (CERT_MANAGER, OPERATOR)
UNREAD, NOTHING = "not read", "\N{EN DASH}"
_MOST_NAMES = 5


def version_rows(cluster: FleetCluster, table: versions.Table) -> list[dict[str, Any]]:
    """Return a row for Kubernetes, each product, each image of collectors, and what planned versions break."""
    running_version = cluster.kubernetes or UNREAD
    rows = [{"what": "Kubernetes", "wanted": NOTHING, "running": running_version, "notes": [], "state": "same"}]
    for name in PRODUCTS:
        rows.append(_product_row(cluster, name, table))
    return [*rows, *_image_rows(cluster), *_breaking_versions(cluster)]


def _product_row(cluster: FleetCluster, name: str, table: versions.Table) -> dict[str, Any]:
    """Return the row of a product: the version that the inventory asks for, and the one that runs."""
    asked = cluster.products.get(name) or {}
    provider = str(asked.get("provider") or "")
    wanted = ""
    wanted_text = provider or "not by this inventory"
    if provider in RELEASED:
        wanted = str(asked.get("version") or table["tested"][name])
        wanted_text = f"{wanted}, by {provider}"
    installed = cluster.installed(name)
    running_version = str(installed.get("version") or "")
    notes = list(_product_notes(cluster, name, running_version or wanted, table))
    state = "odd" if notes else "same"
    if wanted and installed and read(running_version) != read(wanted):
        state = "differs"
    return {
        "what": product(name).title,
        "wanted": wanted_text,
        "running": _running_text(installed) if installed else UNREAD,
        "notes": notes,
        "state": state,
    }


def _running_text(found: Mapping[str, Any]) -> str:
    """Return which version of a product runs in a cluster, and who installed it."""
    if not found.get("installed"):
        return "none"
    version = str(found.get("version") or "of unknown version")
    installer = section(found, "installer")
    who = " ".join(str(installer[key]) for key in ("by", "name") if installer.get(key))
    return f"{version}, by {who}" if who else version


def _product_notes(cluster: FleetCluster, name: str, text: str, table: versions.Table) -> Iterator[str]:
    """Yield what is odd about a version of a product in a cluster."""
    parsed = read(text)
    if parsed is None:
        return
    incompatible = versions.why_incompatible(table, product(name), parsed, cluster.kubernetes)
    if incompatible:
        yield incompatible
    unknown = versions.warning_if_not_in_table(table, product(name), parsed)
    if unknown:
        yield unknown
    if product(name).runs_collectors:
        yield from versions.skew_warnings(cluster.installed(name).get("resources") or (), parsed)


def _image_rows(cluster: FleetCluster) -> Iterator[dict[str, Any]]:
    """Yield a row for every image that collectors should have, with what they have."""
    ids_by_image: dict[str, list[str]] = {}
    for member in cluster.members:
        image = str(member.summary.get("image") or "the operator's default")
        ids_by_image.setdefault(image, []).append(member.id)
    for image, ids in sorted(ids_by_image.items()):
        counts = Counter(running(cluster, collector_id) for collector_id in ids)
        whose = ids[0] if len(ids) == 1 else len(ids)
        yield {
            "what": f"Collector image of {whose}",
            "wanted": image,
            "running": _counted_images(counts),
            "notes": [],
            "state": "same" if set(counts) <= {image, UNREAD} else "differs",
        }


def _counted_images(counts: Mapping[str, int]) -> str:
    """Return the images that run; among several, each has the number of its collectors."""
    if len(counts) == 1:
        return next(iter(counts))
    total = sum(counts.values())
    return "; ".join(f"{image} ({counts[image]} of {total})" for image in sorted(counts))


def _breaking_versions(cluster: FleetCluster) -> Iterator[dict[str, Any]]:
    """Yield a row for the collectors that a planned version of the Collector breaks, by owner."""
    for version, what, _breaks in PLANNED:
        owners: dict[str, list[str]] = {}
        broken_ids = cluster.broken.get(version, ())
        broken_members = [member for member in cluster.members if member.id in broken_ids]
        for member in broken_members:
            owners.setdefault(keeper(member.workload), []).append(member.id)
        if owners:
            by = [f"{len(ids)} of {owner} ({at_most(_MOST_NAMES, ids)})" for owner, ids in owners.items()]
            yield {
                "what": f"Collectors that {version} breaks",
                "wanted": NOTHING,
                "running": f"{len(broken_members)} of {len(cluster.members)}: {at_most(_MOST_NAMES, by)}",
                "notes": [f"Collector {version} {what}."],
                "state": "odd",
            }


def running(cluster: FleetCluster, name: str) -> str:
    """Return the image that a collector runs, `none` if it does not run, or that this was not read."""
    if not cluster.read("diagnosis"):
        return UNREAD
    return str(cluster.diagnosed.get(name, {}).get("image") or "none")


def version_counts(clusters: Sequence[FleetCluster]) -> list[dict[str, Any]]:
    """Return the count of each read version in the fleet, or else of each wanted one."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for cluster in clusters:
        counts["Kubernetes"][cluster.kubernetes or UNREAD] += 1
        for name in PRODUCTS:
            counts[product(name).title][_installed_version(cluster.installed(name))] += 1
        for member in cluster.members:
            counts["Collectors"][version_of(cluster, member)] += 1
        for version, ids in cluster.broken.items():
            if ids:
                counts[f"Collectors that {version} breaks"][f"in {cluster.name}"] += len(ids)
    return [{"what": what, "versions": _newest_first(seen.items())} for what, seen in counts.items()]


def _installed_version(found: Mapping[str, Any]) -> str:
    """Return the version of a product in a cluster, `?` for one without a version."""
    if not found:
        return UNREAD
    if not found.get("installed"):
        return "none"
    return str(found.get("version") or "?")


def host_version_counts(hosts: Sequence[FleetHost]) -> list[dict[str, Any]]:
    """Return the count of each program that collectors of hosts have, as the inventory says; nothing without hosts."""
    found = programs(hosts)
    return [{"what": "Collectors of hosts", "versions": _newest_first(found.items())}] if found else []


def version_of(cluster: FleetCluster, member: FleetMember) -> str:
    """Return the version of a collector that runs, or else the wanted one, which says so."""
    image = running(cluster, member.id)
    if image != UNREAD:
        return tag(image) or image
    wanted = str(member.summary.get("image") or "the operator's image")
    return f"{tag(wanted) or wanted} wanted"


def _newest_first(found: Iterable[tuple[str, int]]) -> list[Mapping[str, Any]]:
    """Return the newest version first."""

    def age(version_count: tuple[str, int]) -> tuple[Any, str]:
        version, _count = version_count
        return read(version) or (0, 0, 0), version

    newest_first = sorted(found, key=age, reverse=True)
    return [{"version": version, "count": count} for version, count in newest_first]
