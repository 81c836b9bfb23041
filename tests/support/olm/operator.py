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
from .definitions import GROUP, KINDS, stand_ins

NAME = "opentelemetry-operator-controller-manager"
IMAGE = "docker.io/library/busybox:1.37"
__all__ = ["GROUP", "KINDS", "configured", "deployment", "objects"]
# What OLM itself, or cert-manager in its place, takes care of.
LEFT_OUT = ("Namespace", "Certificate", "Issuer")
DEFINITION = "CustomResourceDefinition"
FILES = {"tls.crt": "server.crt", "tls.key": "server.key", "ca": "ca.crt"}
"""What `certificates` writes, by the keys of a Secret and `ca`."""
HERE = Path(os.environ.get("O11Y_RELEASE_MIRROR") or MIRROR)


def objects(csv: Object, said: dict[str, Any], package: str) -> list[Object]:
    """Return what a version brings, with OLM's labels; its Deployments last, which are in the version itself too."""
    namespace = csv["metadata"]["namespace"]
    release = _release(said.get("release", ""), namespace)
    labels = {"olm.managed": "true", f"operators.coreos.com/{package}.{namespace}": ""}
    made = release or [*stand_ins({}), deployment(namespace, said.get("image", IMAGE))]
    return [_labelled(item, csv, labels) for item in sorted(made, key=lambda item: item["kind"] == "Deployment")]


def deployment(namespace: str, image: str) -> Object:
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
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def configured(item: Object, config: dict[str, Any]) -> Object:
    """Return a Deployment with what the Subscription changes in it."""
    pod = item["spec"]["template"]["spec"]
    for container in pod["containers"]:
        given = {one["name"]: one for one in config.get("env") or []}
        kept = [one for one in container.get("env") or [] if one["name"] not in given]
        container["env"] = [*kept, *given.values()]
        container["resources"] = config.get("resources") or container.get("resources") or {}
    pod.update({key: config[key] for key in ("nodeSelector", "tolerations", "affinity") if config.get(key)})
    return item


def _labelled(item: Object, csv: Object, labels: dict[str, str]) -> Object:
    """Return an object with OLM's labels, and with its version as owner if it is in the same namespace."""
    metadata, owner = item["metadata"], csv["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    if item["kind"] != DEFINITION:
        owned = {"olm.owner": owner["name"], "olm.owner.namespace": owner["namespace"], "olm.owner.kind": csv["kind"]}
        metadata["labels"] |= owned
    if metadata.get("namespace") == owner["namespace"]:
        reference = {"apiVersion": csv["apiVersion"], "kind": csv["kind"], "name": owner["name"], "uid": owner["uid"]}
        metadata["ownerReferences"] = [{**reference, "controller": False, "blockOwnerDeletion": False}]
    return item


def _release(version: str, namespace: str) -> list[Object]:
    """Return the objects of a release, in another namespace and with a certificate that is made here."""
    file = HERE / "opentelemetry-operator" / version / "opentelemetry-operator.yaml"
    if not version or not file.is_file():
        return []
    documents = [item for item in yaml.safe_load_all(file.read_text(encoding="utf-8")) if item]
    old = next(item["metadata"]["name"] for item in documents if item["kind"] == "Namespace")
    # A namespace is named in subjects, in host names and in annotations, everywhere in the same words.
    moved = json.loads(json.dumps(documents).replace(old, namespace))
    wanted = next(item for item in moved if item["kind"] == "Certificate")["spec"]
    secret, authority = _certificate(wanted["secretName"], namespace, wanted["dnsNames"])
    objects = [item for item in moved if item["kind"] not in LEFT_OUT]
    for item in objects:
        for client in _clients(item):
            client["caBundle"] = authority
    return [secret, *objects]


def _clients(item: Object) -> Iterator[dict[str, Any]]:
    """Yield how the API server calls the webhooks of an object."""
    for webhook in item.get("webhooks") or []:
        yield webhook["clientConfig"]
    if item["kind"] == DEFINITION:
        conversion = (item.get("spec") or {}).get("conversion") or {}
        if conversion.get("webhook"):
            yield conversion["webhook"]["clientConfig"]


def _certificate(name: str, namespace: str, hosts: list[str]) -> tuple[Object, str]:
    """Return a Secret with a certificate for these hosts, and the authority that signed it, in base64."""
    with tempfile.TemporaryDirectory() as folder:
        certificates.main(Path(folder), hosts)
        files = {key: _encoded(Path(folder, file)) for key, file in FILES.items()}
    metadata = {"name": name, "namespace": namespace}
    data = {key: files[key] for key in ("tls.crt", "tls.key")}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data}
    return secret, files["ca"]


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
