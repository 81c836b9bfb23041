# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that a workload refers to by name, and which of them a bundle brings itself. Private.

A reference is an object that pods cannot start without, with the keys that they read. A source is one place of a pod
that uses a Secret or ConfigMap: a volume or a variable. A bundle is all objects that are applied together; what it
brings is provided. Live objects are those of the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import iter_leaves, list_at, mapping_at, mappings_at
from .objects import Manifest, ObjectRef, ref
from .platform_objects import PLATFORM_OBJECTS

# This driver creates Secrets when a pod mounts its volume.
_SECRETS_DRIVER = "secrets-store.csi.k8s.io"
_SERVING_CERT_ANNOTATION = "service.beta.openshift.io/serving-cert-secret-name"


Configs = Mapping[ObjectRef, "Manifest | None"]
# The paths in a text, without those that go on as a glob or with a variable. A default after `:-` may never be used.
_PATH_PATTERN = re.compile(r"(?<![-\w./])(?<!:-)/[-.\w/]+(?![-.\w/*?\[{$])")


class PodReference(NamedTuple):
    """An object that pods need, and the keys of it. `namespace` is empty for a kind of the whole cluster.

    `keys` are those of a Secret or ConfigMap that must be there. `has_registry_login` says that it has the login of a
    registry, with which the kubelet pulls images.
    """

    kind: str
    namespace: str
    name: str
    keys: tuple[str, ...] = ()
    has_registry_login: bool = False

    @property
    def object_ref(self) -> ObjectRef:
        """The name of the object."""
        return ObjectRef(self.kind, self.namespace, self.name)


class PodSource(NamedTuple):
    """A Secret or ConfigMap that a pod uses, by a variable or a volume.

    A volume has the `path` at which it is mounted, and `files` with pairs of a path below it and a key; no pairs mean
    that each key is a file. `key` is the one of a variable, or of a mount of a single file; empty for all keys.
    """

    kind: str
    name: str
    optional: bool = False
    path: str = ""
    files: tuple[tuple[str, str], ...] = ()
    key: str = ""

    @property
    def keys(self) -> list[str]:
        """The keys without which a container does not start: those of variables, and those that a volume lists."""
        of_variable = "" if self.path else self.key
        return [key for key in (of_variable, *(key for _path, key in self.files)) if key]

    def find_key_at(self, path: str) -> str:
        """Return the key whose content a container sees at a path; nothing when it is not below this mount."""
        if not self.path:
            return ""
        folder = f"{self.path.rstrip('/')}/"
        if path.startswith(folder):
            inner_path = path[len(folder) :]
            return dict(self.files).get(inner_path, "") if self.files else inner_path
        return self.key if path == self.path else ""

    def find_read_keys(self, texts: Iterable[str]) -> set[str]:
        """Return the keys that texts name by their paths below this mount. What a variable may replace does not count.

        The path of a mount inside of another mount belongs to the inner one: it has a slash or is no key.
        """
        folder = self.path.rstrip("/") if self.path else None
        keys = set()
        for path in _find_paths(texts):
            is_below_mount = folder in (path, path.rpartition("/")[0])
            if is_below_mount and (path == self.path or not self.key):
                keys.add(self.find_key_at(path))
        return keys - {""}


def _find_paths(texts: Iterable[str]) -> set[str]:
    """Return the paths in texts, without the stop of a sentence."""
    paths: set[str] = set()
    for text in texts:
        paths.update(path.rstrip(".") for path in _PATH_PATTERN.findall(text))
    return paths


# Kinds with pods. The operator's custom resource has fields of the pod and of the container in one.
_WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")
_CUSTOM_RESOURCE = "OpenTelemetryCollector"
# The fields of a pod that list containers. A custom resource is a container itself, and has more of them.
_CONTAINER_FIELDS = ("containers", "initContainers", "additionalContainers")
_CLASS_KINDS = {"priorityClassName": "PriorityClass", "runtimeClassName": "RuntimeClass"}
# What the target allocator watches. Source: the informers in cmd/otel-allocator of the operator.
_WATCHED_RESOURCES = ("servicemonitors.monitoring.coreos.com", "podmonitors.monitoring.coreos.com")
# Of every kind that is not made with `kubectl create`, how the user adds the object or does without it.
_REMEDY_BY_KIND = {
    "PriorityClass": "Create it, or set `priority_class_name` to one that `kubectl get priorityclass` lists.",
    "RuntimeClass": "Create it, or choose one that `kubectl get runtimeclass` lists.",
    "StorageClass": "Create it, or set `storage.class` to one that `kubectl get storageclass` lists.",
    "CustomResourceDefinition": "Install the CRDs of the Prometheus operator, or disable `prometheus_cr`.",
}


def find_needed_objects(manifest: Manifest | None, configs: Configs | None = None) -> dict[ObjectRef, PodReference]:
    """Return what the pods of a workload need and cannot start without: also the files that their configs name.

    `configs` are ConfigMaps that the pods may mount. A sidecar runs in pods of other namespaces.
    """
    workload = manifest or {}
    pod_spec = _pod_spec_of(workload)
    namespace = mapping_at(workload, "metadata").get("namespace", "")
    pull_secrets = {
        needed_ref: PodReference(*needed_ref, has_registry_login=True)
        for needed_ref in _list_pull_secrets(pod_spec, workload, namespace)
    }
    container_references = _find_container_references(pod_spec, workload, configs or {})
    other_references = {
        needed_ref: PodReference(*needed_ref)
        for needed_ref in (*_list_classes(pod_spec), *_list_refs_outside_pods(workload))
    }
    return pull_secrets | container_references | other_references


def _find_container_references(
    pod_spec: Manifest, manifest: Manifest, configs: Configs
) -> dict[ObjectRef, PodReference]:
    """Return the Secrets and ConfigMaps that containers use and need, with the keys that they read."""
    namespace = mapping_at(manifest, "metadata").get("namespace", "")
    makes_secrets = any(
        mapping_at(volume, "csi").get("driver") == _SECRETS_DRIVER for volume in list_at(pod_spec, "volumes")
    )
    references: dict[ObjectRef, PodReference] = {}
    for container in _iter_containers(pod_spec):
        for source, read_keys in _list_sources_with_keys(pod_spec, container, manifest, configs):
            is_made = source.kind == "Secret" and makes_secrets
            if source.optional or is_made:
                continue
            source_ref = ObjectRef(source.kind, namespace, source.name)
            earlier_keys = references[source_ref].keys if source_ref in references else ()
            references[source_ref] = PodReference(*source_ref, tuple(sorted({*earlier_keys, *source.keys, *read_keys})))
    return references


def _iter_containers(pod_spec: Manifest) -> Iterator[Any]:
    """Yield the containers of a pod: the fields of a custom resource, which is a container itself, and its lists."""
    yield pod_spec
    for field in _CONTAINER_FIELDS:
        yield from list_at(pod_spec, field)


def _list_classes(pod_spec: Manifest) -> Iterator[ObjectRef]:
    """Yield the classes of priority and of the runtime that a pod names."""
    for field, kind in _CLASS_KINDS.items():
        if pod_spec.get(field):
            yield ObjectRef(kind, "", pod_spec[field])


def _list_pull_secrets(pod_spec: Manifest, manifest: Manifest, namespace: str) -> Iterator[ObjectRef]:
    """Yield the Secrets by which images are pulled: of a pod, and of the account of pods that the operator makes."""
    account = manifest if manifest.get("kind") == "ServiceAccount" else {}
    for pull_secret in (*mappings_at(pod_spec, "imagePullSecrets"), *mappings_at(account, "imagePullSecrets")):
        if pull_secret.get("name"):
            yield ObjectRef("Secret", namespace, str(pull_secret["name"]))


def _list_sources_with_keys(
    pod_spec: Manifest, container: Manifest, manifest: Manifest, configs: Configs
) -> Iterator[tuple[PodSource, set[str]]]:
    """Yield what a container uses, with the keys that its config reads as files, unless several share one folder."""
    container_sources = list_sources(pod_spec, container)
    texts = list(_list_config_texts(container_sources, manifest, configs))
    mounts = [source.path for source in container_sources]
    for source in container_sources:
        has_own_folder = mounts.count(source.path) == 1
        read_keys = source.find_read_keys(texts) if has_own_folder else set()
        yield source, {key for key in read_keys if f"{source.path.rstrip('/')}/{key}" not in mounts}


def _list_config_texts(container_sources: Iterable[PodSource], manifest: Manifest, configs: Configs) -> Iterator[str]:
    """Yield the texts of the configs that a container mounts, and of the one in a custom resource."""
    namespace = mapping_at(manifest, "metadata").get("namespace", "")
    mounted_configs = [
        configs.get(ObjectRef("ConfigMap", namespace, source.name))
        for source in container_sources
        if source.kind == "ConfigMap"
    ]
    for config in (*mounted_configs, mapping_at(manifest, "spec", "config")):
        for _path, text in iter_leaves(config or {}):
            if isinstance(text, str):
                yield text


def _list_refs_outside_pods(manifest: Manifest) -> Iterator[ObjectRef]:
    """Yield the classes of the claims of a workload, and the definitions that a target allocator watches."""
    for claim in mappings_at(manifest, "spec", "volumeClaimTemplates"):
        if mapping_at(claim, "spec").get("storageClassName"):
            yield ObjectRef("StorageClass", "", str(claim["spec"]["storageClassName"]))
    if mapping_at(manifest, "spec", "targetAllocator", "prometheusCR").get("enabled"):
        yield from (ObjectRef("CustomResourceDefinition", "", name) for name in _WATCHED_RESOURCES)


def _pod_spec_of(manifest: Manifest) -> dict[str, Any]:
    spec = mapping_at(manifest, "spec")
    if manifest.get("kind") == _CUSTOM_RESOURCE:
        return spec if spec.get("mode") != "sidecar" else {}
    return mapping_at(spec, "template", "spec") if manifest.get("kind") in _WORKLOADS else {}


def list_sources(pod_spec: Manifest, container: Manifest) -> list[PodSource]:
    """Return every Secret and ConfigMap that a pod needs: by its volumes, and by the variables of the container."""
    mounts = {str(mount.get("name")): mount for mount in reversed(mappings_at(container, "volumeMounts"))}
    volume_sources = [
        source for volume in mappings_at(pod_spec, "volumes") for source in _list_volume_sources(volume, mounts)
    ]
    return [*volume_sources, *_list_variable_sources(container)]


def _list_volume_sources(volume: Manifest, mounts: Mapping[str, Manifest]) -> Iterator[PodSource]:
    mount = mounts.get(str(volume.get("name")), {})
    volumes = [volume, *mappings_at(volume, "projected", "sources")]
    for volume_part in volumes:
        for key, kind, name_key in (
            ("secret", "Secret", "secretName" if volume_part is volume else "name"),
            ("configMap", "ConfigMap", "name"),
        ):
            source_settings = mapping_at(volume_part, key)
            name = source_settings.get(name_key)
            if name:
                files = tuple(
                    (str(key_item.get("path")), str(key_item.get("key")))
                    for key_item in mappings_at(source_settings, "items")
                )
                sub_path = str(mount.get("subPath") or "")
                path = str(mount.get("mountPath") or "")
                yield PodSource(
                    kind,
                    str(name),
                    bool(source_settings.get("optional")),
                    path,
                    files,
                    dict(files).get(sub_path, sub_path),
                )


def _list_variable_sources(container: Manifest) -> Iterator[PodSource]:
    for variable in list_at(container, "env"):
        for reference_key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            source_reference = mapping_at(variable, "valueFrom", reference_key)
            if source_reference.get("name"):
                yield PodSource(
                    kind,
                    str(source_reference["name"]),
                    bool(source_reference.get("optional")),
                    key=str(source_reference.get("key") or ""),
                )
    for origin in list_at(container, "envFrom"):
        for reference_key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            source_reference = mapping_at(origin, reference_key)
            if source_reference.get("name"):
                yield PodSource(kind, str(source_reference["name"]), bool(source_reference.get("optional")))


def find_unprovided(
    manifest: Manifest,
    live_manifest: Manifest | None,
    provided_refs: Collection[ObjectRef],
    configs: Configs | None = None,
    live_configs: Configs | None = None,
) -> list[PodReference]:
    """Return what a workload refers to newly, and the bundle does not bring.

    What the running workload, `live_manifest`, needs as well was checked before; it is None for a new workload.

    `configs` are the ConfigMaps of the bundle, `live_configs` the live ones.
    """
    earlier_needs = find_needed_objects(live_manifest, live_configs)
    unprovided_references = []
    for needed_ref, reference in sorted(find_needed_objects(manifest, configs).items()):
        is_new = reference != earlier_needs.get(needed_ref)
        is_of_platform = reference.name in PLATFORM_OBJECTS.get(reference.kind, ())
        if is_new and reference.object_ref not in provided_refs and not is_of_platform:
            unprovided_references.append(reference)
    return unprovided_references


def describe_lacking_parts(reference: PodReference, live_object: Manifest | None) -> str:
    """Return what a cluster lacks of a reference, as text: the object, or keys of it; empty if nothing."""
    if live_object is None:
        keys = f" with {', '.join(reference.keys)}" if reference.keys else ""
        return f"{reference.object_ref}{keys}"
    lacking_keys = find_missing_keys(reference.keys, live_object)
    return f"{', '.join(lacking_keys)} in {reference.object_ref}" if lacking_keys else ""


def find_missing_keys(keys: Iterable[str], live_object: Manifest | None) -> list[str]:
    """Return the keys that a Secret or ConfigMap does not have, each once."""
    live_data = {**mapping_at(live_object, "data"), **mapping_at(live_object, "binaryData")}
    return [key for key in dict.fromkeys(keys) if key not in live_data]


def describe_remedy(reference: PodReference, *, exists: bool, has_namespace: bool) -> str:
    """Return how to add what is missing, without its values: to an object that exists, or in a namespace that does."""
    kind = reference.kind.lower()
    if reference.kind in _REMEDY_BY_KIND:
        return _REMEDY_BY_KIND[reference.kind]
    if exists:
        return f"Add the keys with `kubectl edit {kind} {reference.name} --namespace {reference.namespace}`."
    if reference.has_registry_login:
        login_option = "--from-file=.dockerconfigjson=FILE"
        command = (
            f"kubectl create secret docker-registry {reference.name} --namespace {reference.namespace} {login_option}"
        )
        full_command = _prepend_namespace_creation(reference, command, has_namespace)
        return f"Create it first, from a FILE such as ~/.docker/config.json: `{full_command}`."
    # The names of the files are the keys. `password=` would look like a secret, and be masked.
    keys = " ".join(f"--from-file=FOLDER/{key}" for key in reference.keys) or "--from-file=FOLDER"
    create_command = f"kubectl create {'secret generic' if kind == 'secret' else kind} {reference.name}"
    full_command = _prepend_namespace_creation(
        reference, f"{create_command} --namespace {reference.namespace} {keys}", has_namespace
    )
    return f"Create it first, from a folder with a file for each key: `{full_command}`."


def _prepend_namespace_creation(reference: PodReference, command: str, has_namespace: bool) -> str:
    """Return a command that works alone, and after another one that has created the namespace."""
    create_namespace = (
        f"kubectl create namespace {reference.namespace} --dry-run=client -o yaml | kubectl apply -f - && "
    )
    return command if has_namespace else f"{create_namespace}{command}"


def list_provided_refs(manifests: Iterable[Manifest]) -> set[ObjectRef]:
    """Return what a bundle brings: its objects, and Secrets that are made for its Certificates and Services."""
    provided_refs: set[ObjectRef] = set()
    for manifest in manifests:
        metadata = manifest["metadata"]
        secret_name = {
            "Certificate": mapping_at(manifest, "spec").get("secretName"),
            "Service": mapping_at(metadata, "annotations").get(_SERVING_CERT_ANNOTATION),
        }.get(manifest["kind"])
        provided_refs |= {ref(manifest)} | (
            {ObjectRef("Secret", metadata.get("namespace", ""), secret_name)} if secret_name else set()
        )
    return provided_refs
