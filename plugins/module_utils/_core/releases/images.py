# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a release: in containers, in flags and in variables, from a registry of the user's. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..cluster.bundle import Manifest
from ..collector.collector import from_registry
from ..errors import Problem, near
from .manifest import containers

# The operator takes its defaults from variables of this prefix, cert-manager from a flag that ends so.
_VARIABLE = "RELATED_IMAGE_"
_FLAG = "-image"


def move(manifest: Manifest, registry: str) -> None:
    """Let all images of a workload come from a registry."""
    for container in containers(manifest):
        container["image"] = from_registry(container["image"], registry)
        if container.get("args"):
            container["args"] = [_moved(argument, registry) for argument in container["args"]]
        for variable in container.get("env") or []:
            if variable["name"].startswith(_VARIABLE) and variable.get("value"):
                variable["value"] = from_registry(variable["value"], registry)


def _moved(argument: str, registry: str) -> str:
    flag, equals, value = argument.partition("=")
    return f"{flag}={from_registry(value, registry)}" if equals and flag.endswith(_FLAG) and value else argument


def used(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Yield every image that workloads name, for themselves or for what they start."""
    for manifest in manifests:
        for container in containers(manifest):
            yield container["image"]
            flags = [argument.partition("=") for argument in container.get("args") or []]
            yield from (value for flag, _equals, value in flags if flag.endswith(_FLAG) and value)
            yield from (
                variable["value"]
                for variable in container.get("env") or []
                if variable["name"].startswith(_VARIABLE) and variable.get("value")
            )


def operator_images(
    version: str, registry: str, given: Mapping[str, str], table: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the images that the operator starts by name, and the flags that are needed to make it so.

    Raises Problem for a name that it does not know, and when an image cannot be moved since nobody knows it.
    """
    rows: Mapping[str, Mapping[str, str]] = table["operator_images"]
    for name in given:
        if name not in rows:
            raise Problem(f"the operator has no image '{name}'{near(name, rows)}", fix=f"Images: {', '.join(rows)}.")
    known = table["operator"].get(version)
    unknown = [] if known else [name for name in rows if name not in given]
    if registry and unknown:
        raise Problem(
            f"the images that version {version} of the operator starts are not known, so none can come from {registry}",
            fix=f"Give them all: {', '.join(unknown)}; or use a version of {', '.join(_newest(table['operator']))}.",
        )
    images: dict[str, str] = {}
    flags: dict[str, str] = {}
    for name, row in rows.items():
        default = f"{row['image']}:{_tag(name, row, version, known)}" if known else ""
        image = from_registry(given.get(name) or default, registry)
        if image:
            images[name] = image
        if image != default:
            flags[row["flag"]] = image
    return images, flags


def _tag(name: str, row: Mapping[str, str], version: str, known: Mapping[str, str]) -> str:
    return version if row.get("version") == "operator" else known[name]


def _newest(versions: Iterable[str]) -> Sequence[str]:
    return list(versions)[:5]
