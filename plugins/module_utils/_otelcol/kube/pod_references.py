# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that a workload refers to by name, and which of them a bundle brings itself. Private."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import items, leaves, mappings, section
from .objects import Manifest, Ref, ref
from .platform_objects import PLATFORM_OBJECTS

# This driver creates Secrets when a pod mounts its volume.
_MAKES_SECRETS = "secrets-store.csi.k8s.io"
_SERVING_CERT = "service.beta.openshift.io/serving-cert-secret-name"


Configs = Mapping[Ref, "Manifest | None"]
# The paths in a text, without those that go on as a glob or with a variable. A default after `:-` may never be used.
_PATHS = re.compile(r"(?<![-\w./])(?<!:-)/[-.\w/]+(?![-.\w/*?\[{$])")


class Reference(NamedTuple):
    """An object that pods need, and the keys of it; no namespace for a kind of the whole cluster.

    `pulls` says that it has the login of a registry, by which the kubelet pulls images.
    """

    kind: str
    namespace: str
    name: str
    keys: tuple[str, ...] = ()
    pulls: bool = False

    @property
    def ref(self) -> Ref:
        """The name of the object."""
        return Ref(self.kind, self.namespace, self.name)


class Source(NamedTuple):
    """A Secret or ConfigMap that a pod uses. `files` are its keys by path when it is mounted; no key means all."""

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

    def key_of(self, path: str) -> str:
        """Return the key whose content a container sees at a path; nothing when it is not below this mount."""
        if not self.path:
            return ""
        folder = f"{self.path.rstrip('/')}/"
        if path.startswith(folder):
            inner = path[len(folder) :]
            return dict(self.files).get(inner, "") if self.files else inner
        return self.key if path == self.path else ""

    def read_by(self, texts: Iterable[str]) -> set[str]:
        """Return the keys that texts name by their paths below this mount. What a variable may replace does not count.

        The path of a mount inside of another mount belongs to the inner one: it has a slash or is no key.
        """
        own = self.path.rstrip("/") if self.path else None
        keys = set()
        for path in _paths_in(texts):
            is_here = own in (path, path.rpartition("/")[0])
            if is_here and (path == self.path or not self.key):
                keys.add(self.key_of(path))
        return keys - {""}


def _paths_in(texts: Iterable[str]) -> set[str]:
    """Return the paths in texts, without the stop of a sentence."""
    paths: set[str] = set()
    for text in texts:
        paths.update(path.rstrip(".") for path in _PATHS.findall(text))
    return paths


# Kinds with pods. The operator's custom resource has fields of the pod and of the container in one.
_WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")
_CUSTOM = "OpenTelemetryCollector"
# The fields of a pod that list containers. A custom resource is a container itself, and has more of them.
_CONTAINERS = ("containers", "initContainers", "additionalContainers")
_CLASSES = {"priorityClassName": "PriorityClass", "runtimeClassName": "RuntimeClass"}
# What the target allocator watches. Source: the informers in cmd/otel-allocator of the operator.
_WATCHED = ("servicemonitors.monitoring.coreos.com", "podmonitors.monitoring.coreos.com")
# Of every kind that is not made with `kubectl create`, how the user adds the object or does without it.
_WAYS = {
    "PriorityClass": "Create it, or set `priority_class_name` to one that `kubectl get priorityclass` lists.",
    "RuntimeClass": "Create it, or choose one that `kubectl get runtimeclass` lists.",
    "StorageClass": "Create it, or set `storage.class` to one that `kubectl get storageclass` lists.",
    "CustomResourceDefinition": "Install the CRDs of the Prometheus operator, or disable `prometheus_cr`.",
}


def needed_objects(manifest: Manifest | None, configs: Configs | None = None) -> dict[Ref, Reference]:
    """Return what the pods of a workload need and cannot start without: also the files that their configs name.

    `configs` are ConfigMaps that the pods may mount. A sidecar runs in pods of other namespaces.
    """
    workload = manifest or {}
    pod = _pod(workload)
    namespace = section(workload, "metadata").get("namespace", "")
    pulling = {ref: Reference(*ref, pulls=True) for ref in _pull_secrets(pod, workload, namespace)}
    used = _used_by_containers(pod, workload, configs or {})
    others = {ref: Reference(*ref) for ref in (*_classes(pod), *_outside_of_pods(workload))}
    return pulling | used | others


def _used_by_containers(pod: Manifest, manifest: Manifest, configs: Configs) -> dict[Ref, Reference]:
    """Return the Secrets and ConfigMaps that containers use and need, with the keys that they read."""
    namespace = section(manifest, "metadata").get("namespace", "")
    makes_secrets = any(section(volume, "csi").get("driver") == _MAKES_SECRETS for volume in items(pod, "volumes"))
    references: dict[Ref, Reference] = {}
    for container in _containers(pod):
        for source, read_keys in _used(pod, container, manifest, configs):
            is_made = source.kind == "Secret" and makes_secrets
            if source.optional or is_made:
                continue
            key = Ref(source.kind, namespace, source.name)
            earlier_keys = references[key].keys if key in references else ()
            references[key] = Reference(*key, tuple(sorted({*earlier_keys, *source.keys, *read_keys})))
    return references


def _containers(pod: Manifest) -> Iterator[Any]:
    """Yield the containers of a pod: the fields of a custom resource, which is a container itself, and its lists."""
    yield pod
    for field in _CONTAINERS:
        yield from items(pod, field)


def _classes(pod: Manifest) -> Iterator[Ref]:
    """Yield the classes of priority and of the runtime that a pod names."""
    for field, kind in _CLASSES.items():
        if pod.get(field):
            yield Ref(kind, "", pod[field])


def _pull_secrets(pod: Manifest, manifest: Manifest, namespace: str) -> Iterator[Ref]:
    """Yield the Secrets by which images are pulled: of a pod, and of the account of pods that the operator makes."""
    account = manifest if manifest.get("kind") == "ServiceAccount" else {}
    for given in (*mappings(pod, "imagePullSecrets"), *mappings(account, "imagePullSecrets")):
        if given.get("name"):
            yield Ref("Secret", namespace, str(given["name"]))


def _used(
    pod: Manifest, container: Manifest, manifest: Manifest, configs: Configs
) -> Iterator[tuple[Source, set[str]]]:
    """Yield what a container uses, with the keys that its config reads as files, unless several share one folder."""
    used = sources(pod, container)
    texts = list(_config_texts(used, manifest, configs))
    mounts = [source.path for source in used]
    for source in used:
        alone = mounts.count(source.path) == 1
        read_keys = source.read_by(texts) if alone else set()
        yield source, {key for key in read_keys if f"{source.path.rstrip('/')}/{key}" not in mounts}


def _config_texts(used: Iterable[Source], manifest: Manifest, configs: Configs) -> Iterator[str]:
    """Yield the texts of the configs that a container mounts, and of the one in a custom resource."""
    namespace = section(manifest, "metadata").get("namespace", "")
    mounted = [configs.get(Ref("ConfigMap", namespace, source.name)) for source in used if source.kind == "ConfigMap"]
    for config in (*mounted, section(manifest, "spec", "config")):
        for _path, text in leaves(config or {}):
            if isinstance(text, str):
                yield text


def _outside_of_pods(manifest: Manifest) -> Iterator[Ref]:
    """Yield the classes of the claims of a workload, and the definitions that a target allocator watches."""
    for claim in mappings(manifest, "spec", "volumeClaimTemplates"):
        if section(claim, "spec").get("storageClassName"):
            yield Ref("StorageClass", "", str(claim["spec"]["storageClassName"]))
    if section(manifest, "spec", "targetAllocator", "prometheusCR").get("enabled"):
        yield from (Ref("CustomResourceDefinition", "", name) for name in _WATCHED)


def _pod(manifest: Manifest) -> dict[str, Any]:
    spec = section(manifest, "spec")
    if manifest.get("kind") == _CUSTOM:
        return spec if spec.get("mode") != "sidecar" else {}
    return section(spec, "template", "spec") if manifest.get("kind") in _WORKLOADS else {}


def sources(spec: Manifest, container: Manifest) -> list[Source]:
    """Return every Secret and ConfigMap that a pod needs: by its volumes, and by the variables of the container."""
    mounts = {str(mount.get("name")): mount for mount in reversed(mappings(container, "volumeMounts"))}
    found = [source for volume in mappings(spec, "volumes") for source in _of_volume(volume, mounts)]
    return [*found, *_of_variables(container)]


def _of_volume(volume: Manifest, mounts: Mapping[str, Manifest]) -> Iterator[Source]:
    mount = mounts.get(str(volume.get("name")), {})
    parts = [volume, *mappings(volume, "projected", "sources")]
    for part in parts:
        for key, kind, name_key in (
            ("secret", "Secret", "secretName" if part is volume else "name"),
            ("configMap", "ConfigMap", "name"),
        ):
            given = section(part, key)
            name = given.get(name_key)
            if name:
                files = tuple((str(item.get("path")), str(item.get("key"))) for item in mappings(given, "items"))
                sub_path = str(mount.get("subPath") or "")
                path = str(mount.get("mountPath") or "")
                yield Source(
                    kind, str(name), bool(given.get("optional")), path, files, dict(files).get(sub_path, sub_path)
                )


def _of_variables(container: Manifest) -> Iterator[Source]:
    for variable in items(container, "env"):
        for key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            given = section(variable, "valueFrom", key)
            if given.get("name"):
                yield Source(kind, str(given["name"]), bool(given.get("optional")), key=str(given.get("key") or ""))
    for origin in items(container, "envFrom"):
        for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            given = section(origin, key)
            if given.get("name"):
                yield Source(kind, str(given["name"]), bool(given.get("optional")))


def unprovided(
    manifest: Manifest,
    live: Manifest | None,
    brought: Collection[Ref],
    configs: Configs | None = None,
    before: Configs | None = None,
) -> list[Reference]:
    """Return what a workload refers to newly, and the bundle does not bring. A running workload was checked before.

    `configs` are the ConfigMaps of the bundle, `before` the live ones.
    """
    earlier = needed_objects(live, before)
    lacking = []
    for ref_of_need, need in sorted(needed_objects(manifest, configs).items()):
        is_new = need != earlier.get(ref_of_need)
        is_of_platform = need.name in PLATFORM_OBJECTS.get(need.kind, ())
        if is_new and need.ref not in brought and not is_of_platform:
            lacking.append(need)
    return lacking


def lacking_parts(wanted: Reference, live: Manifest | None) -> str:
    """Return what a cluster lacks of a reference, as text: the object, or keys of it; empty if nothing."""
    if live is None:
        keys = f" with {', '.join(wanted.keys)}" if wanted.keys else ""
        return f"{wanted.ref}{keys}"
    lacking = missing_keys(wanted.keys, live)
    return f"{', '.join(lacking)} in {wanted.ref}" if lacking else ""


def missing_keys(keys: Iterable[str], live: Manifest | None) -> list[str]:
    """Return the keys that a Secret or ConfigMap does not have, each once."""
    have = {**section(live, "data"), **section(live, "binaryData")}
    return [key for key in dict.fromkeys(keys) if key not in have]


def remedy(wanted: Reference, *, exists: bool, namespace: bool) -> str:
    """Return how to add what is missing, without its values: to an object that exists, or in a namespace that does."""
    kind = wanted.kind.lower()
    if wanted.kind in _WAYS:
        return _WAYS[wanted.kind]
    if exists:
        return f"Add the keys with `kubectl edit {kind} {wanted.name} --namespace {wanted.namespace}`."
    if wanted.pulls:
        login = "--from-file=.dockerconfigjson=FILE"
        command = f"kubectl create secret docker-registry {wanted.name} --namespace {wanted.namespace} {login}"
        line = _in_namespace(wanted, command, namespace)
        return f"Create it first, from a FILE such as ~/.docker/config.json: `{line}`."
    # The names of the files are the keys. `password=` would look like a secret, and be masked.
    keys = " ".join(f"--from-file=FOLDER/{key}" for key in wanted.keys) or "--from-file=FOLDER"
    create = f"kubectl create {'secret generic' if kind == 'secret' else kind} {wanted.name}"
    line = _in_namespace(wanted, f"{create} --namespace {wanted.namespace} {keys}", namespace)
    return f"Create it first, from a folder with a file for each key: `{line}`."


def _in_namespace(wanted: Reference, command: str, exists: bool) -> str:
    """Return a command that works alone, and after another one that has created the namespace."""
    made = f"kubectl create namespace {wanted.namespace} --dry-run=client -o yaml | kubectl apply -f - && "
    return command if exists else f"{made}{command}"


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
