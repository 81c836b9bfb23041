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
from ...module_utils._install.releases.installed import RELEASED_PROVIDERS
from ...module_utils._install.releases.products import CERT_MANAGER, Product, find_product
from ...module_utils._install.releases.version_numbers import Version, require_version
from ...module_utils._otelcol.errors import Problem, strip_credentials
from ...module_utils._otelcol.kube.objects import Manifest
from .. import _lock_file
from .._otelcol import _documents, _files, _tables
from . import archives, source

_DATA = Path(__file__).parents[1] / "_data"
_LOCK_HINT = f"to lock it, run `{lock_file.LOCK_COMMAND}`"


class PublishedRelease(NamedTuple):
    """A release with its published manifest, its notes, and whether a checksum was expected."""

    release: manifest.Release
    content: bytes
    where: str
    warnings: list[str]
    trusted: str

    @property
    def sum(self) -> str:
        return compute_checksum(self.content)


@cache
def read_tables() -> Any:
    """Return the tested versions, the Collector version of distributions with their own versions, and privileges."""
    own_builds = (build for build in _tables.catalogue("distributions").values() if "collector_versions" in build)
    builds = {image_name(build["image"]): build["collector_versions"] for build in own_builds}
    own_facts = {"builds": builds, "privileges": _documents.read_yaml(_DATA / "privileges.yml")}
    return {**_documents.read_yaml(_DATA / "compatibility.yml"), **own_facts}


def compute_checksum(content: bytes) -> str:
    """Return the SHA-256 of a content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def release_name(product: Product, target: Version) -> str:
    return f"{product.name} {target.tag}"


def build_chart_row(product: Product, reference: str, chart: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the row of a chart in a lock; a chart that is not on disk has no sum."""
    if chart is None:
        return {
            "name": f"the chart of {product.title}",
            "sum": "",
            "from": strip_credentials(reference) or "its repository",
        }
    return {"name": f"{product.name} {chart['version']}", "sum": chart["sum"], "from": chart["path"]}


def check_chart(row: Mapping[str, str], lock: lock_file.Lock | None) -> str:
    """Return what to say about a chart without a lock. Raises Problem for another chart than the locked one."""
    if lock is None:
        return f"the chart {row['name']} is trusted as read, {row['sum']} from {row['from']}; {_LOCK_HINT}"
    lock.verify(lock_file.CHARTS, row["name"], row["sum"], row["from"])
    return ""


def read_release(
    product: Product, target: Version, options: Mapping[str, Any], lock: lock_file.Lock | None
) -> PublishedRelease:
    """Return a release. Raises Problem for one that is not the requested, the locked, or a harmless one."""
    activity = f"Read the release {target.tag} of {product.title}"
    origins = source.list_origins(product, target, options["source"], options["mirror"])
    name = release_name(product, target)
    expected = options["sha256"] or (lock.expected(lock_file.MANIFESTS, name) if lock else "")
    origin, content = source.fetch(origins, options["sha256"], activity, plain=bool(expected))
    if lock:
        lock.verify(lock_file.MANIFESTS, name, compute_checksum(content), origin)
    release = manifest.read_release(
        product, source.parse_documents(content, activity, origin), strip_credentials(origin)
    )
    if release.version != target:
        fix = f"Ask for {release.version.tag}, or give the manifest of {target.tag}."
        raise Problem(f"it has version {release.version}", asked=activity, where=strip_credentials(origin), fix=fix)
    known_privileges = read_tables()["privileges"][product.name]
    unused_lines = privileges.compare_privileges(
        release, known_privileges, options["allow_privileges"], strip_credentials(origin)
    )
    warnings = [f"allow_privileges has a line that {name} does not need: {line}" for line in unused_lines]
    trust_note = (
        ""
        if expected
        else f"{name} is trusted as read, {compute_checksum(content)} from {strip_credentials(origin)}; {_LOCK_HINT}"
    )
    return PublishedRelease(release, content, origin, warnings, trust_note)


# Why a provider without releases cannot be mirrored.
_UNMIRRORED_PROVIDERS = {
    "eks_addon": "an EKS add-on: EKS pulls its images from its own registry in the region",
    "olm": "the Operator Lifecycle Manager, whose catalog and images its own tools mirror (oc mirror)",
    "existing": "an existing installation of another owner",
}
# Images that only the chart uses. Source: its values startupapicheck.image.
_CHART_IMAGES = {CERT_MANAGER: "quay.io/jetstack/cert-manager-startupapicheck"}


def mirror_releases(arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Write the manifests, and return the images. Raises Problem for a release that cannot be read."""
    clusters = arguments["clusters"]
    locks = [_read_lock(cluster) if arguments["compare"] else None for cluster in clusters]
    read_releases = _read_all_releases(clusters, locks)
    needed_images = _list_needed_images(arguments, read_releases)
    programs, has_copied = archives.collect_archives(arguments.get("programs") or (), arguments["path"], check)
    files = [_write_manifest(release, arguments["path"], check) for release in _drop_equal_releases(read_releases)]
    return {
        "changed": has_copied or any(file.changed for file in files),
        "images": [image.row(arguments["registry"], lock_file.join_locks(locks)) for image in needed_images],
        "manifests": [file.row for file in files],
        "charts": _list_charts(read_releases),
        "programs": programs,
        "left_out": _describe_unmirrored(clusters),
        "msg": f"{len(needed_images)} images, {len(files)} manifests",
    }


def _read_lock(cluster: Mapping[str, Any]) -> lock_file.Lock | None:
    return _lock_file.read_lock_if_given(_lock_file.find_lock_path(cluster["lock_file"], None))


def _list_releases(cluster: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a cluster installs by a provider."""
    return [release for release in cluster["releases"] if release["provider"]]


class _ReadRelease(NamedTuple):
    """A release as it was read, what a mirror needs of it, and the row of its chart, empty without one."""

    needs: mirror_images.MirroredRelease
    published: PublishedRelease
    chart: dict[str, str]


def _read_all_releases(
    clusters: Iterable[Mapping[str, Any]], locks: Iterable[lock_file.Lock | None]
) -> list[_ReadRelease]:
    """Return the releases of all clusters, each compared with the lock of its cluster."""
    read_releases: list[_ReadRelease] = []
    for cluster, lock in zip(clusters, locks, strict=True):
        for release in _list_releases(cluster):
            if release["provider"] in RELEASED_PROVIDERS:
                read_releases.append(_read_for_mirror(release, lock))
    return read_releases


def _read_for_mirror(release_row: Mapping[str, Any], lock: lock_file.Lock | None) -> _ReadRelease:
    """Return a release, of the version that is given or tested. Raises Problem if it cannot be read or trusted."""
    installed_product = find_product(release_row["product"])
    chart = source.read_chart(release_row["chart"]) if release_row["provider"] == "helm" else None
    wanted_version = (
        source.check_chart_version(installed_product, chart, release_row["version"])
        if chart
        else release_row["version"]
    )
    target = require_version(wanted_version or read_tables()["tested"][installed_product.name], installed_product.title)
    chart_lock_row = (
        build_chart_row(installed_product, release_row["chart"], chart) if release_row["provider"] == "helm" else {}
    )
    if chart_lock_row and lock:
        check_chart(chart_lock_row, lock)
    published = read_release(installed_product, target, release_row, lock)
    return _ReadRelease(_find_needs(release_row, installed_product, target, published), published, chart_lock_row)


def _find_needs(
    release_row: Mapping[str, Any], installed_product: Product, target: Version, published: PublishedRelease
) -> mirror_images.MirroredRelease:
    """Return what a mirror needs of a release: the images of its pods, and those that it starts."""
    pod_images = [
        *pinned_images.iter_workload_images(published.release.objects),
        *_iter_chart_images(release_row, target.tag),
    ]
    own_images = {name: image for name, image in release_row["images"].items() if image}
    started_images: Mapping[str, str] = {}
    if installed_product.starts_pods:
        started_images, _flags = pinned_images.choose_operator_images(str(target), "", own_images, read_tables())
    return mirror_images.MirroredRelease(
        installed_product.name, target.tag, tuple(pod_images), started_images, frozenset(own_images)
    )


def _iter_chart_images(release_row: Mapping[str, Any], tag: str) -> Iterator[str]:
    """Yield the images that only the chart of a release uses."""
    if release_row["provider"] == "helm" and release_row["product"] in _CHART_IMAGES:
        yield f"{_CHART_IMAGES[release_row['product']]}:{tag}"


def _list_needed_images(
    arguments: Mapping[str, Any], read_releases: Iterable[_ReadRelease]
) -> list[mirror_images.MirrorImage]:
    """Return the images of all manifests and releases, as the options choose them."""
    objects: list[Manifest] = []
    for cluster in arguments["clusters"]:
        objects += cluster["manifests"]
    release_needs = [release.needs for release in read_releases]
    return mirror_images.list_mirror_images(
        objects, release_needs, arguments["scope"], arguments["exclude"], arguments["images"]
    )


def _drop_equal_releases(read_releases: Sequence[_ReadRelease]) -> list[_ReadRelease]:
    """Return the releases that differ in their folder of a mirror."""
    return list({release.needs.folder: release for release in read_releases}.values())


def _list_charts(read_releases: Iterable[_ReadRelease]) -> list[dict[str, Any]]:
    """Return the row of each chart once, in order."""
    rows = {tuple(release.chart.items()) for release in read_releases if release.chart}
    return [dict(row) for row in sorted(rows)]


def _describe_unmirrored(clusters: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each product and provider whose release this collection cannot mirror."""
    unmirrored: dict[tuple[str, str], None] = {}
    for cluster in clusters:
        for release in _list_releases(cluster):
            if release["provider"] not in RELEASED_PROVIDERS:
                unmirrored[release["product"], str(release["provider"])] = None
    return [
        f"{find_product(name).title} is of {_UNMIRRORED_PROVIDERS.get(provider, provider)}"
        for name, provider in unmirrored
    ]


class _ManifestFile(NamedTuple):
    """The manifest of a release in a mirror, as a row of the result, and whether it was written."""

    row: dict[str, Any]
    changed: bool


def _write_manifest(release: _ReadRelease, root: str, check: bool) -> _ManifestFile:
    """Write a manifest where roles look for it in a mirror."""
    name, tag, published = release.needs.product, release.needs.tag, release.published
    mirror_path = f"{name}/{tag}/{find_product(name).manifest}"
    row = {"product": name, "version": tag, "path": mirror_path, "sha256": published.sum.removeprefix("sha256:")}
    row |= {"name": f"{name} {tag}", "sum": published.sum, "from": strip_credentials(published.where)}
    if not root:
        return _ManifestFile(row, changed=False)
    return _ManifestFile(row, _files.write_or_check(Path(root) / mirror_path, published.content.decode("utf-8"), check))
