# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether versions go together: the table of the collection against the cluster and what runs in it. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .manifest import image_name, tag
from .products import CERT_MANAGER, Product
from .versions import Version, read

Table = Mapping[str, Any]
Builds = Mapping[str, Mapping[str, str]]


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


def skew(collectors: Iterable[Mapping[str, Any]], operator: Version, builds: Builds | None = None) -> Iterator[str]:
    """Yield what will not follow the operator's version: it should be of the same minor version.

    `builds` has, by the name of an image whose versions are its own, the Collector that each of them is made of.
    """
    for item in collectors:
        if item["kind"] != "OpenTelemetryCollector":
            continue
        pinned = _collector(item["image"], builds or {})
        name = f"OpenTelemetryCollector {item['namespace']}/{item['name']}"
        if pinned and pinned[:2] != operator[:2]:
            made = f"the operator is made for {operator.line}{_matching(item['image'], operator, builds or {})}"
            yield f"{name} has an image of its own of version {pinned}; {made}"
        elif not item["image"] and not item["automatic"] and item["version"]:
            running = read(item["version"])
            if running and running[:2] != operator[:2]:
                yield f"{name} stays at version {running}, since it is not upgraded automatically"


def _collector(image: str, builds: Builds) -> Version | None:
    """Return the version of the Collector in an image, or nothing where that is not known."""
    own = builds.get(image_name(image))
    return read(tag(image) if own is None else own.get(tag(image), ""))


def _matching(image: str, operator: Version, builds: Builds) -> str:
    """Return which versions of a build are of the operator's minor version, where its versions are its own."""
    own = builds.get(image_name(image), {})
    fitting = [name for name, inside in own.items() if (read(inside) or operator)[:2] == operator[:2]]
    return f", which {fitting[-1]} of this build is of" if fitting else ""
