# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release mirror: the manifests and the list of images that clusters need. Controller only. Private."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._core.cluster.bundle import Manifest
from ...module_utils._core.releases import images, manifest
from ...module_utils._core.releases.found import RELEASED
from ...module_utils._core.releases.products import CERT_MANAGER, product
from ...module_utils._core.releases.versions import version
from .. import _files
from . import render, source

# Why a provider without releases cannot be mirrored.
_OTHERS = {
    "eks_addon": "an EKS add-on: EKS pulls its images from its own registry in the region",
    "olm": "the Operator Lifecycle Manager, whose catalog and images its own tools mirror (oc mirror)",
    "existing": "an existing installation of another owner",
}
# Images that only the chart uses. Source: its values startupapicheck.image.
_OF_THE_CHART = {CERT_MANAGER: "quay.io/jetstack/cert-manager-startupapicheck"}


class _Read(NamedTuple):
    """A release: its images and its published manifest."""

    release: images.MirroredRelease
    content: bytes


def mirrored(arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Write the manifests, and return the images. Raises Problem for a release that cannot be read."""
    clusters = arguments["clusters"]
    wanted = [item for cluster in clusters for item in cluster["releases"] if item["provider"]]
    read = [_read(item) for item in wanted if item["provider"] in RELEASED]
    objects: list[Manifest] = [item for cluster in clusters for item in cluster["manifests"]]
    choice = (arguments["scope"], arguments["exclude"], arguments["images"])
    needed = images.needs(objects, [one.release for one in read], *choice)
    files = [_manifest(one, arguments["path"], check) for one in _once(read)]
    return {
        "changed": any(changed for _row, changed in files),
        "images": [one.row(arguments["registry"]) for one in needed],
        "manifests": [row for row, _changed in files],
        "left_out": [f"{product(item['product']).title} is of {_why(item)}" for item in _distinct(wanted)],
        "msg": f"{len(needed)} images, {len(files)} manifests",
    }


def _read(item: Mapping[str, Any]) -> _Read:
    named = product(item["product"])
    target = version(item["version"] or render.table()["tested"][named.name], named.title)
    asked = f"Read the release {target.tag} of {named.title}"
    tried = source.origins(named, target, item["source"], item["mirror"])
    where, content = source.fetch(tried, item["sha256"], asked)
    found = manifest.release(named, source.documents(content, asked, where), where)
    pods = [*images.used(found.objects), *_more(item, target.tag)]
    given = {name: image for name, image in item["images"].items() if image}
    started, _flags = images.operator_images(str(target), "", given, render.table()) if named.starts_pods else ({}, {})
    return _Read(images.MirroredRelease(named.name, target.tag, tuple(pods), started, frozenset(given)), content)


def _more(item: Mapping[str, Any], tag: str) -> Iterator[str]:
    if item["provider"] == "helm" and item["product"] in _OF_THE_CHART:
        yield f"{_OF_THE_CHART[item['product']]}:{tag}"


def _once(read: Sequence[_Read]) -> list[_Read]:
    return list({one.release.folder: one for one in read}.values())


def _distinct(wanted: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return one of each product and provider whose release this collection cannot mirror."""
    return list(
        {(item["product"], item["provider"]): item for item in wanted if item["provider"] not in RELEASED}.values()
    )


def _why(item: Mapping[str, Any]) -> str:
    return _OTHERS.get(str(item["provider"]), str(item["provider"]))


def _manifest(one: _Read, root: str, check: bool) -> tuple[dict[str, Any], bool]:
    """Write a manifest where roles look for it in a mirror."""
    inside = f"{one.release.product}/{one.release.tag}/{product(one.release.product).manifest}"
    row = {"product": one.release.product, "version": one.release.tag, "path": inside}
    row["sha256"] = hashlib.sha256(one.content).hexdigest()
    if not root:
        return row, False
    return row, _files.place(Path(root) / inside, one.content.decode("utf-8"), check)
