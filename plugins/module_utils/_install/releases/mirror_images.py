# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a mirror needs: those of objects and of releases, each with its users and its archive. Private.

Action release_mirror calls `list_mirror_images` with the objects of the inventory and the releases of its products.
A release has images of its own pods, and images that it starts for custom resources. For example:

    MirrorImage("ghcr.io/open-telemetry/…/autoinstrumentation-java:2.30.0", used_by=("Instrumentation shop/java",),
                archive_folder="opentelemetry-operator/v0.158.0/images")
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..._collector.options import replace_registry
from ..._instrumentation.sdk_languages import LANGUAGES
from ..._otelcol.config.paths import iter_leaves, value_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .image_references import read_image_repository, unambiguous_reference
from .lock_file import Pin, keep_unpinned
from .manifest import list_containers
from .pinned_images import iter_workload_images

# Which of the images that the operator can start a mirror has.
# Those that an object uses.
USED_IMAGES = "used"
ALL_IMAGES = "all"
# The folder of archives of images that no release has.
ARCHIVE_FOLDER = "images"
# The kinds for whose objects the operator starts images.
COLLECTOR = "OpenTelemetryCollector"
INSTRUMENTATION = "Instrumentation"
# The name of an image in the table compatibility.yml.
TARGET_ALLOCATOR = "target_allocator"
# The config of a collector may have a setting of that name, which is not a field of Kubernetes.
_CONFIG_PATH = ("spec", "config")
# The registry of an image that names none.
_DEFAULT_REGISTRY = "docker.io/"
# What a file name does not have.
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class MirroredRelease:
    """A version of a product with its images."""

    product: str
    tag: str
    pod_images: tuple[str, ...]
    """The images of its own pods."""
    started_images: Mapping[str, str] = field(default_factory=dict)
    """The images that it starts for custom resources, by their names in the table, such as `collector`."""
    chosen_names: frozenset[str] = frozenset()
    """The names of those that a user chose. A mirror needs them even if no object uses them."""

    @property
    def archive_folder(self) -> str:
        """The folder of its archives."""
        return f"{self.product}/{self.tag}/{ARCHIVE_FOLDER}"


class ImageUse(NamedTuple):
    """An image, who uses it, and the folder of its archive in the mirror."""

    image: str
    user: str
    archive_folder: str = ARCHIVE_FOLDER


@dataclass(frozen=True)
class MirrorImage:
    """An image that a mirror needs, all its users, and the folder of its archive."""

    image: str
    used_by: tuple[str, ...]
    archive_folder: str = ARCHIVE_FOLDER
    name_mark: str = ""
    """What the name of its archive ends with if another image would have an archive of the same name; else empty."""

    def build_row(self, registry: str, pin: Pin = keep_unpinned) -> dict[str, Any]:
        """Return what a mirror is told about the image: where it comes from, and where it goes to."""
        pinned_image = pin(self.image)
        target = unambiguous_reference(replace_registry(self.image, registry)) if registry else ""
        return {
            "image": self.image,
            "source": unambiguous_reference(pinned_image),
            "repository": read_image_repository(self.image),
            "digest": pinned_image.partition("@")[2],
            "archive": f"{self.archive_folder}/{_archive_name(self.image)}{self.name_mark}.tar",
            "label": "" if "@" in self.image else self.image,
            "target": target,
            "used_by": list(self.used_by),
        }


def list_mirror_images(
    objects: Sequence[Manifest],
    releases: Iterable[MirroredRelease],
    scope: str = USED_IMAGES,
    exclude: Iterable[str] = (),
    added_images: Iterable[str] = (),
) -> list[MirrorImage]:
    """Return every image once, in order of its name.

    `scope` is USED_IMAGES or ALL_IMAGES. `exclude` has patterns of images to leave out, and `added_images` has images
    to add.
    """
    users: dict[str, set[str]] = {}
    folders: dict[str, str] = {}
    added_uses = [ImageUse(image, "asked for") for image in added_images]
    # Those of releases come last: the folder of a release counts if an image is of one.
    for use in (*_iter_object_uses(objects), *added_uses, *_iter_release_uses(objects, releases, scope)):
        users.setdefault(use.image, set()).add(use.user)
        folders[use.image] = use.archive_folder
    patterns = list(exclude)
    marks = _archive_marks(users)
    needed_images: list[MirrorImage] = []
    for image in sorted(users):
        is_excluded = any(fnmatchcase(image, pattern) for pattern in patterns)
        if not is_excluded:
            needed_images.append(MirrorImage(image, tuple(sorted(users[image])), folders[image], marks.get(image, "")))
    return needed_images


def check_targets(rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise Problem if two images have one place in the registry: the second one would take the place of the first.

    `rows` are those of `MirrorImage.build_row`. Images of the same digest are one image, and so are `a/b:1` and
    `docker.io/a/b:1`.
    """
    row_by_target: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        target = row["target"]
        earlier = row_by_target.setdefault(target, row)
        if target and not _is_same_image(earlier, row):
            wrong = f"{target} would be the place of two images: {earlier['image']} and {row['image']}"
            fix = "Name only one of them in the inventory, or leave one out (otel_mirror_exclude)."
            raise Problem(wrong, asked="Copy the images into the registry", fix=fix)


def _is_same_image(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two rows are known to be about one image."""
    has_one_digest = bool(first["digest"]) and first["digest"] == second["digest"]
    names = {row["image"].removeprefix(_DEFAULT_REGISTRY) for row in (first, second)}
    return has_one_digest or len(names) == 1


def _archive_name(image: str) -> str:
    """Return an image as part of a file name: `quay.io/a/b:1` becomes `quay.io_a_b_1`. Two images may have the same."""
    return _NOT_IN_A_NAME.sub("_", image)


def _archive_marks(images: Collection[str]) -> dict[str, str]:
    """Return what is added to the name of an archive, for each image whose archive would have the name of another's."""
    name_counts = Counter(_archive_name(image) for image in images)
    marks: dict[str, str] = {}
    for image in images:
        if name_counts[_archive_name(image)] > 1:
            marks[image] = f"-{hashlib.sha256(image.encode()).hexdigest()[:8]}"
    return marks


def _iter_object_uses(objects: Iterable[Manifest]) -> Iterator[ImageUse]:
    for manifest in objects:
        for image in iter_object_images(manifest):
            yield ImageUse(image, _user_name(manifest))


def _iter_release_uses(
    objects: Sequence[Manifest], releases: Iterable[MirroredRelease], scope: str
) -> Iterator[ImageUse]:
    """Yield the images of the releases' pods, and those that they start.

    Of the latter, USED_IMAGES takes those that an object uses or a user chose, and ALL_IMAGES takes all.
    """
    for release in releases:
        for image in release.pod_images:
            yield ImageUse(image, release.product, release.archive_folder)
        for name, image in release.started_images.items():
            users = sorted(iter_started_image_users(objects, name))
            if not users and (scope == ALL_IMAGES or name in release.chosen_names):
                users = [release.product]
            for user in users:
                yield ImageUse(image, user, release.archive_folder)


def iter_object_images(manifest: Manifest) -> Iterator[str]:
    """Yield the images that an object names: a workload's, and those of a custom resource of the operator."""
    if list_containers(manifest):
        yield from iter_workload_images([manifest])
    elif manifest["kind"] in (COLLECTOR, INSTRUMENTATION):
        yield from _iter_resource_images(manifest)


def _iter_resource_images(manifest: Manifest) -> Iterator[str]:
    for path, value in iter_leaves(manifest):
        is_image_field = path[-1:] == ("image",) and path[:2] != _CONFIG_PATH
        if is_image_field and isinstance(value, str) and value:
            yield value


def iter_started_image_users(objects: Iterable[Manifest], name: str) -> Iterator[str]:
    """Yield the custom resources for which the operator starts its own image of that name."""
    for manifest in objects:
        path = _image_field_path(manifest["kind"], name)
        if path is None:
            continue
        settings = value_at(manifest, ("spec", *path))
        # The operator starts a target allocator only where one is enabled.
        is_enabled = name != TARGET_ALLOCATOR or value_at(settings, ("enabled",)) is True
        if isinstance(settings, Mapping) and is_enabled and not settings.get("image"):
            yield _user_name(manifest)


def _image_field_path(kind: str, name: str) -> tuple[str, ...] | None:
    """Return the field of a spec that asks for an image, empty for the whole spec; None when this kind never does."""
    if kind == COLLECTOR:
        return {TARGET_ALLOCATOR: ("targetAllocator",), "collector": ()}.get(name)
    if kind == INSTRUMENTATION and name in LANGUAGES:
        return (LANGUAGES[name].field,)
    return None


def _user_name(manifest: Manifest) -> str:
    """Return an object as a user of an image: its kind, its namespace if it has one, and its name."""
    metadata = manifest["metadata"]
    full_name = f"{metadata.get('namespace', '')}/{metadata['name']}".lstrip("/")
    return f"{manifest['kind']} {full_name}"
