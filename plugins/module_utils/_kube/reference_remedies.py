# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster lacks of the objects that pods need, in words, and how a user adds it. Private.

Before a run changes anything, it looks for the objects of pod_references.py. If Secret `web-tls` lacks the key
`tls.key`, it says `tls.key in Secret obs/web-tls`, and `Add the keys with `kubectl edit secret web-tls --namespace
obs`.`
"""

from __future__ import annotations

from collections.abc import Iterable

from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.objects import Manifest
from .._otelcol.kube.pod_references import PodReference

# Of every kind but Secret and ConfigMap, how the user adds the object or does without it.
_REMEDY_BY_KIND = {
    "PriorityClass": "Create it, or set `priority_class_name` to one that `kubectl get priorityclass` lists.",
    "RuntimeClass": "Create it, or choose one that `kubectl get runtimeclass` lists.",
    "StorageClass": "Create it, or set `storage.class` to one that `kubectl get storageclass` lists.",
    "CustomResourceDefinition": "Install the CRDs of the Prometheus operator, or disable `prometheus_cr`.",
}


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
    """Return how a user adds what is missing, in words that have no values of keys, which may be secret.

    `exists` says whether the cluster has the object, and `has_namespace` whether it has the namespace.
    """
    if reference.kind in _REMEDY_BY_KIND:
        return _REMEDY_BY_KIND[reference.kind]
    if exists:
        return _describe_edit(reference)
    return _describe_creation(reference, has_namespace=has_namespace)


def _describe_edit(reference: PodReference) -> str:
    """Return how a user adds keys to an object that exists."""
    command = f"kubectl edit {reference.kind.lower()} {reference.name} --namespace {reference.namespace}"
    return f"Add the keys with `{command}`."


def _describe_creation(reference: PodReference, *, has_namespace: bool) -> str:
    """Return how a user creates an object, after its namespace if the cluster lacks that too."""
    if reference.has_registry_login:
        origin = "a FILE such as ~/.docker/config.json"
        command = _write_creation("secret docker-registry", reference, "--from-file=.dockerconfigjson=FILE")
    else:
        origin = "a folder with a file for each key"
        command = _write_creation_from_folder(reference)
    if not has_namespace:
        command = f"{_write_namespace_creation(reference.namespace)} && {command}"
    return f"Create it first, from {origin}: `{command}`."


def _write_creation_from_folder(reference: PodReference) -> str:
    """Return a command that makes a key of each file in a folder.

    The names of the files are the keys. An option such as `password=FILE` would look like a secret, and be masked.
    """
    kind = "secret generic" if reference.kind == "Secret" else reference.kind.lower()
    files = " ".join(f"--from-file=FOLDER/{key}" for key in reference.keys) or "--from-file=FOLDER"
    return _write_creation(kind, reference, files)


def _write_creation(kind: str, reference: PodReference, options: str) -> str:
    """Return a command such as `kubectl create secret generic web-tls --namespace obs --from-file=FOLDER/tls.key`."""
    return f"kubectl create {kind} {reference.name} --namespace {reference.namespace} {options}"


def _write_namespace_creation(namespace: str) -> str:
    """Return a command that creates a namespace, and does nothing if another one has created it."""
    return f"kubectl create namespace {namespace} --dry-run=client -o yaml | kubectl apply -f -"
