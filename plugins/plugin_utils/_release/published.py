# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A published release, compared with the lock and with other releases; and its mirror. Controller only. Private."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._install.releases import lock_file, manifest, mirror_images, pinned_images, privileges
from ...module_utils._install.releases.image_references import image_name
from ...module_utils._install.releases.installed import RELEASED
from ...module_utils._install.releases.products import CERT_MANAGER, Product, product
from ...module_utils._install.releases.version_numbers import Version, version
from ...module_utils._otelcol.errors import Problem, shown
from ...module_utils._otelcol.kube.objects import Manifest
from .. import _lock_file
from .._otelcol import _documents, _files, _tables
from . import archives, source

_DATA = Path(__file__).parents[1] / "_data"
_LOCK = f"to lock it, run `{lock_file.LOCK_IT}`"


class Published(NamedTuple):
    """A release with its published manifest, its notes, and whether a checksum was expected."""

    release: manifest.Release
    content: bytes
    where: str
    warnings: list[str]
    trusted: str

    @property
    def sum(self) -> str:
        return checksum(self.content)


@cache
def table() -> Any:
    """Return the tested versions, the Collector version of distributions with their own versions, and privileges."""
    own = (build for build in _tables.catalogue("distributions").values() if "collector_versions" in build)
    builds = {image_name(build["image"]): build["collector_versions"] for build in own}
    known = {"builds": builds, "privileges": _documents.read_yaml(_DATA / "privileges.yml")}
    return {**_documents.read_yaml(_DATA / "compatibility.yml"), **known}


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def named(product: Product, target: Version) -> str:
    return f"{product.name} {target.tag}"


def chart_row(product: Product, reference: str, found: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the row of a chart in a lock; a chart that is not on disk has no sum."""
    if found is None:
        return {"name": f"the chart of {product.title}", "sum": "", "from": shown(reference) or "its repository"}
    return {"name": f"{product.name} {found['version']}", "sum": found["sum"], "from": found["path"]}


def trusted_chart(row: Mapping[str, str], locked: lock_file.Lock | None) -> str:
    """Return what to say about a chart without a lock. Raises Problem for another chart than the locked one."""
    if locked is None:
        return f"the chart {row['name']} is trusted as read, {row['sum']} from {row['from']}; {_LOCK}"
    locked.verify(lock_file.CHARTS, row["name"], row["sum"], row["from"])
    return ""


def read(product: Product, target: Version, options: Mapping[str, Any], locked: lock_file.Lock | None) -> Published:
    """Return a release. Raises Problem for one that is not the requested, the locked, or a harmless one."""
    asked = f"Read the release {target.tag} of {product.title}"
    tried = source.origins(product, target, options["source"], options["mirror"])
    name = named(product, target)
    expected = options["sha256"] or (locked.expected(lock_file.MANIFESTS, name) if locked else "")
    where, content = source.fetch(tried, options["sha256"], asked, plain=bool(expected))
    if locked:
        locked.verify(lock_file.MANIFESTS, name, checksum(content), where)
    found = manifest.release(product, source.documents(content, asked, where), shown(where))
    if found.version != target:
        fix = f"Ask for {found.version.tag}, or give the manifest of {target.tag}."
        raise Problem(f"it has version {found.version}", asked=asked, where=shown(where), fix=fix)
    known = table()["privileges"][product.name]
    unused = privileges.compare(found, known, options["allow_privileges"], shown(where))
    warnings = [f"allow_privileges has a line that {name} does not need: {line}" for line in unused]
    trusted = "" if expected else f"{name} is trusted as read, {checksum(content)} from {shown(where)}; {_LOCK}"
    return Published(found, content, where, warnings, trusted)


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
    locks = [_lock_of(cluster) if arguments["compare"] else None for cluster in clusters]
    read = _read_all(clusters, locks)
    needed = _needed_images(arguments, read)
    programs, copied = archives.collected(arguments.get("programs") or (), arguments["path"], check)
    files = [_manifest(release, arguments["path"], check) for release in _once(read)]
    return {
        "changed": copied or any(file.changed for file in files),
        "images": [image.row(arguments["registry"], lock_file.joined(locks)) for image in needed],
        "manifests": [file.row for file in files],
        "charts": _charts(read),
        "programs": programs,
        "left_out": _left_out(clusters),
        "msg": f"{len(needed)} images, {len(files)} manifests",
    }


def _lock_of(cluster: Mapping[str, Any]) -> lock_file.Lock | None:
    return _lock_file.read_if_given(_lock_file.path_of_lock(cluster["lock_file"], None))


def _releases(cluster: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a cluster installs by a provider."""
    return [release for release in cluster["releases"] if release["provider"]]


class _Read(NamedTuple):
    """A release as it was read, what a mirror needs of it, and the row of its chart, empty without one."""

    needs: mirror_images.MirroredRelease
    published: Published
    chart: dict[str, str]


def _read_all(clusters: Iterable[Mapping[str, Any]], locks: Iterable[lock_file.Lock | None]) -> list[_Read]:
    """Return the releases of all clusters, each compared with the lock of its cluster."""
    read_releases: list[_Read] = []
    for cluster, lock in zip(clusters, locks, strict=True):
        for release in _releases(cluster):
            if release["provider"] in RELEASED:
                read_releases.append(_read(release, lock))
    return read_releases


def _read(item: Mapping[str, Any], locked: lock_file.Lock | None) -> _Read:
    """Return a release, of the version that is given or tested. Raises Problem if it cannot be read or trusted."""
    installed = product(item["product"])
    chart = source.read_chart(item["chart"]) if item["provider"] == "helm" else None
    asked = source.checked_chart(installed, chart, item["version"]) if chart else item["version"]
    target = version(asked or table()["tested"][installed.name], installed.title)
    row = chart_row(installed, item["chart"], chart) if item["provider"] == "helm" else {}
    if row and locked:
        trusted_chart(row, locked)
    published = read(installed, target, item, locked)
    return _Read(_needs(item, installed, target, published), published, row)


def _needs(
    item: Mapping[str, Any], installed: Product, target: Version, published: Published
) -> mirror_images.MirroredRelease:
    """Return what a mirror needs of a release: the images of its pods, and those that it starts."""
    pods = [*pinned_images.images_of_workloads(published.release.objects), *_more(item, target.tag)]
    given = {name: image for name, image in item["images"].items() if image}
    started: Mapping[str, str] = {}
    if installed.starts_pods:
        started, _flags = pinned_images.operator_images(str(target), "", given, table())
    return mirror_images.MirroredRelease(installed.name, target.tag, tuple(pods), started, frozenset(given))


def _more(item: Mapping[str, Any], tag: str) -> Iterator[str]:
    """Yield the images that only the chart of a release uses."""
    if item["provider"] == "helm" and item["product"] in _OF_THE_CHART:
        yield f"{_OF_THE_CHART[item['product']]}:{tag}"


def _needed_images(arguments: Mapping[str, Any], read: Iterable[_Read]) -> list[mirror_images.MirrorImage]:
    """Return the images of all manifests and releases, as the options choose them."""
    objects: list[Manifest] = []
    for cluster in arguments["clusters"]:
        objects += cluster["manifests"]
    releases = [release.needs for release in read]
    return mirror_images.mirror_images(objects, releases, arguments["scope"], arguments["exclude"], arguments["images"])


def _once(read: Sequence[_Read]) -> list[_Read]:
    """Return the releases that differ in their folder of a mirror."""
    return list({release.needs.folder: release for release in read}.values())


def _charts(read: Iterable[_Read]) -> list[dict[str, Any]]:
    """Return the row of each chart once, in order."""
    rows = {tuple(release.chart.items()) for release in read if release.chart}
    return [dict(row) for row in sorted(rows)]


def _left_out(clusters: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each product and provider whose release this collection cannot mirror."""
    pairs: dict[tuple[str, str], None] = {}
    for cluster in clusters:
        for release in _releases(cluster):
            if release["provider"] not in RELEASED:
                pairs[release["product"], str(release["provider"])] = None
    return [f"{product(name).title} is of {_OTHERS.get(provider, provider)}" for name, provider in pairs]


class _File(NamedTuple):
    """The manifest of a release in a mirror, as a row of the result, and whether it was written."""

    row: dict[str, Any]
    changed: bool


def _manifest(release: _Read, root: str, check: bool) -> _File:
    """Write a manifest where roles look for it in a mirror."""
    name, tag, published = release.needs.product, release.needs.tag, release.published
    inside = f"{name}/{tag}/{product(name).manifest}"
    row = {"product": name, "version": tag, "path": inside, "sha256": published.sum.removeprefix("sha256:")}
    row |= {"name": f"{name} {tag}", "sum": published.sum, "from": shown(published.where)}
    if not root:
        return _File(row, changed=False)
    return _File(row, _files.place(Path(root) / inside, published.content.decode("utf-8"), check))
