# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release mirror: the manifests and the list of images that clusters need. Controller only. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...module_utils._core.cluster.bundle import Manifest
from ...module_utils._core.errors import shown
from ...module_utils._core.releases import images, lock
from ...module_utils._core.releases.found import RELEASED
from ...module_utils._core.releases.products import CERT_MANAGER, product
from ...module_utils._core.releases.versions import version
from .. import _files, _lock
from . import published, source
from .published import Published, table

# Why a provider without releases cannot be mirrored.
_OTHERS = {
    "eks_addon": "an EKS add-on: EKS pulls its images from its own registry in the region",
    "olm": "the Operator Lifecycle Manager, whose catalog and images its own tools mirror (oc mirror)",
    "existing": "an existing installation of another owner",
}
# Images that only the chart uses. Source: its values startupapicheck.image.
_OF_THE_CHART = {CERT_MANAGER: "quay.io/jetstack/cert-manager-startupapicheck"}


def mirrored(arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Write the manifests, and return the images. Raises Problem for a release that cannot be read."""
    clusters = arguments["clusters"]
    wanted = [item for cluster in clusters for item in cluster["releases"] if item["provider"]]
    locks = [_lock.find(_lock.beside(one["lock_file"], None)) if arguments["compare"] else None for one in clusters]
    asked = [(item, found) for one, found in zip(clusters, locks, strict=True) for item in one["releases"]]
    read = [_read(item, found) for item, found in asked if item["provider"] in RELEASED]
    objects: list[Manifest] = [item for cluster in clusters for item in cluster["manifests"]]
    choice = (arguments["scope"], arguments["exclude"], arguments["images"])
    needed = images.needs(objects, [one[0] for one in read], *choice)
    rows = [one.row(arguments["registry"], lock.joined(locks)) for one in needed]
    files = [_manifest(*one[:2], arguments["path"], check) for one in _once(read)]
    return {
        "changed": any(changed for _row, changed in files),
        "images": rows,
        "manifests": [row for row, _changed in files],
        "charts": [dict(row) for row in sorted({tuple(row.items()) for _release, _published, row in read if row})],
        "left_out": [f"{product(item['product']).title} is of {_why(item)}" for item in _distinct(wanted)],
        "msg": f"{len(needed)} images, {len(files)} manifests",
    }


_Read = tuple[images.MirroredRelease, Published, dict[str, str]]


def _read(item: Mapping[str, Any], locked: lock.Lock | None) -> _Read:
    named = product(item["product"])
    chart = source.read_chart(item["chart"]) if item["provider"] == "helm" else None
    asked = source.checked_chart(named, chart, item["version"]) if chart else item["version"]
    target = version(asked or table()["tested"][named.name], named.title)
    row = published.chart_row(named, item["chart"], chart) if item["provider"] == "helm" else {}
    if row and locked:
        published.trusted_chart(row, locked)
    found = published.read(named, target, item, locked)
    pods = [*images.used(found.release.objects), *_more(item, target.tag)]
    given = {name: image for name, image in item["images"].items() if image}
    started, _flags = images.operator_images(str(target), "", given, table()) if named.starts_pods else ({}, {})
    return images.MirroredRelease(named.name, target.tag, tuple(pods), started, frozenset(given)), found, row


def _more(item: Mapping[str, Any], tag: str) -> Iterator[str]:
    if item["provider"] == "helm" and item["product"] in _OF_THE_CHART:
        yield f"{_OF_THE_CHART[item['product']]}:{tag}"


def _once(read: Sequence[_Read]) -> list[_Read]:
    return list({one[0].folder: one for one in read}.values())


def _distinct(wanted: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return one of each product and provider whose release this collection cannot mirror."""
    return list(
        {(item["product"], item["provider"]): item for item in wanted if item["provider"] not in RELEASED}.values()
    )


def _why(item: Mapping[str, Any]) -> str:
    return _OTHERS.get(str(item["provider"]), str(item["provider"]))


def _manifest(one: images.MirroredRelease, read: Published, root: str, check: bool) -> tuple[dict[str, Any], bool]:
    """Write a manifest where roles look for it in a mirror."""
    inside = f"{one.product}/{one.tag}/{product(one.product).manifest}"
    row = {"product": one.product, "version": one.tag, "path": inside, "sha256": read.sum.removeprefix("sha256:")}
    row |= {"name": f"{one.product} {one.tag}", "sum": read.sum, "from": shown(read.where)}
    if not root:
        return row, False
    return row, _files.place(Path(root) / inside, read.content.decode("utf-8"), check)
