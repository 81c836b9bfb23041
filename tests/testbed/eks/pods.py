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

from tests.testbed.eks.identities import AGENT
from tests.testbed.netns import AGENT_IP

Json = dict[str, Any]
ROLE = "eks.amazonaws.com/role-arn"
AUDIENCE = "eks.amazonaws.com/audience"
EXPIRATION = "eks.amazonaws.com/token-expiration"
REGIONAL = "eks.amazonaws.com/sts-regional-endpoints"
SKIPPED = "eks.amazonaws.com/skip-containers"
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
    volume: Json
    """The volume with the token of the pod."""
    folder: str
    """Where containers mount the volume."""


def patched(pod: Json, account: Json, associated: bool, region: str) -> Json:
    """Return a pod as the webhook changes it. `associated` says whether its account has a pod identity association."""
    annotations = account["metadata"].get("annotations", {})
    if associated:
        credentials = _pod_identity()
    elif annotations.get(ROLE):
        credentials = _irsa(annotations)
    else:
        return pod
    environment = {
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        **credentials.environment,
        "SSL_CERT_FILE": f"{CA_FOLDER}/ca.crt",
    }
    if not associated and annotations.get(REGIONAL) == "false":
        del environment["AWS_STS_REGIONAL_ENDPOINTS"]
    mounts = [_mount(credentials.volume, credentials.folder), _mount(CA_VOLUME, CA_FOLDER)]
    spec = {**pod["spec"], "volumes": _joined(pod["spec"].get("volumes", []), [credentials.volume, CA_VOLUME], "name")}
    skipped = _skipped(pod)
    for kind in ("initContainers", "containers"):
        if kind in spec:
            spec[kind] = [_equipped(container, environment, mounts, skipped) for container in spec[kind]]
    return {**pod, "spec": spec}


def _pod_identity() -> Credentials:
    """Return what a pod with an association needs: the address of the agent, and a token for it."""
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{AGENT_IP}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{POD_FOLDER}/{POD_TOKEN}",
    }
    return Credentials(environment, _token_volume(POD_TOKEN, AGENT, POD_TOKEN, DAY_SECONDS), POD_FOLDER)


def _irsa(annotations: dict[str, str]) -> Credentials:
    """Return what a pod of an annotated service account needs (IRSA): its role, and a token for STS."""
    environment = {
        "AWS_ROLE_ARN": annotations[ROLE],
        "AWS_WEB_IDENTITY_TOKEN_FILE": f"{IRSA_FOLDER}/token",
    }
    audience = annotations.get(AUDIENCE, "sts.amazonaws.com")
    seconds = int(annotations.get(EXPIRATION, DAY_SECONDS))
    return Credentials(environment, _token_volume("aws-iam-token", audience, "token", seconds), IRSA_FOLDER)


def _token_volume(name: str, audience: str, path: str, seconds: int) -> Json:
    """Return a volume with a token of the pod's service account, which is valid for some seconds."""
    source = {"serviceAccountToken": {"audience": audience, "expirationSeconds": seconds, "path": path}}
    return {"name": name, "projected": {"sources": [source]}}


def _mount(volume: Json, folder: str) -> Json:
    return {"name": volume["name"], "mountPath": folder, "readOnly": True}


def _skipped(pod: Json) -> set[str]:
    """Return the names of the containers that the pod's annotation leaves out."""
    names = pod["metadata"].get("annotations", {}).get(SKIPPED, "").split(",")
    return {name.strip() for name in names}


def _equipped(container: Json, environment: dict[str, str], mounts: list[Json], skipped: set[str]) -> Json:
    """Return a container with the variables and the mounts that it does not have yet."""
    if container["name"] in skipped:
        return container
    variables = [{"name": name, "value": value} for name, value in environment.items()]
    return {
        **container,
        "env": _joined(container.get("env", []), variables, "name"),
        "volumeMounts": _joined(container.get("volumeMounts", []), mounts, "mountPath"),
    }


def _joined(existing: list[Json], added: list[Json], key: str) -> list[Json]:
    """Return the existing objects, and those of the added ones whose key none of them has."""
    keys = {entry[key] for entry in existing}
    return [*existing, *(entry for entry in added if entry[key] not in keys)]


def review(
    admission_review: Json, get: Callable[[str], Any], associated: Callable[[str, str], bool], region: str
) -> Json:
    """Answer an AdmissionReview of a pod that is about to be created.

    `get` reads a path of the Kubernetes API. `associated` says whether an account, by its namespace and name, has a pod
    identity association.
    """
    request = admission_review["request"]
    pod, namespace = request["object"], request["namespace"]
    name = pod["spec"].get("serviceAccountName") or "default"
    account = get(f"/api/v1/namespaces/{quote(namespace)}/serviceaccounts/{quote(name)}")
    spec = patched(pod, account, associated(namespace, name), region)["spec"]
    response: Json = {"uid": request["uid"], "allowed": True}
    if spec != pod["spec"]:
        patch = json.dumps([{"op": "replace", "path": "/spec", "value": spec}])
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(patch.encode()).decode()}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
