# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images some clusters need, and where each is in a mirror. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ..cluster.bundle import Manifest
from ..collector.collector import from_registry
from ..config.paths import at, leaves
from ..instrumentation.languages import LANGUAGES
from . import images
from .manifest import containers

USED, ALL = "used", "all"
ARCHIVES = "images"
COLLECTOR, INSTRUMENTATION = "OpenTelemetryCollector", "Instrumentation"
# The config of a collector may have a setting of that name, which is none of Kubernetes.
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
        """Return the place of its archives in a release mirror."""
        return f"{self.product}/{self.tag}/{ARCHIVES}"


@dataclass(frozen=True)
class Need:
    """An image, who needs it, and the folder of its archive in the mirror."""

    image: str
    used_by: tuple[str, ...]
    folder: str = ARCHIVES

    def row(self, registry: str) -> dict[str, Any]:
        """Return it as the result of a task has it."""
        return {
            "image": self.image,
            "source": source(self.image),
            "archive": f"{self.folder}/{_NOT_IN_A_NAME.sub('_', self.image)}.tar",
            "label": "" if "@" in self.image else self.image,
            "target": source(from_registry(self.image, registry)) if registry else "",
            "used_by": list(self.used_by),
        }


def source(image: str) -> str:
    """Return a reference that names one thing: of tag and digest the digest counts, and tools refuse both."""
    name, at_sign, digest = image.partition("@")
    last = name.rpartition("/")[2]
    return f"{name.removesuffix(last)}{last.partition(':')[0]}@{digest}" if at_sign else image


def needs(
    objects: Sequence[Manifest],
    releases: Iterable[MirroredRelease],
    scope: str = USED,
    exclude: Iterable[str] = (),
    more: Iterable[str] = (),
) -> list[Need]:
    """Return every image once, by name; `exclude` has patterns of those that nobody wants, `more` is wanted as well."""
    users: dict[str, set[str]] = {}
    folders: dict[str, str] = {}
    listed = list(releases)
    named = ((image, "asked for", ARCHIVES) for image in more)
    for image, who, folder in (*_of_objects(objects), *named, *_of_releases(objects, listed, scope)):
        users.setdefault(image, set()).add(who)
        folders[image] = folder  # of a release, if it is of one: those come last
    patterns = list(exclude)
    wanted = [image for image in sorted(users) if not any(fnmatchcase(image, pattern) for pattern in patterns)]
    return [Need(image, tuple(sorted(users[image])), folders[image]) for image in wanted]


def _of_objects(objects: Iterable[Manifest]) -> Iterator[tuple[str, str, str]]:
    for manifest in objects:
        for image in in_object(manifest):
            yield image, f"{manifest['kind']} {_place(manifest)}", ARCHIVES


def _of_releases(
    objects: Sequence[Manifest], releases: Iterable[MirroredRelease], scope: str
) -> Iterator[tuple[str, str, str]]:
    for release in releases:
        yield from ((image, release.product, release.folder) for image in release.pods)
        for name, image in release.started.items():
            users = sorted(starts(objects, name))
            if scope == ALL or users or name in release.given:
                yield from ((image, user, release.folder) for user in users or [release.product])


def in_object(manifest: Manifest) -> Iterator[str]:
    """Yield the images that an object names: a workload's, and those of a custom resource of the operator."""
    if containers(manifest):
        yield from images.used([manifest])
    elif manifest["kind"] in (COLLECTOR, INSTRUMENTATION):
        for path, value in leaves(manifest):
            if path[-1:] == ("image",) and path[:2] != _CONFIG and isinstance(value, str) and value:
                yield value


def starts(objects: Iterable[Manifest], name: str) -> Iterator[str]:
    """Yield the custom resources for which the operator starts its own image of that name."""
    for manifest in objects:
        path = _asks(manifest["kind"], name)
        wanted = at(manifest, ("spec", *path)) if path else None
        if isinstance(wanted, Mapping) and wanted.get("enabled", True) and not wanted.get("image"):
            yield f"{manifest['kind']} {_place(manifest)}"


def _asks(kind: str, name: str) -> tuple[str, ...]:
    """Return the field of a custom resource that asks for an image, nothing when this kind never does."""
    if kind == COLLECTOR:
        return ("targetAllocator",) if name == "target_allocator" else ()
    return (LANGUAGES[name].field,) if kind == INSTRUMENTATION and name in LANGUAGES else ()


def _place(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}".lstrip("/")
