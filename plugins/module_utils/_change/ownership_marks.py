# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of earlier versions, the marks of other tools, and what an object of others lacks of a manifest. Private.

Versions before 1.0.0 had no label of a release: their objects have the label of this collection, and that of their
collector. `_kube.ownership` says what a release owns. A mark is a label or an annotation by which a tool knows its
objects. To convert an object is to take over one of an earlier version.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._kube.ownership import (
    ToolMark,
    find_taken_marks,
    is_applied_by,
    iter_tool_marks,
    read_label,
    read_release_label,
)
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.keepers import FLUX_NAME, FLUX_NAMESPACE, HELM_NAME, HELM_NAMESPACE
from .._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, collector_release, target_allocator_name
from .._otelcol.kube.objects import Manifest

# What Flux and Helm write beside the mark with their name: the namespace, which alone marks nothing. It goes with it.
_MARKS_BESIDE = {
    FLUX_NAME: ToolMark("labels", FLUX_NAMESPACE),
    HELM_NAME: ToolMark("annotations", HELM_NAMESPACE),
}


class EarlierPlace(NamedTuple):
    """Where an object of an earlier version of this collection belongs."""

    namespace: str
    release: str
    """The release of its collector, such as `obs.gateway`; empty if that cannot be told."""


class HelmRelease(NamedTuple):
    """A release of Helm, by the annotations of an object; both texts are empty if Helm has not made the object."""

    namespace: str
    name: str


def is_of_earlier_version(live: Manifest, manager: str) -> bool:
    """Return whether an earlier version of this collection applied an object, and no other tool took it over since."""
    has_earlier_label = read_label(live, OWNER_LABEL) == OWNER and not read_release_label(live)
    return has_earlier_label and is_applied_by(live, manager) and not find_taken_marks(live, manager)


def may_convert(manifest: Manifest, live: Manifest, manager: str) -> bool:
    """Return whether a manifest is that of an object of an earlier version, and of the same collector.

    That version labelled namespaces of others too: a namespace is its own only if nobody else has written it.
    """
    writers = _list_writers(live)
    is_written_alone = manifest["kind"] != "Namespace" or writers == {manager}
    is_same_collector = read_label(manifest, COLLECTOR_LABEL) == read_label(live, COLLECTOR_LABEL)
    return (
        bool(read_release_label(manifest))
        and is_same_collector
        and is_written_alone
        and is_of_earlier_version(live, manager)
    )


def _list_writers(live: Manifest) -> set[Any]:
    """Return the field managers that have written an object."""
    return {entry.get("manager") for entry in live["metadata"].get("managedFields") or []}


def find_earlier_place(live: Manifest) -> EarlierPlace:
    """Return where an object of an earlier version belongs, which named cluster-wide ones NAMESPACE-NAME."""
    collector = read_label(live, COLLECTOR_LABEL)
    namespace = live["metadata"].get("namespace") or ""
    if not collector:
        return EarlierPlace(namespace, release="")
    if not namespace:
        namespace = _namespace_in_name(live["metadata"]["name"], collector)
    return EarlierPlace(namespace, release=collector_release(namespace, collector) if namespace else "")


def _namespace_in_name(name: str, collector: str) -> str:
    """Return the namespace with which the name of a cluster-wide object begins, or an empty text for another name."""
    for name_ending in (f"-{target_allocator_name(collector)}", f"-{collector}"):
        if name.endswith(name_ending):
            return name.removesuffix(name_ending)
    return ""


def list_tool_marks(live: Manifest, manager: str) -> list[ToolMark]:
    """Return the marks that Argo CD, Flux or Helm put on an object at any time."""
    own_marks = [mark for mark, written_times in iter_tool_marks(live, manager) if written_times]
    marks_beside = [_MARKS_BESIDE[mark.key] for mark in own_marks if mark.key in _MARKS_BESIDE]
    return own_marks + marks_beside


def read_helm_release(live: Manifest) -> HelmRelease:
    """Return the Helm release that has made an object."""
    annotations = mapping_at(live, "metadata", "annotations")
    return HelmRelease(namespace=str(annotations.get(HELM_NAMESPACE) or ""), name=str(annotations.get(HELM_NAME) or ""))


def list_lacking_parts(live: Manifest, account: Manifest) -> list[str]:
    """Return what a ServiceAccount of others lacks of the one that a bundle has, by names alone."""
    missing_parts = []
    live_annotations = mapping_at(live, "metadata", "annotations")
    for key, value in mapping_at(account, "metadata", "annotations").items():
        if live_annotations.get(key) != value:
            missing_parts.append(f"annotation {key}")
    live_secrets = {secret.get("name") for secret in list_at(live, "imagePullSecrets")}
    for secret in list_at(account, "imagePullSecrets"):
        if secret["name"] not in live_secrets:
            missing_parts.append(f"imagePullSecret {secret['name']}")
    return missing_parts


def list_missing_marks(live: Manifest, manifest: Manifest) -> list[str]:
    """Return the labels and annotations of a manifest that a live object lacks, as text."""
    missing_marks = []
    for metadata_part, word in (("labels", "label"), ("annotations", "annotation")):
        live_marks = mapping_at(live, "metadata", metadata_part)
        for key, value in mapping_at(manifest, "metadata", metadata_part).items():
            if live_marks.get(key) != value:
                missing_marks.append(f"{word} {key}={value}")
    return missing_marks
