# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a release, pinned to their digests and moved to a registry.

Images are pinned under their published names, before a registry prefix is added, so that one lock serves clusters that
pull from the internet and from a mirror. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..._collector.options import from_registry
from ..._otelcol.errors import Problem, near
from ..._otelcol.kube.objects import Manifest
from .lock_file import Pin, unpinned
from .manifest import containers

# The operator takes its defaults from variables of this prefix, cert-manager from a flag that ends so.
_VARIABLE = "RELATED_IMAGE_"
_FLAG = "-image"
# How many versions a message names.
_NAMED_VERSIONS = 5


class _ImageFlag(NamedTuple):
    """An argument of a container that names an image which it starts."""

    flag: str
    image: str


def move_images(manifest: Manifest, registry: str, pin: Pin = unpinned) -> None:
    """Let all images of a workload come from a registry, pinned to their digests."""
    for container in containers(manifest):
        container["image"] = from_registry(pin(container["image"]), registry)
        if container.get("args"):
            container["args"] = [_moved_argument(argument, registry, pin) for argument in container["args"]]
        for variable in _image_variables(container):
            variable["value"] = from_registry(pin(variable["value"]), registry)


def _moved_argument(argument: str, registry: str, pin: Pin) -> str:
    """Return an argument with its image from a registry, if it names one."""
    found = _image_flag(argument)
    return f"{found.flag}={from_registry(pin(found.image), registry)}" if found else argument


def _image_flag(argument: str) -> _ImageFlag | None:
    flag, _equals, image = argument.partition("=")
    return _ImageFlag(flag, image) if flag.endswith(_FLAG) and image else None


def _image_variables(container: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the variables of a container that name images."""
    for variable in container.get("env") or []:
        if variable["name"].startswith(_VARIABLE) and variable.get("value"):
            yield variable


def images_of_workloads(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Yield every image that workloads name, for themselves or for what they start."""
    for manifest in manifests:
        for container in containers(manifest):
            yield container["image"]
            yield from _started_images(container)


def _started_images(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield the images that a container is told to start, by flags and by variables."""
    for argument in container.get("args") or []:
        found = _image_flag(argument)
        if found:
            yield found.image
    for variable in _image_variables(container):
        yield variable["value"]


class OperatorImages(NamedTuple):
    """The images that the operator starts, by name, and the flags that are needed to make it so."""

    started: dict[str, str]
    flags: dict[str, str]


def operator_images(
    version: str, registry: str, given: Mapping[str, str], table: Mapping[str, Any], pin: Pin = unpinned
) -> OperatorImages:
    """Return the images that the operator starts: the given ones, and its own of this version for the others.

    Raises Problem for a name that it does not know, and for an unknown image that cannot be moved.
    """
    rows: Mapping[str, Mapping[str, str]] = table["operator_images"]
    known_tags = table["operator"].get(version)
    _refuse_unknown_names(given, rows)
    if registry and not known_tags:
        lacking_names = [name for name in rows if name not in given]
        _refuse_unmovable_images(lacking_names, version, registry, list(table["operator"])[:_NAMED_VERSIONS])
    started: dict[str, str] = {}
    flags: dict[str, str] = {}
    for name, row in rows.items():
        default = _default_image(name, row, version, known_tags)
        image = from_registry(pin(given.get(name) or default), registry)
        if image:
            started[name] = image
        if image != default:
            flags[row["flag"]] = image
    return OperatorImages(started, flags)


def _refuse_unknown_names(given: Mapping[str, str], rows: Mapping[str, Any]) -> None:
    for name in given:
        if name not in rows:
            raise Problem(f"the operator has no image '{name}'{near(name, rows)}", fix=f"Images: {', '.join(rows)}.")


def _refuse_unmovable_images(names: list[str], version: str, registry: str, newest_versions: list[str]) -> None:
    """Raise Problem if there are images of which only the operator itself knows the tags."""
    if names:
        raise Problem(
            f"the images that version {version} of the operator starts are not known, so none can come from {registry}",
            fix=f"Give them all: {', '.join(names)}; or use a version of {', '.join(newest_versions)}.",
        )


def _default_image(name: str, row: Mapping[str, str], version: str, known_tags: Mapping[str, str] | None) -> str:
    """Return the image that the operator starts by itself; empty if its version is not known."""
    if not known_tags:
        return ""
    tag = version if row.get("version") == "operator" else known_tags[name]
    return f"{row['image']}:{tag}"
