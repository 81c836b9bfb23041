# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finalizers, by which components keep an object from being deleted until they have cleaned up after it. Private."""

from __future__ import annotations

from .._otelcol.kube.objects import Manifest

# Who removes a finalizer, so that the object can be deleted.
_FINALIZER_REMOVERS = {
    "opentelemetrycollector.opentelemetry.io/finalizer": "the OpenTelemetry operator, which must run for that",
    "foregroundDeletion": "Kubernetes, when the pods and others that it owns are gone",
    "customresourcecleanup.apiextensions.k8s.io": "Kubernetes, when no object of the kind is left",
    "kubernetes.io/pvc-protection": "Kubernetes, when no pod uses it",
    "service.kubernetes.io/load-balancer-cleanup": "the cloud's controller of load balancers",
}


def describe_finalizers(manifest: Manifest) -> str:
    """Return the finalizers that block a deletion, and who removes them, as the end of a sentence.

    For example ` (finalizers: kubernetes.io/pvc-protection: Kubernetes, when no pod uses it)`; empty without any.
    """
    finalizers = manifest["metadata"].get("finalizers") or []
    descriptions = [_describe_finalizer(name) for name in finalizers]
    return f" (finalizers: {', '.join(descriptions)})" if descriptions else ""


def _describe_finalizer(finalizer: str) -> str:
    remover = _FINALIZER_REMOVERS.get(finalizer)
    return f"{finalizer}: {remover}" if remover else finalizer
