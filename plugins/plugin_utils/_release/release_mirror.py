# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module release_mirror: what a mirror needs so that clusters and hosts install without internet access.

Playbook mirror runs where the internet is. The action of the module calls `mirror_releases`. It writes the published
manifests and the archives of programs into the folder of the mirror, such as cert-manager/v1.18.0/cert-manager.yaml.
It returns which images and charts belong into the mirror too; the playbook copies these by other programs, such as
skopeo. Controller only. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NotRequired, TypedDict

from ...module_utils._install.releases import lock_file, manifest, mirror_images, pinned_images
from ...module_utils._install.releases.image_references import is_image_reference
from ...module_utils._install.releases.installed import HELM, RELEASED_PROVIDERS
from ...module_utils._install.releases.products import CERT_MANAGER, Product, find_product
from ...module_utils._install.releases.version_numbers import Version, require_whole_version
from ...module_utils._otelcol.errors import Problem, clean_text, strip_credentials
from ...module_utils._otelcol.kube.objects import Manifest
from .. import _lock_file
from .._otelcol import _files
from . import archives
from .chart_on_disk import check_chart_version, read_chart
from .chart_rows import ChartRow, build_chart_row, verify_chart
from .published import PublishedRelease, read_release
from .release_arguments import ManifestOptions
from .release_tables import read_tables

# What installs a product without a release that could be mirrored, by provider: the end of a sentence.
_UNMIRRORED_PROVIDERS = {
    "eks_addon": "an EKS add-on: EKS pulls its images from its own registry in the region",
    "olm": "the Operator Lifecycle Manager, whose catalog and images its own tools mirror (oc mirror)",
    "existing": "an existing installation of another owner",
}
# Images that only the chart uses. Source: its values startupapicheck.image.
_CHART_IMAGES = {CERT_MANAGER: "quay.io/jetstack/cert-manager-startupapicheck"}


class ReleaseRow(ManifestOptions):
    """A product of a cluster. `provider` is empty if the cluster does not install it."""

    product: str
    provider: str
    version: str
    chart: str
    images: Mapping[str, str]


class MirroredCluster(TypedDict):
    """A cluster: the lock of its inventory, its objects with the images as published, and its products."""

    lock_file: str
    manifests: Sequence[Manifest]
    releases: Sequence[ReleaseRow]


class MirrorArguments(TypedDict):
    """The options of module release_mirror, which its documentation explains."""

    clusters: Sequence[MirroredCluster]
    programs: NotRequired[Sequence[Mapping[str, Any]]]
    path: str
    registry: str
    scope: str
    compare: bool
    exclude: Sequence[str]
    images: Sequence[str]


def mirror_releases(arguments: MirrorArguments, check: bool) -> dict[str, Any]:
    """Write manifests and archives into the mirror, and return what the mirror needs. Check mode writes nothing.

    Raises Problem for

    - an object of a cluster in which no image can be found, and an item of option `images` that is no image
    - a release that cannot be read, and one whose manifest differs from the lock
    - two clusters that have different manifests of one release
    - two images that would have one place in the registry
    """
    clusters = arguments["clusters"]
    for cluster in clusters:
        _check_objects(cluster["manifests"])
    _check_added_images(arguments["images"])
    locks = [_read_lock(cluster) if arguments["compare"] else None for cluster in clusters]
    releases = _read_all_releases(clusters, locks)
    image_rows = _list_image_rows(arguments, releases, locks)
    single_releases = _drop_equal_releases(releases)
    programs = archives.collect_archives(arguments.get("programs") or (), arguments["path"], check)
    manifest_files = [_write_manifest(release, arguments["path"], check) for release in single_releases]
    return {
        "changed": programs.changed or any(file.is_changed for file in manifest_files),
        "images": image_rows,
        "manifests": [file.result_row for file in manifest_files],
        "charts": _list_charts(releases),
        "programs": programs.rows,
        "left_out": _describe_unmirrored(clusters),
        "msg": f"{len(image_rows)} images, {len(manifest_files)} manifests",
    }


def _check_objects(objects: Iterable[Any]) -> None:
    """Raise Problem for an object of a cluster in which no image can be found."""
    for position, document in enumerate(objects, start=1):
        if not manifest.is_object(document):
            wrong = f"manifest {position} of a cluster is no object with a name"
            fix = "Give it `apiVersion`, `kind` and `metadata.name`, and a mapping as its `spec` if it has one."
            raise Problem(wrong, asked="List the images", fix=fix)
        odd_container = manifest.describe_odd_container(document)
        if odd_container:
            fix = "Correct the container in the manifest of the inventory."
            raise Problem(odd_container, asked="List the images", fix=fix)


def _check_added_images(images: Iterable[str]) -> None:
    """Raise Problem for a text of option `images` that names no image."""
    for position, image in enumerate(images, start=1):
        if not is_image_reference(image):
            wrong = f"item {position} of otel_mirror_images, '{clean_text(image)}', is no image"
            fix = "Write it as REGISTRY/NAME:TAG or REGISTRY/NAME@DIGEST, with a NAME of lower-case letters."
            raise Problem(wrong, asked="List the images", fix=fix)


def _read_lock(cluster: MirroredCluster) -> lock_file.Lock | None:
    """Return the lock of a cluster; None if it has none."""
    return _lock_file.read_lock_if_given(_lock_file.find_lock_path(cluster["lock_file"], None))


def _list_installed_rows(cluster: MirroredCluster) -> list[ReleaseRow]:
    """Return the products that a cluster installs."""
    return [release for release in cluster["releases"] if release["provider"]]


class _ReadRelease(NamedTuple):
    """A release that was read. `mirror_needs` has its images; `chart_row` is None if Helm does not install it."""

    mirror_needs: mirror_images.MirroredRelease
    published_release: PublishedRelease
    chart_row: ChartRow | None


def _read_all_releases(
    clusters: Iterable[MirroredCluster], locks: Iterable[lock_file.Lock | None]
) -> list[_ReadRelease]:
    """Return the releases of all clusters, each compared with the lock of its cluster."""
    releases: list[_ReadRelease] = []
    for cluster, lock in zip(clusters, locks, strict=True):
        for release_row in _list_installed_rows(cluster):
            if release_row["provider"] in RELEASED_PROVIDERS:
                releases.append(_read_for_mirror(release_row, lock))
    return releases


def _read_for_mirror(release_row: ReleaseRow, lock: lock_file.Lock | None) -> _ReadRelease:
    """Return a release, of the version that is given or tested. Raises Problem if it cannot be read or trusted."""
    product = find_product(release_row["product"])
    wanted_version = release_row["version"]
    chart_row: ChartRow | None = None
    if release_row["provider"] == HELM:
        chart = read_chart(release_row["chart"])
        if chart:
            wanted_version = check_chart_version(product, chart, wanted_version)
        chart_row = build_chart_row(product, release_row["chart"], chart)
    target = require_whole_version(wanted_version or read_tables()["tested"][product.name], product.title)
    if chart_row and lock:
        verify_chart(chart_row, lock)
    published = read_release(product, target, release_row, lock)
    return _ReadRelease(_find_needs(release_row, product, target, published), published, chart_row)


def _find_needs(
    release_row: ReleaseRow, product: Product, target: Version, published: PublishedRelease
) -> mirror_images.MirroredRelease:
    """Return the images of a release: those of its pods, and those of pods that it starts itself."""
    pod_images = [
        *pinned_images.iter_workload_images(published.release.objects),
        *_iter_chart_images(release_row, target.tag),
    ]
    chosen_images = {name: image for name, image in release_row["images"].items() if image}
    started_images: Mapping[str, str] = {}
    if product.starts_pods:
        operator_images = pinned_images.choose_operator_images(str(target), "", chosen_images, read_tables())
        started_images = operator_images.started_images
    return mirror_images.MirroredRelease(
        product=product.name,
        tag=target.tag,
        pod_images=tuple(pod_images),
        started_images=started_images,
        chosen_names=frozenset(chosen_images),
    )


def _iter_chart_images(release_row: ReleaseRow, tag: str) -> Iterator[str]:
    """Yield the images that only the chart of a release uses."""
    if release_row["provider"] == HELM and release_row["product"] in _CHART_IMAGES:
        yield f"{_CHART_IMAGES[release_row['product']]}:{tag}"


def _list_image_rows(
    arguments: MirrorArguments, releases: Iterable[_ReadRelease], locks: Sequence[lock_file.Lock | None]
) -> list[dict[str, Any]]:
    """Return the images of all manifests and releases that options `scope`, `exclude` and `images` choose, as rows.

    Raises Problem if two of them would have one place in the registry.
    """
    objects: list[Manifest] = []
    for cluster in arguments["clusters"]:
        objects += cluster["manifests"]
    release_needs = [release.mirror_needs for release in releases]
    images = mirror_images.list_mirror_images(
        objects, release_needs, arguments["scope"], arguments["exclude"], arguments["images"]
    )
    digest_of_image = lock_file.join_locks(locks)
    image_rows = [image.build_row(arguments["registry"], digest_of_image) for image in images]
    mirror_images.check_targets(image_rows)
    return image_rows


def _drop_equal_releases(releases: Iterable[_ReadRelease]) -> list[_ReadRelease]:
    """Return each version of a product once, although several clusters install it.

    Raises Problem if two clusters give other manifests of it: a mirror and a lock have one place for a version, so one
    cluster would get the manifest of the other.
    """
    release_by_folder: dict[str, _ReadRelease] = {}
    for release in releases:
        earlier = release_by_folder.setdefault(release.mirror_needs.archive_folder, release)
        if earlier.published_release.checksum != release.published_release.checksum:
            raise _build_two_manifests_problem(earlier, release)
    return list(release_by_folder.values())


def _build_two_manifests_problem(first: _ReadRelease, second: _ReadRelease) -> Problem:
    """Return the problem of two manifests of one version."""
    sums = []
    for published in (first.published_release, second.published_release):
        sums.append(f"{published.checksum} (from {strip_credentials(published.origin)})")
    return Problem(
        f"two clusters give other manifests of it: {' and '.join(sums)}",
        asked=f"Use {first.mirror_needs.product} {first.mirror_needs.tag}",
        fix="Give all clusters of the inventory the same manifest, or give each cluster its own mirror and lock.",
    )


def _list_charts(releases: Iterable[_ReadRelease]) -> list[dict[str, str]]:
    """Return each chart once, by name, as a row of the result."""
    chart_rows = {release.chart_row for release in releases if release.chart_row}
    return [chart_row.as_dict() for chart_row in sorted(chart_rows)]


class _UnmirroredProduct(NamedTuple):
    """A product by its name, and the provider that installs it without a release."""

    product: str
    provider: str


def _describe_unmirrored(clusters: Iterable[MirroredCluster]) -> list[str]:
    """Return a line for each product and provider whose release this collection cannot mirror."""
    unmirrored_products: list[_UnmirroredProduct] = []
    for cluster in clusters:
        for release_row in _list_installed_rows(cluster):
            if release_row["provider"] not in RELEASED_PROVIDERS:
                unmirrored_products.append(_UnmirroredProduct(release_row["product"], str(release_row["provider"])))
    lines: list[str] = []
    for product_name, provider in dict.fromkeys(unmirrored_products):
        reason = _UNMIRRORED_PROVIDERS.get(provider, provider)
        lines.append(f"{find_product(product_name).title} is of {reason}")
    return lines


class _ManifestFile(NamedTuple):
    """The manifest of a release in a mirror, as a row of the result, and whether it was written."""

    result_row: dict[str, str]
    is_changed: bool


def _write_manifest(release: _ReadRelease, mirror_root: str, check: bool) -> _ManifestFile:
    """Write a manifest to where roles look for it in a mirror; without a mirror, only return its row."""
    product, tag = release.mirror_needs.product, release.mirror_needs.tag
    published = release.published_release
    mirror_path = f"{product}/{tag}/{find_product(product).manifest}"
    row = {
        "product": product,
        "version": tag,
        "path": mirror_path,
        "sha256": published.checksum.removeprefix("sha256:"),
        "name": f"{product} {tag}",
        "sum": published.checksum,
        "from": strip_credentials(published.origin),
    }
    if not mirror_root:
        return _ManifestFile(row, is_changed=False)
    manifest_text = published.manifest_bytes.decode("utf-8")
    is_changed = _files.write_or_check(Path(mirror_root) / mirror_path, manifest_text, check)
    return _ManifestFile(row, is_changed)
