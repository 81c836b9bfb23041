# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror of what clusters install: manifests as they are published, images, charts and archives of programs.

The module release_mirror is the one user. Controller only. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._install.releases import lock_file, mirror_images, pinned_images
from ...module_utils._install.releases.installed import RELEASED_PROVIDERS
from ...module_utils._install.releases.products import CERT_MANAGER, Product, find_product
from ...module_utils._install.releases.version_numbers import Version, require_version
from ...module_utils._otelcol.errors import strip_credentials
from ...module_utils._otelcol.kube.objects import Manifest
from .. import _lock_file
from .._otelcol import _files
from . import archives, source
from .published import ChartRow, PublishedRelease, build_chart_row, check_chart, read_release, read_tables

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
    programs = archives.collect_archives(arguments.get("programs") or (), arguments["path"], check)
    files = [_write_manifest(release, arguments["path"], check) for release in _drop_equal_releases(read_releases)]
    return {
        "changed": programs.changed or any(file.is_changed for file in files),
        "images": [image.build_row(arguments["registry"], lock_file.join_locks(locks)) for image in needed_images],
        "manifests": [file.result_row for file in files],
        "charts": _list_charts(read_releases),
        "programs": programs.rows,
        "left_out": _describe_unmirrored(clusters),
        "msg": f"{len(needed_images)} images, {len(files)} manifests",
    }


def _read_lock(cluster: Mapping[str, Any]) -> lock_file.Lock | None:
    return _lock_file.read_lock_if_given(_lock_file.find_lock_path(cluster["lock_file"], None))


def _list_releases(cluster: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a cluster installs by a provider."""
    return [release for release in cluster["releases"] if release["provider"]]


class _ReadRelease(NamedTuple):
    """A release as it was read, what a mirror needs of it, and the row of its chart; None without a chart."""

    mirror_needs: mirror_images.MirroredRelease
    published_release: PublishedRelease
    chart_row: ChartRow | None


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
    is_chart = release_row["provider"] == "helm"
    chart = source.read_chart(release_row["chart"]) if is_chart else None
    wanted_version = release_row["version"]
    if chart:
        wanted_version = source.check_chart_version(installed_product, chart, wanted_version)
    target = require_version(wanted_version or read_tables()["tested"][installed_product.name], installed_product.title)
    chart_row = build_chart_row(installed_product, release_row["chart"], chart) if is_chart else None
    if chart_row and lock:
        check_chart(chart_row, lock)
    published = read_release(installed_product, target, release_row, lock)
    return _ReadRelease(_find_needs(release_row, installed_product, target, published), published, chart_row)


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
    release_needs = [release.mirror_needs for release in read_releases]
    return mirror_images.list_mirror_images(
        objects, release_needs, arguments["scope"], arguments["exclude"], arguments["images"]
    )


def _drop_equal_releases(read_releases: Sequence[_ReadRelease]) -> list[_ReadRelease]:
    """Return the releases that differ in their folder of a mirror."""
    return list({release.mirror_needs.archive_folder: release for release in read_releases}.values())


def _list_charts(read_releases: Iterable[_ReadRelease]) -> list[dict[str, str]]:
    """Return the row of each chart once, in order."""
    rows = {release.chart_row for release in read_releases if release.chart_row}
    return [row.as_dict() for row in sorted(rows)]


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

    result_row: dict[str, Any]
    is_changed: bool


def _write_manifest(release: _ReadRelease, root: str, check: bool) -> _ManifestFile:
    """Write a manifest where roles look for it in a mirror."""
    name, tag, published = release.mirror_needs.product, release.mirror_needs.tag, release.published_release
    mirror_path = f"{name}/{tag}/{find_product(name).manifest}"
    row = {
        "product": name,
        "version": tag,
        "path": mirror_path,
        "sha256": published.checksum.removeprefix("sha256:"),
        "name": f"{name} {tag}",
        "sum": published.checksum,
        "from": strip_credentials(published.origin),
    }
    if not root:
        return _ManifestFile(row, is_changed=False)
    return _ManifestFile(
        row, _files.write_or_check(Path(root) / mirror_path, published.manifest_bytes.decode("utf-8"), check)
    )
