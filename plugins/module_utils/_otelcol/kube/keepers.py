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

# Annotations of Helm.
HELM_NAME = "meta.helm.sh/release-name"
HELM_NAMESPACE = "meta.helm.sh/release-namespace"
# An annotation of Argo CD such as `shop:apps/Deployment:web/cart`, whose first word is the application, and a label.
ARGO_TRACKING = "argocd.argoproj.io/tracking-id"
ARGO_INSTANCE = "argocd.argoproj.io/instance"
# Labels of Flux.
FLUX_NAME = "kustomize.toolkit.fluxcd.io/name"
FLUX_NAMESPACE = "kustomize.toolkit.fluxcd.io/namespace"


def describe_keeper(manifest: Mapping[str, Any]) -> str:
    """Return who keeps an object or a manifest: a tool by its marks, else the label of an owner, and the namespace.

    Answers: `Helm release obs/gateway`, `o11y.opentelemetry, namespace obs`, `namespace obs`, `no owner label`.
    """
    tool = find_tool(manifest)
    if tool:
        return tool
    owner = mapping_at(manifest, "metadata", "labels").get(OWNER_LABEL)
    namespace = mapping_at(manifest, "metadata").get("namespace")
    known_marks = []
    if owner:
        known_marks.append(str(owner))
    if namespace:
        known_marks.append(f"namespace {namespace}")
    return ", ".join(known_marks) or "no owner label"


def find_tool(manifest: Mapping[str, Any]) -> str:
    """Return the tool that has marked an object or a manifest as its own; empty text if there is none."""
    labels = mapping_at(manifest, "metadata", "labels")
    annotations = mapping_at(manifest, "metadata", "annotations")
    if annotations.get(HELM_NAME):
        return f"Helm release {annotations.get(HELM_NAMESPACE, '')}/{annotations[HELM_NAME]}"
    application = str(annotations.get(ARGO_TRACKING) or "").partition(":")[0] or labels.get(ARGO_INSTANCE)
    if application:
        return f"Argo CD application {application}"
    if labels.get(FLUX_NAME):
        return f"Flux Kustomization {labels.get(FLUX_NAMESPACE, '')}/{labels[FLUX_NAME]}"
    return ""
