# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a release, their registries, and the images that a mirror needs.

Images are pinned under their published names, before a registry prefix is added, so that one lock serves clusters that
pull from the internet and from a mirror. Private.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..._collector.options import from_registry
from ..._instrumentation.sdk_languages import LANGUAGES
from ..._otelcol.config.paths import at, leaves
from ..._otelcol.errors import Problem, near
from ..._otelcol.kube.objects import Manifest
from .lock_file import Pin, unpinned
from .manifest import containers

# The operator takes its defaults from variables of this prefix, cert-manager from a flag that ends so.
_VARIABLE = "RELATED_IMAGE_"
_FLAG = "-image"


def move(manifest: Manifest, registry: str, pin: Pin = unpinned) -> None:
    """Let all images of a workload come from a registry, pinned to their digests."""
    for container in containers(manifest):
        container["image"] = from_registry(pin(container["image"]), registry)
        if container.get("args"):
            container["args"] = [_moved_argument(argument, registry, pin) for argument in container["args"]]
        for variable in _image_variables(container):
            variable["value"] = from_registry(pin(variable["value"]), registry)


def _moved_argument(argument: str, registry: str, pin: Pin) -> str:
    """Return an argument with its image from a registry, if it names one."""
    flag, _equals, image = argument.partition("=")
    if flag.endswith(_FLAG) and image:
        return f"{flag}={from_registry(pin(image), registry)}"
    return argument


def _image_variables(container: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the variables of a container that name images."""
    for variable in container.get("env") or []:
        if variable["name"].startswith(_VARIABLE) and variable.get("value"):
            yield variable


def used(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Yield every image that workloads name, for themselves or for what they start."""
    for manifest in manifests:
        for container in containers(manifest):
            yield container["image"]
            yield from _started_images(container)


def _started_images(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield the images that a container is told to start, by flags and by variables."""
    for argument in container.get("args") or []:
        flag, _equals, image = argument.partition("=")
        if flag.endswith(_FLAG) and image:
            yield image
    for variable in _image_variables(container):
        yield variable["value"]


def operator_images(
    version: str, registry: str, given: Mapping[str, str], table: Mapping[str, Any], pin: Pin = unpinned
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the images that the operator starts by name, and the flags that are needed to make it so.

    Raises Problem for a name that it does not know, and for an unknown image that cannot be moved.
    """
    rows: Mapping[str, Mapping[str, str]] = table["operator_images"]
    for name in given:
        if name not in rows:
            raise Problem(f"the operator has no image '{name}'{near(name, rows)}", fix=f"Images: {', '.join(rows)}.")
    known_tags = table["operator"].get(version)
    lacking = [name for name in rows if name not in given]
    if registry and lacking and not known_tags:
        newest_versions = list(table["operator"])[:5]
        raise Problem(
            f"the images that version {version} of the operator starts are not known, so none can come from {registry}",
            fix=f"Give them all: {', '.join(lacking)}; or use a version of {', '.join(newest_versions)}.",
        )
    images: dict[str, str] = {}
    flags: dict[str, str] = {}
    for name, row in rows.items():
        default = ""
        if known_tags:
            tag = version if row.get("version") == "operator" else known_tags[name]
            default = f"{row['image']}:{tag}"
        image = from_registry(pin(given.get(name) or default), registry)
        if image:
            images[name] = image
        if image != default:
            flags[row["flag"]] = image
    return images, flags


USED, ALL = "used", "all"
ARCHIVES = "images"
COLLECTOR, INSTRUMENTATION = "OpenTelemetryCollector", "Instrumentation"
TARGET_ALLOCATOR = "target_allocator"
# The config of a collector may have a setting of that name, which is not a field of Kubernetes.
_CONFIG = ("spec", "config")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class MirroredRelease:
    """A version of a product with its images: those of its pods, and by name those that it starts itself."""

    product: str
    tag: str
    pods: tuple[str, ...]
    started: Mapping[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    @property
    def folder(self) -> str:
        return f"{self.product}/{self.tag}/{ARCHIVES}"


class ImageUse(NamedTuple):
    """An image, who uses it, and the folder of its archive in the mirror."""

    image: str
    user: str
    folder: str = ARCHIVES


@dataclass(frozen=True)
class Need:
    """An image, all its users, and the folder of its archive in the mirror."""

    image: str
    used_by: tuple[str, ...]
    folder: str = ARCHIVES
    # What the name of the archive has more, where another image would have an archive of the same name.
    mark: str = ""

    def row(self, registry: str, pin: Pin = unpinned) -> dict[str, Any]:
        pinned = pin(self.image)
        return {
            "image": self.image,
            "source": source(pinned),
            "repository": repository(self.image),
            "digest": pinned.partition("@")[2],
            "archive": f"{self.folder}/{_archive_name(self.image)}{self.mark}.tar",
            "label": "" if "@" in self.image else self.image,
            "target": source(from_registry(self.image, registry)) if registry else "",
            "used_by": list(self.used_by),
        }


def source(image: str) -> str:
    """Return a reference that names one thing: of tag and digest the digest counts, and tools refuse both."""
    name, at_sign, digest = image.partition("@")
    if not at_sign:
        return image
    last_part = name.rpartition("/")[2]
    without_tag = last_part.partition(":")[0]
    return f"{name.removesuffix(last_part)}{without_tag}@{digest}"


def repository(image: str) -> str:
    """Return an image without tag and digest."""
    return source(f"{image.partition('@')[0]}@").removesuffix("@")


def needs(
    objects: Sequence[Manifest],
    releases: Iterable[MirroredRelease],
    scope: str = USED,
    exclude: Iterable[str] = (),
    more: Iterable[str] = (),
) -> list[Need]:
    """Return every image once, by name; `exclude` has patterns to leave out, `more` has images to add."""
    users: dict[str, set[str]] = {}
    folders: dict[str, str] = {}
    added_uses = [ImageUse(image, "asked for") for image in more]
    # Those of releases come last: the folder of a release counts if an image is of one.
    for use in (*_uses_of_objects(objects), *added_uses, *_uses_of_releases(objects, releases, scope)):
        users.setdefault(use.image, set()).add(use.user)
        folders[use.image] = use.folder
    patterns = list(exclude)
    marks = _archive_marks(users)
    image_needs = []
    for image in sorted(users):
        is_excluded = any(fnmatchcase(image, pattern) for pattern in patterns)
        if not is_excluded:
            image_needs.append(Need(image, tuple(sorted(users[image])), folders[image], marks.get(image, "")))
    return image_needs


def _archive_name(image: str) -> str:
    return _NOT_IN_A_NAME.sub("_", image)


def _archive_marks(images: Collection[str]) -> dict[str, str]:
    """Return a mark for each image whose archive would have the name of another one's."""
    count_of_name = Counter(_archive_name(image) for image in images)
    marks: dict[str, str] = {}
    for image in images:
        if count_of_name[_archive_name(image)] > 1:
            marks[image] = f"-{hashlib.sha256(image.encode()).hexdigest()[:8]}"
    return marks


def _uses_of_objects(objects: Iterable[Manifest]) -> Iterator[ImageUse]:
    for manifest in objects:
        for image in in_object(manifest):
            yield ImageUse(image, f"{manifest['kind']} {_place(manifest)}")


def _uses_of_releases(
    objects: Sequence[Manifest], releases: Iterable[MirroredRelease], scope: str
) -> Iterator[ImageUse]:
    """Yield the images of the releases' pods, and those that they start: all, or those given or used by an object."""
    for release in releases:
        for image in release.pods:
            yield ImageUse(image, release.product, release.folder)
        for name, image in release.started.items():
            users = sorted(starts(objects, name))
            if not users and (scope == ALL or name in release.given):
                users = [release.product]
            for user in users:
                yield ImageUse(image, user, release.folder)


def in_object(manifest: Manifest) -> Iterator[str]:
    """Yield the images that an object names: a workload's, and those of a custom resource of the operator."""
    if containers(manifest):
        yield from used([manifest])
    elif manifest["kind"] in (COLLECTOR, INSTRUMENTATION):
        for path, value in leaves(manifest):
            is_image_field = path[-1:] == ("image",) and path[:2] != _CONFIG
            if is_image_field and isinstance(value, str) and value:
                yield value


def starts(objects: Iterable[Manifest], name: str) -> Iterator[str]:
    """Yield the custom resources for which the operator starts its own image of that name."""
    for manifest in objects:
        path = _path_of_image(manifest["kind"], name)
        if path is None:
            continue
        section = at(manifest, ("spec", *path))
        # The operator starts a target allocator only where one is enabled.
        is_enabled = name != TARGET_ALLOCATOR or at(section, ("enabled",)) is True
        if isinstance(section, Mapping) and is_enabled and not section.get("image"):
            yield f"{manifest['kind']} {_place(manifest)}"


def _path_of_image(kind: str, name: str) -> tuple[str, ...] | None:
    """Return the field of a spec that asks for an image, empty for the whole spec; None when this kind never does."""
    if kind == COLLECTOR:
        return {TARGET_ALLOCATOR: ("targetAllocator",), "collector": ()}.get(name)
    if kind == INSTRUMENTATION and name in LANGUAGES:
        return (LANGUAGES[name].field,)
    return None


def _place(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}".lstrip("/")
