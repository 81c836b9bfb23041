# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collectors have another minor version than the operator that manages them? Private.

The operator is made for Collectors of its own minor version, and upgrades most of them with itself. The decisions on
releases and add-ons warn about the collectors that stay behind, before the operator changes. For example:

    OpenTelemetryCollector obs/agent stays at version 0.150.0, since it is not upgraded automatically
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict

from .image_references import image_name, read_image_tag
from .version_numbers import Version, parse_release_version, require_version

# Some images of Collectors have version numbers of their own, such as that of AWS. By the name of such an image: the
# version of the Collector in each of its versions, oldest first. It is part `builds` of compatibility.yml:
#   aws-otel-collector: {v0.48.1: 0.151.0, v0.49.0: 0.156.0}
Builds = Mapping[str, Mapping[str, str]]


class ManagedResource(TypedDict):
    """A custom resource that runs, or will run, under an operator. `ResourceRow` of release_info has these keys."""

    kind: str
    namespace: str
    name: str
    image: str
    """The image that the user gives; empty for the operator's own."""
    version: str
    """The version that the operator gave it; empty if it does not run yet."""
    automatic: bool
    """Whether the operator upgrades it."""


def list_skew_warnings(
    collectors: Iterable[ManagedResource], operator: Version, builds: Builds | None = None
) -> Iterator[str]:
    """Yield a warning for each collector whose minor version differs from that of the operator."""
    for collector in collectors:
        if collector["kind"] == "OpenTelemetryCollector":
            warning = _explain_skew(collector, operator, builds or {})
            if warning:
                yield warning


def plan_collector(collector: Mapping[str, Any]) -> ManagedResource:
    """Return a collector of the inventory as the custom resource that it becomes.

    `collector` is a row of action otel_render.
    """
    return {
        "kind": "OpenTelemetryCollector",
        "namespace": collector["namespace"],
        "name": collector["name"],
        "image": collector["image"],
        "version": "",
        "automatic": False,
    }


def _explain_skew(collector: ManagedResource, operator: Version, builds: Builds) -> str:
    """Return the warning about a collector; an empty text if its version fits or is not known."""
    title = f"OpenTelemetryCollector {collector['namespace']}/{collector['name']}"
    image_version = _find_collector_version(collector["image"], builds)
    if image_version and not _is_same_line(image_version, operator):
        wrong = (
            f"{title} has an image of its own of version {image_version}; the operator is made for"
            f" {operator.minor_line}"
        )
        matching_tag = _find_matching_tag(collector["image"], operator, builds)
        return f"{wrong}, which {matching_tag} of this build is of" if matching_tag else wrong
    if collector["image"] or collector["automatic"]:
        return ""
    running_version = parse_release_version(collector["version"] or "")
    if running_version and not _is_same_line(running_version, operator):
        return f"{title} stays at version {running_version}, since it is not upgraded automatically"
    return ""


def _is_same_line(version: Version, other_version: Version) -> bool:
    """Return whether two versions differ in their patch at most, such as 0.151.0 and 0.151.2."""
    return version.minor_line == other_version.minor_line


def _find_collector_version(image: str, builds: Builds) -> Version | None:
    """Return the version of the Collector in an image, by its tag; None if it is not known."""
    image_tag = read_image_tag(image)
    version_by_tag = builds.get(image_name(image))
    if version_by_tag is None:
        return parse_release_version(image_tag)
    return parse_release_version(version_by_tag.get(image_tag, ""))


def _find_matching_tag(image: str, operator: Version, builds: Builds) -> str:
    """Return the newest tag of the same image that has a Collector of the operator's minor version, such as v0.48.1.

    It is empty if there is none, and for an image without version numbers of its own.
    """
    matching_tag = ""
    for tag, collector_version in builds.get(image_name(image), {}).items():
        if _is_same_line(require_version(collector_version, "the Collector"), operator):
            matching_tag = tag
    return matching_tag
