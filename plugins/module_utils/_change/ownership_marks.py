# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of earlier versions, the marks of other tools, and what an object of others lacks of a manifest. Private.

Versions before 1.0.0 had no label of a release: their objects have the label of this collection, and that of their
collector. `_kube.ownership` says what a release owns.
"""

from __future__ import annotations

from .._kube.ownership import applied_by, label_of, release_of, taken, tool_marks
from .._otelcol.config.paths import section
from .._otelcol.kube.keepers import FLUX_NAME, FLUX_NAMESPACE, HELM_NAME, HELM_NAMESPACE
from .._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, allocator, release
from .._otelcol.kube.objects import Manifest

# What the tools write beside their marks, and what goes with a mark.
_BESIDE = {FLUX_NAME: ("labels", FLUX_NAMESPACE), HELM_NAME: ("annotations", HELM_NAMESPACE)}


def of_earlier(live: Manifest, manager: str) -> bool:
    """Return whether an earlier version of this collection applied an object, and no other tool took it over since."""
    labelled = label_of(live, OWNER_LABEL) == OWNER and not release_of(live)
    return labelled and applied_by(live, manager) and not taken(live, manager)


def converts(manifest: Manifest, live: Manifest, manager: str) -> bool:
    """Return whether a manifest is that of an object of an earlier version, and of the same collector.

    That version labelled namespaces of others too: a namespace is its own only if nobody else has written it.
    """
    writers = {entry.get("manager") for entry in live["metadata"].get("managedFields") or []}
    alone = manifest["kind"] != "Namespace" or writers == {manager}
    same = label_of(manifest, COLLECTOR_LABEL) == label_of(live, COLLECTOR_LABEL)
    return bool(release_of(manifest)) and same and alone and of_earlier(live, manager)


def earlier_place(live: Manifest) -> tuple[str, str]:
    """Return namespace and release of an object of an earlier version, which named cluster-wide ones NAMESPACE-NAME."""
    metadata, name = live["metadata"], label_of(live, COLLECTOR_LABEL)
    ends = [end for part in (allocator(name), name) if metadata["name"].endswith(end := f"-{part}")]
    place = metadata.get("namespace") or (metadata["name"].removesuffix(ends[0]) if name and ends else "")
    return place, release(place, name) if place and name else ""


def marks(live: Manifest, manager: str) -> list[tuple[str, str]]:
    """Return the marks that Argo CD, Flux or Helm put on an object at any time."""
    found = [one for one, times in tool_marks(live, manager) if times]
    return found + [_BESIDE[mark] for _part, mark in found if mark in _BESIDE]


def helm_release(live: Manifest) -> tuple[str, str]:
    """Return namespace and name of the Helm release that has made an object, empty if none has."""
    annotations = section(live, "metadata", "annotations")
    return str(annotations.get(HELM_NAMESPACE) or ""), str(annotations.get(HELM_NAME) or "")


def lacking(live: Manifest, account: Manifest) -> list[str]:
    """Return what a ServiceAccount of others lacks of the one that a bundle has, by names alone."""
    here = live["metadata"].get("annotations") or {}
    asked = account["metadata"].get("annotations") or {}
    found = [f"annotation {key}" for key, value in asked.items() if here.get(key) != value]
    pulls = [item.get("name") for item in live.get("imagePullSecrets") or []]
    wanted = [item["name"] for item in account.get("imagePullSecrets") or []]
    return found + [f"imagePullSecret {name}" for name in wanted if name not in pulls]


def unmarked(live: Manifest, manifest: Manifest) -> list[str]:
    """Return the labels and annotations of a manifest that a live object lacks, as text."""
    return [
        f"{part[:-1]} {key}={value}"
        for part in ("labels", "annotations")
        for key, value in section(manifest, "metadata", part).items()
        if section(live, "metadata", part).get(key) != value
    ]
