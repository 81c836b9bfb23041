# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of manifests: order, comparison without server fields, redaction. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from .._otelcol.config.masking import masked_tree, masker, secrets_in_objects
from .._otelcol.errors import Problem
from .._otelcol.kube.objects import Identity, Manifest, Ref, controller_of, identity, ref

# Dependencies come first: certificates before the pods that mount them, webhooks after the pods that serve them.
# Other kinds (autoscalers, routes, custom resources that webhooks validate) come last.
ORDER = {
    kind: position
    for position, kinds in enumerate(
        (
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
    )
    for kind in kinds
}
LAST = max(ORDER.values()) + 1

# Written by the server or its controllers, never by an owner.
SERVER_METADATA = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
SERVER_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
)

# Which component removes a finalizer, so that the object can be deleted.
HOLDERS = {
    "opentelemetrycollector.opentelemetry.io/finalizer": "the OpenTelemetry operator, which must run for that",
    "foregroundDeletion": "Kubernetes, when the pods and others that it owns are gone",
    "customresourcecleanup.apiextensions.k8s.io": "Kubernetes, when no object of the kind is left",
    "kubernetes.io/pvc-protection": "Kubernetes, when no pod uses it",
    "service.kubernetes.io/load-balancer-cleanup": "the cloud's controller of load balancers",
}


def check(manifests: list[Manifest]) -> None:
    """Reject manifests that no server accepts, before the first request."""
    seen: set[Identity] = set()
    for index, manifest in enumerate(manifests):
        where = f"manifests[{index}]"
        _check_type(manifest, where)
        _check_name(manifest, where)
        if identity(manifest) in seen:
            raise Problem(f"{ref(manifest)} is in the bundle twice", where=where, fix="Remove or merge one of the two.")
        seen.add(identity(manifest))


def _check_type(manifest: Manifest, where: str) -> None:
    for key in ("apiVersion", "kind"):
        if not isinstance(manifest.get(key), str) or not manifest[key]:
            fix = "Give every manifest apiVersion, kind and metadata.name."
            raise Problem(f"the manifest has no {key}", where=where, fix=fix)


def _check_name(manifest: Manifest, where: str) -> None:
    metadata = manifest.get("metadata") or {}
    for key in ("name", "namespace"):
        if not isinstance(metadata.get(key) or "", str):
            raise Problem("name and namespace are texts", where=f"{where}.metadata", fix="Write them as texts.")
    if not metadata.get("name"):
        fix = "generateName cannot be applied twice; set a name."
        raise Problem(f"the {manifest['kind']} has no metadata.name", where=where, fix=fix)


def ordered(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """Return the bundle as groups. Each group depends on the groups before it; within a group the order is free."""

    def position(manifest: Manifest) -> int:
        return ORDER.get(manifest["kind"], LAST)

    return [list(group) for _rank, group in groupby(sorted(manifests, key=position), position)]


def normalise(manifest: Manifest) -> Manifest:
    """Return an object without its status and the fields that the server writes."""
    metadata = _without(manifest.get("metadata", {}), SERVER_METADATA)
    annotations = _without(metadata.pop("annotations", None) or {}, SERVER_ANNOTATIONS)
    if annotations:
        metadata["annotations"] = annotations
    # The only field of a Namespace is the list of finalizers that the server keeps.
    servers = ("status", "spec") if manifest.get("kind") == "Namespace" else ("status",)
    return {**_without(manifest, servers), "metadata": metadata}


def _without(mapping: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}


Hide = Callable[[str], str]
Parse = Callable[[str], Any]


def redact(manifest: Manifest, hide: Hide, parse: Parse) -> Manifest:
    """Hide the values of a Secret, and the secrets that another object holds in clear text."""
    if manifest.get("kind") != "Secret":
        hidden: Manifest = masked_tree(manifest, masker(secrets_in_objects(manifest, parse), hide))
        return hidden
    held = {key: manifest[key] for key in ("data", "stringData") if isinstance(manifest.get(key), dict)}
    return manifest | {key: {name: hide(str(value)) for name, value in held[key].items()} for key in held}


def difference(before: Manifest | None, after: Manifest | None, hide: Hide, parse: Parse) -> dict[str, Any] | None:
    """Return the diff of one object, or None if it does not change."""
    old, new = (normalise(side) if side else None for side in (before, after))
    if old == new:
        return None
    name = str(ref(new or old or {}))
    return {
        "before": redact(old, hide, parse) if old else None,
        "after": redact(new, hide, parse) if new else None,
        "before_header": name,
        "after_header": name,
    }


def stale(live: Iterable[Manifest], wanted: set[Ref]) -> list[Manifest]:
    """Return the labelled objects that left the bundle. Objects of a controller are deleted with their owner."""
    return [found for found in live if ref(found) not in wanted and not controller_of(found) and not _leaving(found)]


def _leaving(manifest: Manifest) -> bool:
    return bool(manifest["metadata"].get("deletionTimestamp"))


def holders(manifest: Manifest) -> str:
    """Return the finalizers that block a deletion, and the components that remove them."""
    names = manifest["metadata"].get("finalizers") or []
    described = [f"{name}: {HOLDERS[name]}" if name in HOLDERS else name for name in names]
    return f" (finalizers: {', '.join(described)})" if described else ""


def secret_values(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Yield the values of the bundle's Secrets, which no message may contain."""
    for manifest in manifests:
        if manifest.get("kind") == "Secret":
            for held in (manifest.get("data"), manifest.get("stringData")):
                yield from map(str, held.values() if isinstance(held, dict) else [held] if held else [])
