# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a bundle: their order, how they differ, which are left over, and what blocks a deletion. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from .._kube.bundle import Hide, Parse, redact_manifest
from .._otelcol.kube.objects import Manifest, ObjectRef, controlling_owner, ref

# Dependencies come first: certificates before the pods that mount them, webhooks after the pods that serve them.
# Other kinds (autoscalers, routes, custom resources that webhooks validate) come last.
_KINDS_IN_ORDER = (
    ("CustomResourceDefinition",),
    ("Namespace", "PriorityClass"),
    ("ServiceAccount", "ResourceQuota", "LimitRange", "OperatorGroup"),
    ("ClusterRole", "Role", "SecurityContextConstraints"),
    ("ClusterRoleBinding", "RoleBinding"),
    ("ConfigMap", "Secret", "PersistentVolumeClaim"),
    ("Service",),
    ("Issuer", "ClusterIssuer"),
    # Others make Secrets from these.
    ("Certificate", "ExternalSecret", "SealedSecret", "SecretProviderClass"),
    ("Deployment", "DaemonSet", "StatefulSet"),
    ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"),
    # Deleted after its Subscription, which would recreate it, and before its objects, which it would recreate.
    ("ClusterServiceVersion",),
)
_POSITION_BY_KIND = {kind: position for position, kinds in enumerate(_KINDS_IN_ORDER) for kind in kinds}
_LAST_POSITION = len(_KINDS_IN_ORDER)

# Written by the server or its controllers, never by an owner.
_SERVER_METADATA = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_SERVER_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
)

# Who removes a finalizer, so that the object can be deleted.
_FINALIZER_REMOVERS = {
    "opentelemetrycollector.opentelemetry.io/finalizer": "the OpenTelemetry operator, which must run for that",
    "foregroundDeletion": "Kubernetes, when the pods and others that it owns are gone",
    "customresourcecleanup.apiextensions.k8s.io": "Kubernetes, when no object of the kind is left",
    "kubernetes.io/pvc-protection": "Kubernetes, when no pod uses it",
    "service.kubernetes.io/load-balancer-cleanup": "the cloud's controller of load balancers",
}


def group_by_dependency(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """Return the bundle as groups. Each group depends on the groups before it; within a group the order is free."""
    groups = groupby(sorted(manifests, key=_find_position), _find_position)
    return [list(group) for _position_of_group, group in groups]


def _find_position(manifest: Manifest) -> int:
    return _POSITION_BY_KIND.get(manifest["kind"], _LAST_POSITION)


def strip_server_fields(manifest: Manifest) -> Manifest:
    """Return an object without its status and the fields that the server writes."""
    metadata = _drop_keys(manifest.get("metadata", {}), _SERVER_METADATA)
    annotations = _drop_keys(metadata.pop("annotations", None) or {}, _SERVER_ANNOTATIONS)
    if annotations:
        metadata["annotations"] = annotations
    # The only field of a Namespace is the list of finalizers that the server keeps.
    server_fields = ("status", "spec") if manifest.get("kind") == "Namespace" else ("status",)
    return {**_drop_keys(manifest, server_fields), "metadata": metadata}


def _drop_keys(mapping: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}


def build_difference(
    old_manifest: Manifest | None, new_manifest: Manifest | None, hide: Hide, parse: Parse
) -> dict[str, Any] | None:
    """Return the diff of one object, or None if it does not change. Secrets are hidden on both sides.

    `hide` masks one text, and `parse` reads a text of YAML: `_kube/bundle.py` has both types.
    """
    old_fields = strip_server_fields(old_manifest) if old_manifest else None
    new_fields = strip_server_fields(new_manifest) if new_manifest else None
    if old_fields == new_fields:
        return None
    object_name = str(ref(new_fields or old_fields or {}))
    return {
        "before": redact_manifest(old_fields, hide, parse) if old_fields else None,
        "after": redact_manifest(new_fields, hide, parse) if new_fields else None,
        "before_header": object_name,
        "after_header": object_name,
    }


def find_stale_objects(labelled: Iterable[Manifest], bundle_refs: set[ObjectRef]) -> list[Manifest]:
    """Return the labelled objects that left the bundle, and that nothing deletes yet.

    Objects of a controller are deleted with their owner.
    """
    stale_objects = []
    for manifest in labelled:
        is_leaving = bool(manifest["metadata"].get("deletionTimestamp"))
        if ref(manifest) not in bundle_refs and not controlling_owner(manifest) and not is_leaving:
            stale_objects.append(manifest)
    return stale_objects


def describe_finalizers(manifest: Manifest) -> str:
    """Return the finalizers that block a deletion and the components that remove them, as the end of a sentence."""
    finalizers = manifest["metadata"].get("finalizers") or []
    descriptions = [_describe_finalizer(name) for name in finalizers]
    return f" (finalizers: {', '.join(descriptions)})" if descriptions else ""


def _describe_finalizer(finalizer: str) -> str:
    remover = _FINALIZER_REMOVERS.get(finalizer)
    return f"{finalizer}: {remover}" if remover else finalizer
