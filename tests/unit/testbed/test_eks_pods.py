# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EKS does to pods: those of accounts with a role get what SDKs need, and nothing of theirs is lost."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.testbed.eks import pods

POD = {
    "metadata": {},
    "spec": {
        "serviceAccountName": "gateway",
        "volumes": [{"name": "config"}],
        "containers": [{"name": "main", "env": [{"name": "AWS_REGION", "value": "mine"}], "volumeMounts": []}],
        "initContainers": [{"name": "first"}],
    },
}
PLAIN: dict[str, Any] = {"metadata": {}}
ROLE: dict[str, Any] = {"metadata": {"annotations": {pods.ROLE: "arn:role"}}}


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container["env"]}


def test_a_pod_without_a_role_stays_as_it_is() -> None:
    assert pods.patched(POD, PLAIN, False, "us-east-1") is POD


def test_the_annotation_brings_a_token_for_sts() -> None:
    spec = pods.patched(POD, ROLE, False, "us-east-1")["spec"]
    found = environment(spec["containers"][0])
    assert (found["AWS_ROLE_ARN"], found["AWS_REGION"]) == ("arn:role", "mine")
    assert found["AWS_WEB_IDENTITY_TOKEN_FILE"] == f"{pods.IRSA_FOLDER}/token"
    volume = next(item for item in spec["volumes"] if item["name"] == "aws-iam-token")
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "sts.amazonaws.com"
    assert {item["mountPath"] for item in spec["containers"][0]["volumeMounts"]} == {pods.IRSA_FOLDER, pods.CA_FOLDER}
    assert environment(spec["initContainers"][0])["AWS_REGION"] == "us-east-1"
    again = pods.patched({**POD, "spec": spec}, ROLE, False, "us-east-1")
    assert again["spec"] == spec


def test_an_association_is_before_the_annotation() -> None:
    spec = pods.patched(POD, ROLE, True, "us-east-1")["spec"]
    found = environment(spec["containers"][0])
    assert "AWS_ROLE_ARN" not in found
    assert found["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == "http://169.254.170.23/v1/credentials"
    (volume,) = (item for item in spec["volumes"] if "projected" in item)
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "pods.eks.amazonaws.com"


def test_annotations_change_what_pods_get() -> None:
    account: dict[str, Any] = {
        "metadata": {"annotations": {pods.ROLE: "r", pods.REGIONAL: "false", pods.AUDIENCE: "a", pods.EXPIRATION: "9"}}
    }
    pod = {**POD, "metadata": {"annotations": {pods.SKIPPED: "first"}}}
    spec = pods.patched(pod, account, False, "us-east-1")["spec"]
    assert "AWS_STS_REGIONAL_ENDPOINTS" not in environment(spec["containers"][0])
    assert spec["initContainers"] == [{"name": "first"}]
    token = spec["volumes"][1]["projected"]["sources"][0]["serviceAccountToken"]
    assert (token["audience"], token["expirationSeconds"]) == ("a", 9)


@pytest.mark.parametrize(("account", "patched"), [(PLAIN, False), (ROLE, True)])
def test_the_api_server_gets_a_patch_where_there_is_one(account: dict[str, Any], patched: bool) -> None:
    asked = {"request": {"uid": "1", "namespace": "o11y", "object": POD}}
    paths = []

    def get(path: str) -> Any:
        paths.append(path)
        return account

    answer = pods.review(asked, get, lambda *_: False, "us-east-1")["response"]
    assert paths == ["/api/v1/namespaces/o11y/serviceaccounts/gateway"]
    assert (answer["uid"], answer["allowed"], "patch" in answer) == ("1", True, patched)
    if patched:
        (step,) = json.loads(base64.b64decode(answer["patch"]))
        assert (step["op"], step["path"]) == ("replace", "/spec")
