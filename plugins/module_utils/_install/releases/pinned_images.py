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

from ..._collector.options import replace_registry
from ..._otelcol.errors import Problem, suggest_word
from ..._otelcol.kube.objects import Manifest
from .lock_file import Pin, keep_unpinned
from .manifest import list_containers

# The operator takes its defaults from variables of this prefix, cert-manager from a flag that ends so.
_VARIABLE_PREFIX = "RELATED_IMAGE_"
_FLAG_SUFFIX = "-image"
# How many versions a message names.
_NAMED_VERSIONS = 5


class _ImageFlag(NamedTuple):
    """An argument of a container that names an image which it starts."""

    flag: str
    image: str


def move_images(manifest: Manifest, registry: str, pin: Pin = keep_unpinned) -> None:
    """Let all images of a workload come from a registry, pinned to their digests."""
    for container in list_containers(manifest):
        container["image"] = replace_registry(pin(container["image"]), registry)
        if container.get("args"):
            container["args"] = [_move_argument(argument, registry, pin) for argument in container["args"]]
        for variable in _iter_image_variables(container):
            variable["value"] = replace_registry(pin(variable["value"]), registry)


def _move_argument(argument: str, registry: str, pin: Pin) -> str:
    """Return an argument with its image from a registry, if it names one."""
    image_flag = _parse_image_flag(argument)
    return f"{image_flag.flag}={replace_registry(pin(image_flag.image), registry)}" if image_flag else argument


def _parse_image_flag(argument: str) -> _ImageFlag | None:
    flag, _equals, image = argument.partition("=")
    return _ImageFlag(flag, image) if flag.endswith(_FLAG_SUFFIX) and image else None


def _iter_image_variables(container: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the variables of a container that name images."""
    for variable in container.get("env") or []:
        if variable["name"].startswith(_VARIABLE_PREFIX) and variable.get("value"):
            yield variable


def iter_workload_images(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Yield every image that workloads name, for themselves or for what they start."""
    for manifest in manifests:
        for container in list_containers(manifest):
            yield container["image"]
            yield from _iter_started_images(container)


def _iter_started_images(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield the images that a container is told to start, by flags and by variables."""
    for argument in container.get("args") or []:
        image_flag = _parse_image_flag(argument)
        if image_flag:
            yield image_flag.image
    for variable in _iter_image_variables(container):
        yield variable["value"]


class OperatorImages(NamedTuple):
    """The images that the operator starts, and the flags that tell it so."""

    started_images: dict[str, str]
    """By name, such as `collector`; without those that are not known."""
    flags: dict[str, str]
    """Images by flag, for those that the operator would not start by itself."""


def choose_operator_images(
    version: str,
    registry: str,
    chosen_images: Mapping[str, str],
    version_table: Mapping[str, Any],
    pin: Pin = keep_unpinned,
) -> OperatorImages:
    """Return the images that the operator starts: the chosen ones, and its own of this version for the others.

    `version_table` is compatibility.yml. Raises Problem for a name that it does not know, and for an unknown image that
    cannot be moved.
    """
    rows: Mapping[str, Mapping[str, str]] = version_table["operator_images"]
    known_tags = version_table["operator"].get(version)
    _refuse_unknown_names(chosen_images, rows)
    if registry and not known_tags:
        missing_names = [name for name in rows if name not in chosen_images]
        _refuse_unmovable_images(missing_names, version, registry, list(version_table["operator"])[:_NAMED_VERSIONS])
    started: dict[str, str] = {}
    flags: dict[str, str] = {}
    for name, row in rows.items():
        default = _default_image(name, row, version, known_tags)
        image = replace_registry(pin(chosen_images.get(name) or default), registry)
        if image:
            started[name] = image
        if image != default:
            flags[row["flag"]] = image
    return OperatorImages(started, flags)


def _refuse_unknown_names(chosen_images: Mapping[str, str], rows: Mapping[str, Any]) -> None:
    for name in chosen_images:
        if name not in rows:
            raise Problem(
                f"the operator has no image '{name}'{suggest_word(name, rows)}", fix=f"Images: {', '.join(rows)}."
            )


def _refuse_unmovable_images(image_names: list[str], version: str, registry: str, newest_versions: list[str]) -> None:
    """Raise Problem if there are images of which only the operator itself knows the tags."""
    if image_names:
        raise Problem(
            f"the images that version {version} of the operator starts are not known, so none can come from {registry}",
            fix=f"Give them all: {', '.join(image_names)}; or use a version of {', '.join(newest_versions)}.",
        )


def _default_image(name: str, row: Mapping[str, str], version: str, known_tags: Mapping[str, str] | None) -> str:
    """Return the image that the operator starts by itself; empty if its version is not known."""
    if not known_tags:
        return ""
    tag = version if row.get("version") == "operator" else known_tags[name]
    return f"{row['image']}:{tag}"
