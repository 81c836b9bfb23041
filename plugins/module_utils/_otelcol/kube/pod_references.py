# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that a workload needs by name, and which of them a bundle does not bring itself. Private.

A bundle is all objects that a run applies together; live objects are those of the cluster. Before a run applies a
workload, `find_unprovided` returns what it needs newly and the bundle does not bring, and the run asks the cluster for
it. A Deployment that reads the variable `TOKEN` from key `token` of Secret `api` needs
`PodReference("Secret", "obs", "api", keys=("token",))`.

pod_sources.py finds the Secrets and ConfigMaps of a pod, and reference_remedies.py of the room `_kube` says what to do
about missing ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import iter_leaves, list_at, mapping_at, mappings_at
from .objects import Manifest, ObjectRef, ref
from .platform_objects import PLATFORM_OBJECTS
from .pod_sources import PodSource, list_sources

Configs = Mapping[ObjectRef, "Manifest | None"]
"""ConfigMaps by their names; None for one that is not there."""

# Kinds with pods. The operator's custom resource has fields of the pod and of the container in one.
_WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")
_CUSTOM_RESOURCE = "OpenTelemetryCollector"
# The fields of a pod that list containers. A custom resource is a container itself, and has more of them.
_CONTAINER_FIELDS = ("containers", "initContainers", "additionalContainers")
_CLASS_KINDS = {"priorityClassName": "PriorityClass", "runtimeClassName": "RuntimeClass"}
# This driver creates Secrets when a pod mounts its volume.
_SECRETS_DRIVER = "secrets-store.csi.k8s.io"
# With this annotation on a Service, OpenShift creates a Secret of that name.
_SERVING_CERT_ANNOTATION = "service.beta.openshift.io/serving-cert-secret-name"
# What the target allocator watches. Source: the informers in cmd/otel-allocator of the operator.
_WATCHED_RESOURCES = ("servicemonitors.monitoring.coreos.com", "podmonitors.monitoring.coreos.com")


class PodReference(NamedTuple):
    """An object that pods need."""

    kind: str
    namespace: str
    """Empty for a kind of the whole cluster."""
    name: str
    keys: tuple[str, ...] = ()
    """The keys of a Secret or ConfigMap that must be there."""
    has_registry_login: bool = False
    """Whether it has the login of a registry, with which the kubelet pulls images."""

    @property
    def object_ref(self) -> ObjectRef:
        """The name of the object."""
        return ObjectRef(self.kind, self.namespace, self.name)


def find_unprovided(
    manifest: Manifest,
    live_manifest: Manifest | None,
    provided_refs: Collection[ObjectRef],
    configs: Configs | None = None,
    live_configs: Configs | None = None,
) -> list[PodReference]:
    """Return what a workload refers to newly, and the bundle does not bring.

    What the running workload, `live_manifest`, needs as well was checked before; it is None for a new workload.
    `provided_refs` are those of `list_provided_refs`. `configs` are the ConfigMaps of the bundle, `live_configs` the
    live ones.
    """
    earlier_needs = find_needed_objects(live_manifest, live_configs)
    unprovided_references = []
    for needed_ref, reference in sorted(find_needed_objects(manifest, configs).items()):
        is_new = reference != earlier_needs.get(needed_ref)
        is_of_platform = reference.name in PLATFORM_OBJECTS.get(reference.kind, ())
        if is_new and reference.object_ref not in provided_refs and not is_of_platform:
            unprovided_references.append(reference)
    return unprovided_references


def list_provided_refs(manifests: Iterable[Manifest]) -> set[ObjectRef]:
    """Return what a bundle brings: its objects, and Secrets that are made for its Certificates and Services."""
    provided_refs: set[ObjectRef] = set()
    for manifest in manifests:
        provided_refs.add(ref(manifest))
        secret_name = _find_made_secret(manifest)
        if secret_name:
            provided_refs.add(ObjectRef("Secret", manifest["metadata"].get("namespace", ""), secret_name))
    return provided_refs


def _find_made_secret(manifest: Manifest) -> Any:
    """Return the name of the Secret that cert-manager or OpenShift makes for an object; None if none is made."""
    if manifest["kind"] == "Certificate":
        return mapping_at(manifest, "spec").get("secretName")
    if manifest["kind"] == "Service":
        return mapping_at(manifest["metadata"], "annotations").get(_SERVING_CERT_ANNOTATION)
    return None


def find_needed_objects(manifest: Manifest | None, configs: Configs | None = None) -> dict[ObjectRef, PodReference]:
    """Return what the pods of a workload need and cannot start without: also the files that their configs name.

    `configs` are ConfigMaps that the pods may mount. A sidecar runs in pods of other namespaces, so it needs nothing
    here.
    """
    workload = manifest or {}
    pod_spec = _pod_spec_of(workload)
    namespace = mapping_at(workload, "metadata").get("namespace", "")
    needed_objects: dict[ObjectRef, PodReference] = {}
    for needed_ref in _list_pull_secrets(pod_spec, workload, namespace):
        needed_objects[needed_ref] = PodReference(*needed_ref, has_registry_login=True)
    needed_objects.update(_find_container_references(pod_spec, workload, configs or {}))
    for needed_ref in (*_list_classes(pod_spec), *_list_refs_outside_pods(workload)):
        needed_objects[needed_ref] = PodReference(*needed_ref)
    return needed_objects


def _pod_spec_of(manifest: Manifest) -> dict[str, Any]:
    """Return the spec of the pods of a workload; empty for another object, and for a sidecar."""
    spec = mapping_at(manifest, "spec")
    if manifest.get("kind") == _CUSTOM_RESOURCE:
        return spec if spec.get("mode") != "sidecar" else {}
    return mapping_at(spec, "template", "spec") if manifest.get("kind") in _WORKLOADS else {}


def _list_pull_secrets(pod_spec: Manifest, manifest: Manifest, namespace: str) -> Iterator[ObjectRef]:
    """Yield the Secrets by which images are pulled: of a pod, and of the account of pods that the operator makes."""
    account = manifest if manifest.get("kind") == "ServiceAccount" else {}
    for pull_secret in (*mappings_at(pod_spec, "imagePullSecrets"), *mappings_at(account, "imagePullSecrets")):
        if pull_secret.get("name"):
            yield ObjectRef("Secret", namespace, str(pull_secret["name"]))


def _list_classes(pod_spec: Manifest) -> Iterator[ObjectRef]:
    """Yield the classes of priority and of the runtime that a pod names."""
    for field, kind in _CLASS_KINDS.items():
        if pod_spec.get(field):
            yield ObjectRef(kind, "", pod_spec[field])


def _list_refs_outside_pods(manifest: Manifest) -> Iterator[ObjectRef]:
    """Yield the classes of the claims of a workload, and the definitions that a target allocator watches."""
    for claim in mappings_at(manifest, "spec", "volumeClaimTemplates"):
        if mapping_at(claim, "spec").get("storageClassName"):
            yield ObjectRef("StorageClass", "", str(claim["spec"]["storageClassName"]))
    if mapping_at(manifest, "spec", "targetAllocator", "prometheusCR").get("enabled"):
        for name in _WATCHED_RESOURCES:
            yield ObjectRef("CustomResourceDefinition", "", name)


# ── Secrets and ConfigMaps of containers ──


class _NeededSource(NamedTuple):
    """A Secret or ConfigMap that a container uses, and the keys of it that the container's config reads as files."""

    source: PodSource
    read_keys: set[str]


def _find_container_references(
    pod_spec: Manifest, manifest: Manifest, configs: Configs
) -> dict[ObjectRef, PodReference]:
    """Return the Secrets and ConfigMaps that containers use and need, with the keys that they read."""
    namespace = mapping_at(manifest, "metadata").get("namespace", "")
    drivers = [mapping_at(volume, "csi").get("driver") for volume in list_at(pod_spec, "volumes")]
    makes_secrets = _SECRETS_DRIVER in drivers
    references: dict[ObjectRef, PodReference] = {}
    for container in _iter_containers(pod_spec):
        for source, read_keys in _list_needed_sources(pod_spec, container, manifest, configs):
            is_made = source.kind == "Secret" and makes_secrets
            if source.optional or is_made:
                continue
            source_ref = ObjectRef(source.kind, namespace, source.name)
            earlier_keys = references[source_ref].keys if source_ref in references else ()
            keys = {*earlier_keys, *source.keys, *read_keys}
            references[source_ref] = PodReference(*source_ref, keys=tuple(sorted(keys)))
    return references


def _iter_containers(pod_spec: Manifest) -> Iterator[Any]:
    """Yield the containers of a pod: the fields of a custom resource, which is a container itself, and its lists."""
    yield pod_spec
    for field in _CONTAINER_FIELDS:
        yield from list_at(pod_spec, field)


def _list_needed_sources(
    pod_spec: Manifest, container: Manifest, manifest: Manifest, configs: Configs
) -> Iterator[_NeededSource]:
    """Yield what a container uses, with the keys that its config reads as files, unless several share one folder."""
    container_sources = list_sources(pod_spec, container)
    texts = list(_list_config_texts(container_sources, manifest, configs))
    mounts = [source.path for source in container_sources]
    for source in container_sources:
        has_own_folder = mounts.count(source.path) == 1
        read_keys = source.find_read_keys(texts) if has_own_folder else set()
        # What is mounted below this folder hides the file of the same name.
        visible_keys = {key for key in read_keys if f"{source.path.rstrip('/')}/{key}" not in mounts}
        yield _NeededSource(source, visible_keys)


def _list_config_texts(container_sources: Iterable[PodSource], manifest: Manifest, configs: Configs) -> Iterator[str]:
    """Yield the texts of the configs that a container mounts, and of the one in a custom resource."""
    namespace = mapping_at(manifest, "metadata").get("namespace", "")
    mounted_configs: list[Any] = []
    for source in container_sources:
        if source.kind == "ConfigMap":
            mounted_configs.append(configs.get(ObjectRef("ConfigMap", namespace, source.name)))
    for config in (*mounted_configs, mapping_at(manifest, "spec", "config")):
        for _path, text in iter_leaves(config or {}):
            if isinstance(text, str):
                yield text
