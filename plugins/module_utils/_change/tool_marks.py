# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks by which Argo CD, Flux and Helm know their objects: labels and annotations of a live object. Private.

`_kube/ownership.py` says who wrote a mark and when. Example: Helm marks an object by the name of its release, and
writes the namespace of the release beside it, which is removed with the mark:

    [ToolMark("annotations", "meta.helm.sh/release-name"), ToolMark("annotations", "meta.helm.sh/release-namespace")]
"""

from __future__ import annotations

from typing import NamedTuple

from .._kube.ownership import ToolMark, iter_tool_marks
from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.keepers import FLUX_NAME, FLUX_NAMESPACE, HELM_NAME, HELM_NAMESPACE
from .._otelcol.kube.objects import Manifest

# What Flux and Helm write beside the mark with their name: the namespace, which alone marks nothing. It goes with it.
_MARKS_BESIDE = {
    FLUX_NAME: ToolMark("labels", FLUX_NAMESPACE),
    HELM_NAME: ToolMark("annotations", HELM_NAMESPACE),
}


class HelmRelease(NamedTuple):
    """A release of Helm, by the annotations of an object; both texts are empty if Helm has not made the object."""

    namespace: str
    name: str


def list_tool_marks(live: Manifest, manager: str) -> list[ToolMark]:
    """Return the marks that Argo CD, Flux or Helm put on an object at any time, each with the one beside it."""
    named_marks = [mark for mark, written_times in iter_tool_marks(live, manager) if written_times]
    marks_beside = [_MARKS_BESIDE[mark.key] for mark in named_marks if mark.key in _MARKS_BESIDE]
    return named_marks + marks_beside


def read_helm_release(live: Manifest) -> HelmRelease:
    """Return the Helm release that has made an object."""
    annotations = mapping_at(live, "metadata", "annotations")
    return HelmRelease(namespace=str(annotations.get(HELM_NAMESPACE) or ""), name=str(annotations.get(HELM_NAME) or ""))
