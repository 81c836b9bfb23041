# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that a workload refers to by name, and which of them a bundle brings itself. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import leaves, section
from .bundle import PLATFORM_OBJECTS, Manifest, Ref, ref

# This driver creates Secrets when a pod mounts its volume.
_MAKES_SECRETS = "secrets-store.csi.k8s.io"
_SERVING_CERT = "service.beta.openshift.io/serving-cert-secret-name"


class Reference(NamedTuple):
    """An object that pods need, and the keys of it; no namespace for a kind of the whole cluster."""

    kind: str
    namespace: str
    name: str
    keys: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.namespace, self.name)


class _Field(NamedTuple):
    """A field that refers to an object: the kind, the key with its name, and where the keys of its data stand."""

    kind: str
    name: str = ""
    key: str = ""
    cluster_wide: bool = False


# Source: the types EnvVarSource, EnvFromSource, Volume, VolumeProjection and PodSpec of Kubernetes' core/v1.
_FIELDS: Mapping[str, tuple[_Field, ...]] = {
    "secretKeyRef": (_Field("Secret", "name", "key"),),
    "configMapKeyRef": (_Field("ConfigMap", "name", "key"),),
    "secretRef": (_Field("Secret", "name"),),
    "configMapRef": (_Field("ConfigMap", "name"),),
    "secret": (_Field("Secret", "secretName", "items"), _Field("Secret", "name", "items")),
    "configMap": (_Field("ConfigMap", "name", "items"),),
    "priorityClassName": (_Field("PriorityClass", cluster_wide=True),),
    "runtimeClassName": (_Field("RuntimeClass", cluster_wide=True),),
}
# Kinds with pods, and the fields below `spec` that hold no reference: text of users.
_WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet", "OpenTelemetryCollector")
_TEXT = ("config",)


def references(manifest: Manifest | None) -> dict[Ref, Reference]:
    """Return what the pods of a workload need and cannot start without.

    A sidecar runs in pods of other namespaces. A StorageClass need not exist: volumes may have its name.
    """
    found: dict[Ref, Reference] = {}
    if not manifest or manifest["kind"] not in _WORKLOADS or manifest["spec"].get("mode") == "sidecar":
        return found
    namespace = manifest["metadata"].get("namespace", "")
    spec = {key: value for key, value in manifest["spec"].items() if key not in _TEXT}
    unknown = ("Secret",) if _MAKES_SECRETS in (value for _path, value in leaves(spec)) else ()
    for one in _below(spec, namespace):
        if one.kind in unknown:
            continue
        seen = found.get(one.ref, one)
        found[one.ref] = one._replace(keys=tuple(sorted({*seen.keys, *one.keys})))
    return found


def unprovided(manifest: Manifest, live: Manifest | None, brought: Collection[Ref]) -> list[Reference]:
    """Return what a workload refers to newly, and the bundle does not bring. A running workload was checked before."""
    old = references(live)
    new = (one for key, one in sorted(references(manifest).items()) if one != old.get(key))
    return [one for one in new if one.ref not in brought and one.name not in PLATFORM_OBJECTS.get(one.kind, ())]


def missing(wanted: Reference, live: Manifest | None) -> str:
    """Return what a cluster lacks of a reference, as text: the object, or keys of it; empty if nothing."""
    if live is None:
        keys = f" with {', '.join(wanted.keys)}" if wanted.keys else ""
        return f"{wanted.ref}{keys}"
    have = {**section(live, "data"), **section(live, "binaryData")}
    lacking = [key for key in wanted.keys if key not in have]
    return f"{', '.join(lacking)} in {wanted.ref}" if lacking else ""


def way_out(wanted: Reference, *, exists: bool, namespace: bool) -> str:
    """Return how to add what is missing, without its values: to an object that exists, or in a namespace that does."""
    kind = wanted.kind.lower()
    if wanted.kind not in ("Secret", "ConfigMap"):
        return f"Create it, or choose one that `kubectl get {kind}` lists."
    if exists:
        return f"Add the keys with `kubectl edit {kind} {wanted.name} --namespace {wanted.namespace}`."
    # The names of the files are the keys. `password=` would look like a secret, and be masked.
    keys = "".join(f" --from-file=FOLDER/{key}" for key in wanted.keys)
    create = f"kubectl create {'secret generic' if kind == 'secret' else kind} {wanted.name}"
    first = "" if namespace else f"kubectl create namespace {wanted.namespace} && "
    return f"Create it first: `{first}{create} --namespace {wanted.namespace}{keys}`."


def _below(value: Any, namespace: str) -> Iterator[Reference]:
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, list):
            stack.extend(each)
        elif isinstance(each, dict):
            for key, inner in each.items():
                found = _reference(key, inner, namespace)
                if found:
                    yield found
                stack.append(inner)


def _reference(key: str, value: Any, namespace: str) -> Reference | None:
    for row in _FIELDS.get(key, ()):
        if row.cluster_wide and isinstance(value, str) and value:
            return Reference(row.kind, "", value)
        if isinstance(value, dict) and isinstance(value.get(row.name), str) and not value.get("optional"):
            return Reference(row.kind, namespace, value[row.name], _keys(value.get(row.key)))
    return None


def _keys(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item["key"]) for item in value or () if isinstance(item, dict) and "key" in item)


def provided(manifests: Iterable[Manifest]) -> set[Ref]:
    """Return what a bundle brings: its objects, and Secrets that are made for its Certificates and Services."""
    found: set[Ref] = set()
    for manifest in manifests:
        metadata = manifest["metadata"]
        made = {
            "Certificate": section(manifest, "spec").get("secretName"),
            "Service": section(metadata, "annotations").get(_SERVING_CERT),
        }.get(manifest["kind"])
        found |= {ref(manifest)} | ({Ref("Secret", metadata.get("namespace", ""), made)} if made else set())
    return found
