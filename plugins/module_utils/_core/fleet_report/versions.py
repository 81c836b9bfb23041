# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions run, which are wanted, and whether they go together. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..releases import compatibility
from ..releases.found import RELEASED
from ..releases.manifest import tag
from ..releases.products import CERT_MANAGER, OPERATOR, product
from ..releases.versions import read
from .cluster import FleetCluster
from .costs import NOTHING

PRODUCTS = (CERT_MANAGER, OPERATOR)
UNREAD = "not read"


def rows(cluster: FleetCluster, table: compatibility.Table) -> list[dict[str, Any]]:
    """Return a row for Kubernetes, each product, and each image of collectors."""
    known = cluster.kubernetes
    first = {"what": "Kubernetes", "wanted": NOTHING, "running": known or UNREAD, "notes": [], "state": "same"}
    return [first, *(_product(cluster, name, table) for name in PRODUCTS), *_images(cluster)]


def _product(cluster: FleetCluster, name: str, table: compatibility.Table) -> dict[str, Any]:
    asked = cluster.products.get(name) or {}
    provider = str(asked.get("provider") or "")
    wanted = str(asked.get("version") or table["tested"][name]) if provider in RELEASED else ""
    found = cluster.installed(name)
    running = str(found.get("version") or "")
    notes = list(_notes(cluster, name, running or wanted, table))
    installer = found.get("installer") or {}
    by = " ".join(str(installer.get(key) or "") for key in ("by", "name")).strip()
    there = f"{running or 'of unknown version'}{f', by {by}' if by else ''}" if found.get("installed") else "none"
    differs = bool(wanted and found and read(running) != read(wanted))
    return {
        "what": product(name).title,
        "wanted": f"{wanted}, by {provider}" if wanted else f"{provider or 'not by this inventory'}",
        "running": there if found else UNREAD,
        "notes": notes,
        "state": "differs" if differs else "odd" if notes else "same",
    }


def _notes(cluster: FleetCluster, name: str, text: str, table: compatibility.Table) -> Iterator[str]:
    parsed = read(text)
    if parsed is None:
        return
    wrong = compatibility.kubernetes(table, product(name), parsed, cluster.kubernetes)
    unknown = compatibility.unknown(table, product(name), parsed)
    yield from (note for note in (wrong, unknown) if note)
    if product(name).runs_collectors:
        yield from compatibility.skew(cluster.installed(name).get("resources") or (), parsed)


def _images(cluster: FleetCluster) -> Iterator[dict[str, Any]]:
    """Yield a row for every image that collectors should have, with what they have."""
    wanted: dict[str, list[str]] = {}
    for member in cluster.members:
        wanted.setdefault(str(member.summary.get("image") or "the operator's default"), []).append(member.id)
    for image, names in sorted(wanted.items()):
        seen = Counter(running(cluster, name) for name in names)
        told = [f"{one} ({count} of {len(names)})" if len(seen) > 1 else one for one, count in sorted(seen.items())]
        yield {
            "what": f"Collector image of {names[0]}" if len(names) == 1 else f"Collector image of {len(names)}",
            "wanted": image,
            "running": "; ".join(told),
            "notes": [],
            "state": "same" if set(seen) <= {image, UNREAD} else "differs",
        }


def running(cluster: FleetCluster, name: str) -> str:
    """Return the image that a collector has in the cluster."""
    if not cluster.read("diagnosis"):
        return UNREAD
    return str(cluster.diagnosed.get(name, {}).get("image") or "none")


def fleet(clusters: Sequence[FleetCluster]) -> list[dict[str, Any]]:
    """Return how often each version is in the fleet, of what was read; else what is wanted."""
    seen: dict[str, Counter[str]] = {}
    for cluster in clusters:
        seen.setdefault("Kubernetes", Counter())[cluster.kubernetes or UNREAD] += 1
        for name in PRODUCTS:
            found = cluster.installed(name)
            there = (str(found.get("version") or "?") if found.get("installed") else "none") if found else UNREAD
            seen.setdefault(product(name).title, Counter())[there] += 1
        for member in cluster.members:
            image = running(cluster, member.id)
            wanted = str(member.summary.get("image") or "")
            seen.setdefault("Collectors", Counter())[_version(image, wanted)] += 1
    return [{"what": what, "versions": _sorted(found.items())} for what, found in seen.items()]


def _version(image: str, wanted: str) -> str:
    return f"{tag(wanted) or wanted} wanted" if image == UNREAD else tag(image) or image


def _sorted(found: Iterable[tuple[str, int]]) -> list[Mapping[str, Any]]:
    """Return the newest version first."""
    listed = sorted(found, key=lambda item: (read(item[0]) or (0, 0, 0), item[0]), reverse=True)
    return [{"version": version, "count": count} for version, count in listed]
