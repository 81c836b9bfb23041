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

from ..config.paths import mapping_at
from .objects import Manifest
from .pod_references import PodReference

# Of every kind that is not made with `kubectl create`, how the user adds the object or does without it.
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
    """Return how to add what is missing, without its values: to an object that exists, or in a namespace that does."""
    kind = reference.kind.lower()
    if reference.kind in _REMEDY_BY_KIND:
        return _REMEDY_BY_KIND[reference.kind]
    if exists:
        return f"Add the keys with `kubectl edit {kind} {reference.name} --namespace {reference.namespace}`."
    if reference.has_registry_login:
        command = _write_creation("secret docker-registry", reference, "--from-file=.dockerconfigjson=FILE")
        origin = "a FILE such as ~/.docker/config.json"
    else:
        # The names of the files are the keys. `password=` would look like a secret, and be masked.
        files = " ".join(f"--from-file=FOLDER/{key}" for key in reference.keys) or "--from-file=FOLDER"
        command = _write_creation("secret generic" if kind == "secret" else kind, reference, files)
        origin = "a folder with a file for each key"
    if not has_namespace:
        command = f"{_write_namespace_creation(reference.namespace)} && {command}"
    return f"Create it first, from {origin}: `{command}`."


def _write_creation(what: str, reference: PodReference, options: str) -> str:
    """Return a command such as `kubectl create secret generic web-tls --namespace obs --from-file=FOLDER/tls.key`."""
    return f"kubectl create {what} {reference.name} --namespace {reference.namespace} {options}"


def _write_namespace_creation(namespace: str) -> str:
    """Return a command that creates a namespace, and does nothing if another one has created it."""
    return f"kubectl create namespace {namespace} --dry-run=client -o yaml | kubectl apply -f -"
