# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of earlier versions, the marks of other tools, and what an object of others lacks of a manifest. Private.

Versions before 1.0.0 had no label of a release: their objects have the label of this collection, and that of their
collector. `_kube.ownership` says what a release owns.
"""

from __future__ import annotations

from typing import Any

from .._kube.ownership import applied_by, label_of, release_of, taken, tool_marks
from .._otelcol.config.paths import items, section
from .._otelcol.kube.keepers import FLUX_NAME, FLUX_NAMESPACE, HELM_NAME, HELM_NAMESPACE
from .._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, allocator, release
from .._otelcol.kube.objects import Manifest

# What the tools write beside their marks, and what goes with a mark.
_BESIDE = {FLUX_NAME: ("labels", FLUX_NAMESPACE), HELM_NAME: ("annotations", HELM_NAMESPACE)}


def of_earlier(live: Manifest, manager: str) -> bool:
    """Return whether an earlier version of this collection applied an object, and no other tool took it over since."""
    has_earlier_label = label_of(live, OWNER_LABEL) == OWNER and not release_of(live)
    return has_earlier_label and applied_by(live, manager) and not taken(live, manager)


def converts(manifest: Manifest, live: Manifest, manager: str) -> bool:
    """Return whether a manifest is that of an object of an earlier version, and of the same collector.

    That version labelled namespaces of others too: a namespace is its own only if nobody else has written it.
    """
    writers = _writers(live)
    is_written_alone = manifest["kind"] != "Namespace" or writers == {manager}
    is_same_collector = label_of(manifest, COLLECTOR_LABEL) == label_of(live, COLLECTOR_LABEL)
    return bool(release_of(manifest)) and is_same_collector and is_written_alone and of_earlier(live, manager)


def _writers(live: Manifest) -> set[Any]:
    """Return the field managers that have written an object."""
    return {entry.get("manager") for entry in live["metadata"].get("managedFields") or []}


def earlier_place(live: Manifest) -> tuple[str, str]:
    """Return namespace and release of an object of an earlier version, which named cluster-wide ones NAMESPACE-NAME."""
    collector = label_of(live, COLLECTOR_LABEL)
    namespace = live["metadata"].get("namespace") or ""
    if not collector:
        return namespace, ""
    if not namespace:
        namespace = _namespace_in_name(live["metadata"]["name"], collector)
    return namespace, release(namespace, collector) if namespace else ""


def _namespace_in_name(name: str, collector: str) -> str:
    """Return the namespace with which the name of a cluster-wide object begins, or an empty text for another name."""
    for end in (f"-{allocator(collector)}", f"-{collector}"):
        if name.endswith(end):
            return name.removesuffix(end)
    return ""


def marks(live: Manifest, manager: str) -> list[tuple[str, str]]:
    """Return the marks that Argo CD, Flux or Helm put on an object at any time: `labels` or `annotations`, and name."""
    tools_own = [mark for mark, times in tool_marks(live, manager) if times]
    marks_beside = [_BESIDE[name] for _part, name in tools_own if name in _BESIDE]
    return tools_own + marks_beside


def helm_release(live: Manifest) -> tuple[str, str]:
    """Return namespace and name of the Helm release that has made an object, empty if none has."""
    annotations = section(live, "metadata", "annotations")
    return str(annotations.get(HELM_NAMESPACE) or ""), str(annotations.get(HELM_NAME) or "")


def lacking(live: Manifest, account: Manifest) -> list[str]:
    """Return what a ServiceAccount of others lacks of the one that a bundle has, by names alone."""
    missing = []
    live_annotations = section(live, "metadata", "annotations")
    for key, value in section(account, "metadata", "annotations").items():
        if live_annotations.get(key) != value:
            missing.append(f"annotation {key}")
    live_secrets = {secret.get("name") for secret in items(live, "imagePullSecrets")}
    for secret in items(account, "imagePullSecrets"):
        if secret["name"] not in live_secrets:
            missing.append(f"imagePullSecret {secret['name']}")
    return missing


def unmarked(live: Manifest, manifest: Manifest) -> list[str]:
    """Return the labels and annotations of a manifest that a live object lacks, as text."""
    missing = []
    for part, word in (("labels", "label"), ("annotations", "annotation")):
        live_marks = section(live, "metadata", part)
        for key, value in section(manifest, "metadata", part).items():
            if live_marks.get(key) != value:
                missing.append(f"{word} {key}={value}")
    return missing
