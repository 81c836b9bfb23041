# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a version of the operator is made of: a program that sleeps, or the real one from the release mirror."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support import certificates
from tests.support.definitions import MIRROR

from .api import Object
from .definitions import build_stand_ins

DEPLOYMENT_NAME = "opentelemetry-operator-controller-manager"
IMAGE = "docker.io/library/busybox:1.37"
# What OLM itself, or cert-manager in its place, takes care of.
OMITTED_KINDS = ("Namespace", "Certificate", "Issuer")
DEFINITION_KIND = "CustomResourceDefinition"
CERTIFICATE_FILES = {"tls.crt": "server.crt", "tls.key": "server.key", "ca": "ca.crt"}
"""What `certificates` writes, by the keys of a Secret and `ca`."""
RELEASE_FOLDER = Path(os.environ.get("O11Y_RELEASE_MIRROR") or MIRROR)


def list_version_objects(csv: Object, bundle: dict[str, Any], package: str) -> list[Object]:
    """Return what a version brings, with OLM's labels; its Deployments last, which are in the version itself too."""
    namespace = csv["metadata"]["namespace"]
    release = _load_release(bundle.get("release", ""), namespace)
    labels = {"olm.managed": "true", f"operators.coreos.com/{package}.{namespace}": ""}
    manifests = release or [*build_stand_ins({}), build_deployment(namespace, bundle.get("image", IMAGE))]
    return [
        _add_labels(manifest, csv, labels)
        for manifest in sorted(manifests, key=lambda manifest: manifest["kind"] == "Deployment")
    ]


def build_deployment(namespace: str, image: str) -> Object:
    """Return a Deployment that has the labels of the operator and does nothing."""
    labels = {"app.kubernetes.io/name": "opentelemetry-operator", "control-plane": "controller-manager"}
    container = {
        "name": "manager",
        "image": image,
        "command": ["sleep", "2147483647"],
        "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}},
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": DEPLOYMENT_NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def apply_config(deployment: Object, config: dict[str, Any]) -> Object:
    """Return a Deployment with what the Subscription changes in it."""
    pod = deployment["spec"]["template"]["spec"]
    for container in pod["containers"]:
        container["env"] = _merge_variables(container.get("env") or [], config.get("env") or [])
        container["resources"] = config.get("resources") or container.get("resources") or {}
    pod.update({key: config[key] for key in ("nodeSelector", "tolerations", "affinity") if config.get(key)})
    return deployment


def _merge_variables(own: list[Object], configured: list[Object]) -> list[Object]:
    """Return variables of a container with those of the Subscription, which take the place of its own."""
    by_name = {variable["name"]: variable for variable in configured}
    kept = [variable for variable in own if variable["name"] not in by_name]
    return [*kept, *by_name.values()]


def _add_labels(manifest: Object, csv: Object, labels: dict[str, str]) -> Object:
    """Return an object with OLM's labels, and with its version as owner if it is in the same namespace."""
    metadata, owner = manifest["metadata"], csv["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    if manifest["kind"] != DEFINITION_KIND:
        owner_labels = {
            "olm.owner": owner["name"],
            "olm.owner.namespace": owner["namespace"],
            "olm.owner.kind": csv["kind"],
        }
        metadata["labels"] |= owner_labels
    if metadata.get("namespace") == owner["namespace"]:
        reference = {"apiVersion": csv["apiVersion"], "kind": csv["kind"], "name": owner["name"], "uid": owner["uid"]}
        metadata["ownerReferences"] = [{**reference, "controller": False, "blockOwnerDeletion": False}]
    return manifest


def _load_release(version: str, namespace: str) -> list[Object]:
    """Return the objects of a release, in another namespace and with a certificate that is made here."""
    file = RELEASE_FOLDER / "opentelemetry-operator" / version / "opentelemetry-operator.yaml"
    if not version or not file.is_file():
        return []
    documents = [document for document in yaml.safe_load_all(file.read_text(encoding="utf-8")) if document]
    release_namespace = _find_by_kind(documents, "Namespace")["metadata"]["name"]
    # A namespace is named in subjects, in host names and in annotations, everywhere in the same words.
    moved_documents = json.loads(json.dumps(documents).replace(release_namespace, namespace))
    certificate_spec = _find_by_kind(moved_documents, "Certificate")["spec"]
    secret, authority = _create_certificate(certificate_spec["secretName"], namespace, certificate_spec["dnsNames"])
    manifests = [document for document in moved_documents if document["kind"] not in OMITTED_KINDS]
    for document in manifests:
        for client in _find_webhook_clients(document):
            client["caBundle"] = authority
    return [secret, *manifests]


def _find_by_kind(documents: list[Object], kind: str) -> Object:
    """Return the first object of a kind."""
    return next(document for document in documents if document["kind"] == kind)


def _find_webhook_clients(manifest: Object) -> Iterator[dict[str, Any]]:
    """Yield how the API server calls the webhooks of an object."""
    for webhook in manifest.get("webhooks") or []:
        yield webhook["clientConfig"]
    if manifest["kind"] == DEFINITION_KIND:
        conversion = (manifest.get("spec") or {}).get("conversion") or {}
        if conversion.get("webhook"):
            yield conversion["webhook"]["clientConfig"]


def _create_certificate(name: str, namespace: str, hosts: list[str]) -> tuple[Object, str]:
    """Return a Secret with a certificate for these hosts, and the authority that signed it, in base64."""
    with tempfile.TemporaryDirectory() as folder:
        certificates.main(Path(folder), hosts)
        files = {key: _encode_file(Path(folder, file)) for key, file in CERTIFICATE_FILES.items()}
    metadata = {"name": name, "namespace": namespace}
    data = {key: files[key] for key in ("tls.crt", "tls.key")}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data}
    return secret, files["ca"]


def _encode_file(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
