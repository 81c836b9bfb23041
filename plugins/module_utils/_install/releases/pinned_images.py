# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a release, pinned to their digests and moved to a registry. Private.

`customize_release` calls `move_images` for each object, and action release_render `choose_operator_images` for the
images that the operator starts later. The lists of images for a mirror and for privileges use `iter_workload_images`.
For example, with the registry mirror:5000 and a lock file:

    quay.io/jetstack/cert-manager-controller:v1.21.2
    → mirror:5000/jetstack/cert-manager-controller:v1.21.2@sha256:…

An image is pinned under its published name, before it moves. So one lock file serves clusters that pull from the
internet, and clusters that pull from a mirror. `pin` is the function that returns an image with its digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..._collector.options import replace_registry
from ..._otelcol.errors import Problem, suggest_word
from ..._otelcol.kube.objects import Manifest
from .lock_file import Pin, keep_unpinned
from .manifest import list_containers

# A container names the images that it starts in variables and in flags: the operator in RELATED_IMAGE_COLLECTOR,
# cert-manager in --acme-http01-solver-image.
_VARIABLE_PREFIX = "RELATED_IMAGE_"
_FLAG_SUFFIX = "-image"
# How many known versions a message names.
_NAMED_VERSIONS = 5


# ── The images that workloads name ──


class _ImageFlag(NamedTuple):
    """An argument of a container that names an image which it starts, such as `--acme-http01-solver-image=x:1`."""

    flag: str
    """Such as `--acme-http01-solver-image`."""
    image: str


def move_images(manifest: Manifest, registry: str, pin: Pin = keep_unpinned) -> None:
    """Change a workload so that all images that it names are pinned and come from a registry; empty for their own."""
    for container in list_containers(manifest):
        container["image"] = replace_registry(pin(container["image"]), registry)
        if container.get("args"):
            container["args"] = [_move_argument(argument, registry, pin) for argument in container["args"]]
        for variable in _iter_image_variables(container):
            variable["value"] = replace_registry(pin(variable["value"]), registry)


def _move_argument(argument: str, registry: str, pin: Pin) -> str:
    """Return an argument of a container with its image pinned and moved; as it is if it names no image."""
    image_flag = _parse_image_flag(argument)
    if image_flag is None:
        return argument
    return f"{image_flag.flag}={replace_registry(pin(image_flag.image), registry)}"


def _parse_image_flag(argument: str) -> _ImageFlag | None:
    """Return the flag and the image of an argument; None if it names no image."""
    flag, _equals, image = argument.partition("=")
    if not image or not flag.endswith(_FLAG_SUFFIX):
        return None
    return _ImageFlag(flag, image)


def _iter_image_variables(container: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the variables of a container that name images."""
    for variable in container.get("env") or []:
        if variable["name"].startswith(_VARIABLE_PREFIX) and variable.get("value"):
            yield variable


def iter_workload_images(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Yield every image that workloads name: those of their containers, and those that these start."""
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


# ── The images that the operator starts ──


class OperatorImages(NamedTuple):
    """The images that the operator starts, such as those of collectors, and its flags for them."""

    started_images: dict[str, str]
    """By name: `{"collector": "mirror:5000/otel/collector:0.158.0"}`. An image that is not known is left out."""
    flags: dict[str, str]
    """By flag, the images that differ from the operator's defaults: `{"collector-image": "mirror:5000/…"}`."""


def choose_operator_images(
    version: str,
    registry: str,
    chosen_images: Mapping[str, str],
    version_table: Mapping[str, Any],
    pin: Pin = keep_unpinned,
) -> OperatorImages:
    """Return the images that the operator starts: the user's `chosen_images`, and its defaults for the others.

    `version` is that of the operator. `version_table` is compatibility.yml, which has the images and, for each known
    version, their tags:

        operator_images: {java: {flag: auto-instrumentation-java-image, image: ghcr.io/…/autoinstrumentation-java}, …}
        operator: {"0.158.0": {java: "2.28.1", …}, …}

    Raises Problem for a name that `operator_images` does not have, and for a registry if the version is not known.
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
    """Raise Problem for a name that is not among the rows of `operator_images`."""
    for name in chosen_images:
        if name not in rows:
            raise Problem(
                f"the operator has no image '{name}'{suggest_word(name, rows)}", fix=f"Images: {', '.join(rows)}."
            )


def _refuse_unmovable_images(image_names: list[str], version: str, registry: str, newest_versions: list[str]) -> None:
    """Raise Problem if there are such images: only the operator itself knows their tags, so none can be moved."""
    if image_names:
        raise Problem(
            f"the images that version {version} of the operator starts are not known, so none can come from {registry}",
            fix=f"Give them all: {', '.join(image_names)}; or use a version of {', '.join(newest_versions)}.",
        )


def _default_image(name: str, row: Mapping[str, str], version: str, known_tags: Mapping[str, str] | None) -> str:
    """Return the image that the operator starts without a flag; empty if its version is not known."""
    if not known_tags:
        return ""
    tag = version if row.get("version") == "operator" else known_tags[name]
    return f"{row['image']}:{tag}"
