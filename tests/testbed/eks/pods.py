# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS' pod identity webhook: pods of a service account that has a role get what SDKs need to take it on.

As in github.com/aws/amazon-eks-pod-identity-webhook: an association is before the annotation, and what a container sets
itself stays. One thing is the testbed's alone: the authority that has signed the certificates of its AWS.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
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
DAY_SECONDS = 86400
IRSA_FOLDER = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
POD_FOLDER = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
POD_TOKEN = "eks-pod-identity-token"
CA_FOLDER = "/var/run/testbed-aws"


def patched(pod: Json, account: Json, associated: bool, region: str) -> Json:
    """Return the pod as the webhook wants it."""
    annotations = account["metadata"].get("annotations", {})
    role = annotations.get(ROLE)
    if not (associated or role):
        return pod
    environment = {"AWS_STS_REGIONAL_ENDPOINTS": "regional", "AWS_DEFAULT_REGION": region, "AWS_REGION": region}
    if associated:
        environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"http://{AGENT_IP}/v1/credentials"
        environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = f"{POD_FOLDER}/{POD_TOKEN}"
        volume, folder = _token("eks-pod-identity-token", AGENT, POD_TOKEN, DAY_SECONDS), POD_FOLDER
    else:
        environment |= {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": f"{IRSA_FOLDER}/token"}
        if annotations.get(REGIONAL) == "false":
            del environment["AWS_STS_REGIONAL_ENDPOINTS"]
        audience = annotations.get(AUDIENCE, "sts.amazonaws.com")
        seconds = int(annotations.get(EXPIRATION, DAY_SECONDS))
        volume, folder = _token("aws-iam-token", audience, "token", seconds), IRSA_FOLDER
    # Every namespace has this config map of the cluster's authority, which has signed the certificate of our AWS too.
    trust = {"name": "testbed-aws", "configMap": {"name": "kube-root-ca.crt"}}
    environment["SSL_CERT_FILE"] = f"{CA_FOLDER}/ca.crt"
    skipped = [name.strip() for name in pod["metadata"].get("annotations", {}).get(SKIPPED, "").split(",")]
    spec = {**pod["spec"], "volumes": _joined(pod["spec"].get("volumes", []), [volume, trust], "name")}
    mounts = [
        {"name": volume["name"], "mountPath": folder, "readOnly": True},
        {"name": trust["name"], "mountPath": CA_FOLDER, "readOnly": True},
    ]
    for kind in ("initContainers", "containers"):
        if kind in spec:
            spec[kind] = [
                item if item["name"] in skipped else _equipped(item, environment, mounts) for item in spec[kind]
            ]
    return {**pod, "spec": spec}


def _token(name: str, audience: str, path: str, seconds: int) -> Json:
    source = {"serviceAccountToken": {"audience": audience, "expirationSeconds": seconds, "path": path}}
    return {"name": name, "projected": {"sources": [source]}}


def _joined(there: list[Json], more: list[Json], key: str) -> list[Json]:
    names = {item[key] for item in there}
    return [*there, *(item for item in more if item[key] not in names)]


def _equipped(container: Json, environment: dict[str, str], mounts: list[Json]) -> Json:
    more = [{"name": name, "value": value} for name, value in environment.items()]
    return {
        **container,
        "env": _joined(container.get("env", []), more, "name"),
        "volumeMounts": _joined(container.get("volumeMounts", []), mounts, "mountPath"),
    }


def review(asked: Json, get: Callable[[str], Any], associated: Callable[[str, str], bool], region: str) -> Json:
    """Answer an AdmissionReview of a pod that is about to be made."""
    request = asked["request"]
    pod, namespace = request["object"], request["namespace"]
    name = pod["spec"].get("serviceAccountName") or "default"
    account = get(f"/api/v1/namespaces/{quote(namespace)}/serviceaccounts/{quote(name)}")
    spec = patched(pod, account, associated(namespace, name), region)["spec"]
    answer: Json = {"uid": request["uid"], "allowed": True}
    if spec != pod["spec"]:
        patch = json.dumps([{"op": "replace", "path": "/spec", "value": spec}])
        answer |= {"patchType": "JSONPatch", "patch": base64.b64encode(patch.encode()).decode()}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
