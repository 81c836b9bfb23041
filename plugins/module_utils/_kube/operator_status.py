# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator and cert-manager report about their resources, and what they create from them. Private.

Sources: the operator's `internal/naming`, `internal/manifests` and `internal/status`, 0.152 to 0.158.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .._otelcol.config.paths import at, items, section
from .._otelcol.kube.operator_names import child_name

Object = dict[str, Any]

COLLECTOR, ALLOCATOR = "OpenTelemetryCollector", "TargetAllocator"
# The label of the operator's pods, set by its release, its chart and OLM in any namespace.
OPERATOR_PODS = "app.kubernetes.io/name=opentelemetry-operator"
KINDS = {"deployment": "Deployment", "daemonset": "DaemonSet", "statefulset": "StatefulSet"}


class Child(NamedTuple):
    """A workload that the operator creates: its name, its owner and the fields that it must have when it is current."""

    kind: str
    namespace: str
    name: str
    owner: tuple[str, str]
    image: str
    replicas: int | None
    annotations: dict[str, str]

    def __str__(self) -> str:
        """Return `Kind namespace/name`."""
        return f"{self.kind} {self.namespace}/{self.name}"


def followed(resource: Object) -> bool:
    """Return whether a resource is ready when the operator's workloads for it are ready."""
    return resource.get("kind") in (COLLECTOR, ALLOCATOR)


def children(resource: Object) -> list[Child]:
    """Return the workloads of a resource. A sidecar has none: the operator injects it into other pods."""
    spec = resource.get("spec") or {}
    if resource["kind"] == ALLOCATOR:
        return [_allocator(resource, spec)]
    kind = KINDS.get(spec.get("mode") or "deployment")
    found = [_child(resource, kind, "-collector", COLLECTOR, spec)] if kind else []
    allocator = spec.get("targetAllocator") or {}
    if allocator.get("enabled"):
        found.append(_allocator(resource, allocator))
    return found


def _allocator(resource: Object, spec: Object) -> Child:
    given = {**spec, "podAnnotations": (resource.get("spec") or {}).get("podAnnotations")}
    return _child(resource, "Deployment", "-targetallocator", ALLOCATOR, given)


def _child(resource: Object, kind: str, suffix: str, owner: str, spec: Object) -> Child:
    metadata = resource["metadata"]
    # An autoscaler sets the count of the resource, and the operator follows.
    counted = kind != "DaemonSet" and not spec.get("autoscaler")
    return Child(
        kind=kind,
        namespace=metadata.get("namespace") or "",
        name=child_name(metadata["name"], suffix),
        owner=(owner, metadata["name"]),
        image=spec.get("image") or "",
        replicas=spec.get("replicas") if counted else None,
        annotations=spec.get("podAnnotations") or {},
    )


def unreconciled(resource: Object, live: list[Object | None]) -> str:
    """Return why the operator has not rolled out a resource's current generation, or an empty string."""
    if section(resource, "spec").get("managementState") == "unmanaged":
        return _absent(resource, live, proven=True)
    state = section(resource, "status")
    seen = state.get("observedGeneration") or 0
    ready = next((item for item in state.get("conditions") or [] if item.get("type") == "Ready"), None)
    if ready is None and not seen:  # an operator before 0.154, or no operator
        silent = resource["kind"] == COLLECTOR and not state.get("version")
        return "no operator has reconciled it" if silent else _absent(resource, live, proven=False)
    generation = resource["metadata"].get("generation") or 0
    if seen < generation:
        return f"the operator has seen generation {seen}, not {generation}"
    if ready and ready.get("status") != "True":
        return f"the operator says {ready.get('reason')}: {ready.get('message')}"
    return _absent(resource, live, proven=True)


def _absent(resource: Object, live: list[Object | None], *, proven: bool) -> str:
    """Return why a workload does not match its resource.

    The operator's status of a collector covers the collector's workload, but not the target allocator, which
    another controller creates. Without a status only the workload shows the state.
    """
    for child, found in zip(children(resource), live, strict=True):
        if found is None or found["metadata"].get("deletionTimestamp"):
            return f"{child} does not exist"
        owners = [(item.get("kind"), item.get("name")) for item in found["metadata"].get("ownerReferences") or []]
        if child.owner not in owners:
            return f"{child} has another owner"
        trust = proven and child.owner[0] == resource["kind"] == COLLECTOR
        if not trust and (lacks := _lacks(child, found)):
            return f"{child} does not have the {lacks} of the resource yet"
    return ""


def _lacks(child: Child, found: Object) -> str:
    template = found["spec"]["template"]
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    images = [container.get("image") for container in template["spec"].get("containers") or []]
    checks = (
        ("image", not child.image or child.image in images),
        ("podAnnotations", child.annotations.items() <= annotations.items()),
        ("replicas", child.replicas is None or child.replicas == found["spec"].get("replicas")),
    )
    return next((name for name, same in checks if not same), "")


API_VERSION = "cert-manager.io/v1"
KIND = "Certificate"
NAME = "cert-manager.io/certificate-name"


def is_issued(certificate: Object) -> bool:
    """Return whether the Secret holds a certificate for the Certificate's current spec."""
    return condition(certificate, "Ready").get("status") == "True"


def refusal(certificate: Object) -> str:
    """Return why a Certificate failed. cert-manager retries a failed Certificate only after an hour."""
    issuing = condition(certificate, "Issuing")
    return str(issuing.get("message") or "refused") if issuing.get("reason") == "Failed" else ""


def condition(item: Object, kind: str) -> Object:
    """Return a condition of the object's current generation, or an empty one."""
    for found in items(item, "status", "conditions"):
        if found.get("type") == kind and found.get("observedGeneration") in (None, item["metadata"].get("generation")):
            return dict(found)
    return {}


def account(certificate: Object, requests: Iterable[Object]) -> str:
    """Return why a Certificate is not issued, from its newest request if possible."""
    mine = [item for item in requests if belongs(item, certificate)]
    newest = max(mine, key=lambda item: str(item["metadata"].get("creationTimestamp")), default={})
    said = condition(newest, "Ready").get("message") if newest else None
    return str(said or condition(certificate, "Ready").get("message") or "cert-manager has not processed it")


def needed(going: Sequence[Object], others: Iterable[Object]) -> list[Object]:
    """Return what must stay: issuers that other Certificates name, and the CA Certificates of these issuers.

    Collectors of other owners may share the CA of the namespace.
    """
    kept: list[Object] = []
    asking = list(others)
    while asking:
        certificate = asking.pop()
        for issuer in (item for item in going if _signs(item, certificate) and item not in kept):
            kept.append(issuer)
            secret = at(issuer, ("spec", "ca", "secretName"))
            behind = [item for item in going if secret and _fills(item, secret, issuer) and item not in kept]
            kept += behind
            asking += behind
    return kept


def _signs(issuer: Object, certificate: Object) -> bool:
    reference = at(certificate, ("spec", "issuerRef"), {})
    named = (reference.get("kind") or "Issuer", reference.get("name"), certificate["metadata"].get("namespace"))
    return named == (issuer["kind"], issuer["metadata"]["name"], issuer["metadata"].get("namespace"))


def _fills(certificate: Object, secret: str, issuer: Object) -> bool:
    same = certificate["metadata"].get("namespace") == issuer["metadata"].get("namespace")
    return bool(same and certificate["kind"] == KIND and at(certificate, ("spec", "secretName")) == secret)


def belongs(item: Object, certificate: Object) -> bool:
    """Return whether cert-manager created this Secret or CertificateRequest for a Certificate."""
    own, other = item["metadata"], certificate["metadata"]
    named = (own.get("annotations") or {}).get(NAME)
    return bool(named == other["name"] and own.get("namespace") == other.get("namespace"))
