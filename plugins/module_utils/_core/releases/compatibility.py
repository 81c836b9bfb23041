# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether versions go together: the table of the collection against the cluster and what runs in it. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .manifest import tag
from .products import CERT_MANAGER, Product
from .versions import Version, read

Table = Mapping[str, Any]


def row(table: Table, product: Product, wanted: Version) -> Mapping[str, Any] | None:
    """Return what is known of a version: cert-manager by its minor version, the operator by version."""
    if product.name == CERT_MANAGER:
        found: Mapping[str, Any] | None = table["cert_manager"].get(wanted.line)
        return found
    operators: Mapping[str, Mapping[str, Any]] = table["operator"]
    same = (entry for name, entry in operators.items() if name.startswith(f"{wanted.line}."))
    return operators.get(str(wanted)) or next(same, None)


def kubernetes(table: Table, product: Product, wanted: Version, cluster: str) -> str:
    """Return why a version does not go with the cluster's Kubernetes, or nothing."""
    known, running = row(table, product, wanted), read(cluster)
    if known is None or running is None:
        return ""
    first, last = (read(text) for text in known["kubernetes"])
    if first and last and first[:2] <= running[:2] <= last[:2]:
        return ""
    span = f"{known['kubernetes'][0]} to {known['kubernetes'][1]}"
    return f"{product.title} {wanted} is for Kubernetes {span}, and this cluster is {running.line}"


def fitting(table: Table, product: Product, cluster: str) -> list[str]:
    """Return the versions that go with the cluster's Kubernetes, newest first."""
    lines = table["cert_manager"] if product.name == CERT_MANAGER else table["operator"]
    known = [(line, read(line)) for line in lines]
    return [line for line, parsed in known if parsed and not kubernetes(table, product, parsed, cluster)]


def unknown(table: Table, product: Product, wanted: Version) -> str:
    """Return what to say of a version that the table does not have, or nothing."""
    if row(table, product, wanted):
        return ""
    return f"{product.title} {wanted} is not in the table of this collection, so nothing is known of what it goes with"


def skew(collectors: Iterable[Mapping[str, Any]], operator: Version) -> Iterator[str]:
    """Yield what will not follow the operator's version: it should be of the same minor version."""
    for item in collectors:
        if item["kind"] != "OpenTelemetryCollector":
            continue
        pinned = read(tag(item["image"])) if item["image"] else None
        name = f"OpenTelemetryCollector {item['namespace']}/{item['name']}"
        if pinned and pinned[:2] != operator[:2]:
            yield f"{name} has an image of its own of version {pinned}; the operator is made for {operator.line}"
        elif not item["image"] and not item["automatic"] and item["version"]:
            running = read(item["version"])
            if running and running[:2] != operator[:2]:
                yield f"{name} stays at version {running}, since it is not upgraded automatically"
