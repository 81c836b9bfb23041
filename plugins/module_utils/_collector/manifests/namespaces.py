# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Namespace of a collector, and Namespaces that several owners share. Private."""

from __future__ import annotations

from ..._kube import object_names
from ..._kube.release_names import shared_release
from ..._otelcol.kube import names
from .build import CollectorBuild, Manifest


def render_collector_namespace(build: CollectorBuild) -> Manifest | None:
    """Return the Namespace of a collector, unless another owner creates it."""
    collector = build.collector
    return render_shared_namespace(collector.namespace) if collector.create_namespace else None


def render_shared_namespace(name: str) -> Manifest | None:
    """Return a Namespace without labels of its users, who share it; none for a namespace of Kubernetes itself."""
    if object_names.is_predefined_namespace(name):
        return None
    labels = {names.OWNER_LABEL: names.OWNER, names.RELEASE_LABEL: shared_release(name)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
