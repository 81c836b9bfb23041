# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS' pod identity webhook: it adds to pods of a service account with a role what SDKs need to assume that role.

It works as github.com/aws/amazon-eks-pod-identity-webhook: an association takes precedence over the annotation of the
service account, and a container's own settings stay. One addition is the testbed's alone: the authority that has signed
the certificate of its AWS.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.testbed.eks.identities import AGENT_SERVICE
from tests.testbed.netns import AGENT_IP

JsonObject = dict[str, Any]
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
AUDIENCE_ANNOTATION = "eks.amazonaws.com/audience"
EXPIRATION_ANNOTATION = "eks.amazonaws.com/token-expiration"
REGIONAL_ANNOTATION = "eks.amazonaws.com/sts-regional-endpoints"
SKIPPED_ANNOTATION = "eks.amazonaws.com/skip-containers"
"""The annotation of a pod that lists containers to leave as they are, with commas."""
DAY_SECONDS = 86400
IRSA_FOLDER = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
POD_FOLDER = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
POD_TOKEN = "eks-pod-identity-token"
"""The name of the volume and of the file with the token for pod identity."""
CA_FOLDER = "/var/run/testbed-aws"
CA_VOLUME = {"name": "testbed-aws", "configMap": {"name": "kube-root-ca.crt"}}
"""The cluster's authority, which every namespace has in this ConfigMap. It has signed the certificate of AWS too."""


@dataclass(frozen=True)
class Credentials:
    """What the containers of a pod need to get credentials."""

    environment: dict[str, str]
    volume: JsonObject
    """The volume with the token of the pod."""
    folder: str
    """Where containers mount the volume."""


def patch_pod(pod: JsonObject, account: JsonObject, is_associated: bool, region: str) -> JsonObject:
    """Return a pod as the webhook changes it.

    `is_associated` says whether its account has a pod identity association.
    """
    annotations = account["metadata"].get("annotations", {})
    if is_associated:
        credentials = _pod_identity_credentials()
    elif annotations.get(ROLE_ANNOTATION):
        credentials = _irsa_credentials(annotations)
    else:
        return pod
    environment = {
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        **credentials.environment,
        "SSL_CERT_FILE": f"{CA_FOLDER}/ca.crt",
    }
    if not is_associated and annotations.get(REGIONAL_ANNOTATION) == "false":
        del environment["AWS_STS_REGIONAL_ENDPOINTS"]
    volume_mounts = [_read_only_mount(credentials.volume, credentials.folder), _read_only_mount(CA_VOLUME, CA_FOLDER)]
    spec = {
        **pod["spec"],
        "volumes": _append_missing(pod["spec"].get("volumes", []), [credentials.volume, CA_VOLUME], "name"),
    }
    skipped_names = _list_skipped_containers(pod)
    for container_list in ("initContainers", "containers"):
        if container_list in spec:
            spec[container_list] = [
                _equip_container(container, environment, volume_mounts, skipped_names)
                for container in spec[container_list]
            ]
    return {**pod, "spec": spec}


def _pod_identity_credentials() -> Credentials:
    """Return what a pod with an association needs: the address of the agent, and a token for it."""
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{AGENT_IP}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{POD_FOLDER}/{POD_TOKEN}",
    }
    return Credentials(environment, _token_volume(POD_TOKEN, AGENT_SERVICE, POD_TOKEN, DAY_SECONDS), POD_FOLDER)


def _irsa_credentials(annotations: dict[str, str]) -> Credentials:
    """Return what a pod of an annotated service account needs (IRSA): its role, and a token for STS."""
    environment = {
        "AWS_ROLE_ARN": annotations[ROLE_ANNOTATION],
        "AWS_WEB_IDENTITY_TOKEN_FILE": f"{IRSA_FOLDER}/token",
    }
    audience = annotations.get(AUDIENCE_ANNOTATION, "sts.amazonaws.com")
    seconds = int(annotations.get(EXPIRATION_ANNOTATION, DAY_SECONDS))
    return Credentials(environment, _token_volume("aws-iam-token", audience, "token", seconds), IRSA_FOLDER)


def _token_volume(name: str, audience: str, path: str, seconds: int) -> JsonObject:
    """Return a volume with a token of the pod's service account, which is valid for some seconds."""
    source = {"serviceAccountToken": {"audience": audience, "expirationSeconds": seconds, "path": path}}
    return {"name": name, "projected": {"sources": [source]}}


def _read_only_mount(volume: JsonObject, folder: str) -> JsonObject:
    return {"name": volume["name"], "mountPath": folder, "readOnly": True}


def _list_skipped_containers(pod: JsonObject) -> set[str]:
    """Return the names of the containers that the pod's annotation leaves out."""
    names = pod["metadata"].get("annotations", {}).get(SKIPPED_ANNOTATION, "").split(",")
    return {name.strip() for name in names}


def _equip_container(
    container: JsonObject, environment: dict[str, str], volume_mounts: list[JsonObject], skipped_names: set[str]
) -> JsonObject:
    """Return a container with the variables and the mounts that it does not have yet."""
    if container["name"] in skipped_names:
        return container
    variables = [{"name": name, "value": value} for name, value in environment.items()]
    return {
        **container,
        "env": _append_missing(container.get("env", []), variables, "name"),
        "volumeMounts": _append_missing(container.get("volumeMounts", []), volume_mounts, "mountPath"),
    }


def _append_missing(existing_entries: list[JsonObject], new_entries: list[JsonObject], key: str) -> list[JsonObject]:
    """Return the existing objects, and those of the added ones whose key none of them has."""
    existing_keys = {entry[key] for entry in existing_entries}
    return [*existing_entries, *(entry for entry in new_entries if entry[key] not in existing_keys)]


def answer_review(
    admission_review: JsonObject,
    read_api: Callable[[str], Any],
    has_association: Callable[[str, str], bool],
    region: str,
) -> JsonObject:
    """Answer an AdmissionReview of a pod that is about to be created.

    `read_api` reads a path of the Kubernetes API. `has_association` says whether an account, by its namespace and name,
    has a pod identity association.
    """
    request = admission_review["request"]
    pod, namespace = request["object"], request["namespace"]
    name = pod["spec"].get("serviceAccountName") or "default"
    account = read_api(f"/api/v1/namespaces/{quote(namespace)}/serviceaccounts/{quote(name)}")
    spec = patch_pod(pod, account, has_association(namespace, name), region)["spec"]
    response: JsonObject = {"uid": request["uid"], "allowed": True}
    if spec != pod["spec"]:
        patch = json.dumps([{"op": "replace", "path": "/spec", "value": spec}])
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(patch.encode()).decode()}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
