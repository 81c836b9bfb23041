# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who keeps an object, by the marks of the tools that deploy objects. Private.

The keeper of an object is the tool or owner that applies it again when it is changed. A mark is a label or annotation.

Sources: Helm's pkg/action/validate.go, Argo CD's resource tracking and the labels of Flux' kustomize-controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.paths import mapping_at
from .names import OWNER_LABEL

HELM_NAME, HELM_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
ARGO_TRACKING, ARGO_INSTANCE = "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"
FLUX_NAME, FLUX_NAMESPACE = "kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace"


def describe_keeper(manifest: Mapping[str, Any]) -> str:
    """Return who keeps an object or a manifest: a tool by its marks, else the label of an owner, and the namespace."""
    namespace = mapping_at(manifest, "metadata").get("namespace")
    owner = mapping_at(manifest, "metadata", "labels").get(OWNER_LABEL)
    parts = (owner and str(owner), namespace and f"namespace {namespace}")
    return find_tool(manifest) or ", ".join(filter(None, parts)) or "no owner label"


def find_tool(manifest: Mapping[str, Any]) -> str:
    """Return the tool that has marked an object or a manifest as its own; empty text if there is none."""
    labels, annotations = mapping_at(manifest, "metadata", "labels"), mapping_at(manifest, "metadata", "annotations")
    application = str(annotations.get(ARGO_TRACKING) or "").partition(":")[0] or labels.get(ARGO_INSTANCE)
    if annotations.get(HELM_NAME):
        return f"Helm release {annotations.get(HELM_NAMESPACE, '')}/{annotations[HELM_NAME]}"
    if application:
        return f"Argo CD application {application}"
    if labels.get(FLUX_NAME):
        return f"Flux Kustomization {labels.get(FLUX_NAMESPACE, '')}/{labels[FLUX_NAME]}"
    return ""
