# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EKS does to pods of accounts with a role, and the status of its add-on."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, cast

import pytest
from moto import mock_aws
from moto.eks.models import eks_backends

from tests.testbed.aws.direct import DirectClient
from tests.testbed.aws.world import ACCOUNT, World
from tests.testbed.eks import addon, pods
from tests.testbed.eks.addon import AddonController, AddonSite
from tests.testbed.errors import ClusterError

MAIN = {"name": "main", "env": [{"name": "AWS_REGION", "value": "mine"}], "volumeMounts": []}
SPEC = {"serviceAccountName": "gateway", "volumes": [{"name": "config"}], "containers": [MAIN]}
POD = {"metadata": {}, "spec": {**SPEC, "initContainers": [{"name": "first"}]}}
PLAIN: dict[str, Any] = {"metadata": {}}
ROLE: dict[str, Any] = {"metadata": {"annotations": {pods.ROLE_ANNOTATION: "arn:role"}}}


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container["env"]}


def test_the_annotation_brings_a_token_for_sts() -> None:
    assert pods.patch_pod(POD, PLAIN, False, "us-east-1") is POD
    spec = pods.patch_pod(POD, ROLE, False, "us-east-1")["spec"]
    found = environment(spec["containers"][0])
    assert (found["AWS_ROLE_ARN"], found["AWS_REGION"]) == ("arn:role", "mine")
    assert found["AWS_WEB_IDENTITY_TOKEN_FILE"] == f"{pods.IRSA_FOLDER}/token"
    volume = next(item for item in spec["volumes"] if item["name"] == "aws-iam-token")
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "sts.amazonaws.com"
    assert {item["mountPath"] for item in spec["containers"][0]["volumeMounts"]} == {pods.IRSA_FOLDER, pods.CA_FOLDER}
    assert environment(spec["initContainers"][0])["AWS_REGION"] == "us-east-1"
    assert pods.patch_pod({**POD, "spec": spec}, ROLE, False, "us-east-1")["spec"] == spec


def test_an_association_is_before_the_annotation() -> None:
    spec = pods.patch_pod(POD, ROLE, True, "us-east-1")["spec"]
    found = environment(spec["containers"][0])
    assert "AWS_ROLE_ARN" not in found
    assert found["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == "http://169.254.170.23/v1/credentials"
    (volume,) = (item for item in spec["volumes"] if "projected" in item)
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "pods.eks.amazonaws.com"


def test_annotations_change_what_pods_get() -> None:
    annotations = {
        pods.ROLE_ANNOTATION: "r",
        pods.REGIONAL_ANNOTATION: "false",
        pods.AUDIENCE_ANNOTATION: "a",
        pods.EXPIRATION_ANNOTATION: "9",
    }
    account: dict[str, Any] = {"metadata": {"annotations": annotations}}
    pod = {**POD, "metadata": {"annotations": {pods.SKIPPED_ANNOTATION: "first"}}}
    spec = pods.patch_pod(pod, account, False, "us-east-1")["spec"]
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

    answer = pods.answer_review(asked, get, lambda *_: False, "us-east-1")["response"]
    assert paths == ["/api/v1/namespaces/o11y/serviceaccounts/gateway"]
    assert (answer["uid"], answer["allowed"], "patch" in answer) == ("1", True, patched)
    if patched:
        (step,) = json.loads(base64.b64decode(answer["patch"]))
        assert (step["op"], step["path"]) == ("replace", "/spec")


NAMES = {"clusterName": "prod", "addonName": "adot"}


class Stage:
    """A cluster without a cluster."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.refuses, self.is_ready = False, False

    def apply(self) -> None:
        self.done.append("apply")
        if self.refuses:
            raise ClusterError("refused", "because", "nothing")

    def delete(self) -> None:
        self.done.append("delete")
        if self.refuses:
            raise ClusterError("refused", "because", "nothing")

    def ready(self) -> bool:
        return self.is_ready


@pytest.fixture
def play() -> Any:
    with mock_aws():
        world, stage = World(), Stage()
        world.externally_driven.add("adot")
        vpc: dict[str, Any] = {}
        eks_backends[ACCOUNT]["eu-west-1"].create_cluster("prod", "arn:aws:iam::123456789012:role/c", vpc, "1.34")
        yield DirectClient(world), AddonController(world, cast(AddonSite, stage)), stage


def installed(play: Any) -> Any:
    """Let the add-on be there with all of its objects."""
    client, player, stage = play
    stage.is_ready = True
    client.create_addon(**NAMES)
    player.step()
    return play


def status(client: DirectClient) -> tuple[str, list[str]]:
    found = client.describe_addon(**NAMES)["addon"]
    return found["status"], [issue["code"] for issue in found["health"]["issues"]]


def test_it_is_active_when_its_objects_are_ready(play: Any) -> None:
    client, player, stage = play
    player.step()
    assert stage.done == []
    client.create_addon(**NAMES)
    player.step()
    player.step()
    assert (stage.done, status(client)) == (["apply"], ("CREATING", []))
    stage.is_ready = True
    player.step()
    assert status(client) == ("ACTIVE", [])


def test_an_update_is_applied_again_and_ends(play: Any) -> None:
    client, player, stage = installed(play)
    wanted = {"configurationValues": '{"replicaCount": 1}', "clientRequestToken": "two"}
    update = client.update_addon(**NAMES, **wanted)["update"]
    asked = {"name": "prod", "addonName": "adot", "updateId": update["id"]}
    assert client.describe_update(**asked)["update"]["status"] == "InProgress"
    assert "configurationValues" not in client.describe_addon(**NAMES)["addon"]
    player.step()
    assert stage.done == ["apply", "apply"]
    assert client.describe_update(**asked)["update"]["status"] == "Successful"
    assert client.describe_addon(**NAMES)["addon"]["configurationValues"]


@pytest.mark.parametrize(
    ("patience", "refuses", "told"),
    [
        (60, True, ("CREATING", ["AdmissionRequestDenied"])),
        (-1, False, ("DEGRADED", ["InsufficientNumberOfReplicas"])),
    ],
    ids=["refused", "not ready"],
)
def test_what_keeps_it_from_running_is_told_until_it_runs(
    play: Any, monkeypatch: pytest.MonkeyPatch, patience: int, refuses: bool, told: tuple[str, list[str]]
) -> None:
    client, player, stage = play
    monkeypatch.setattr(addon, "READY_SECONDS", patience)
    stage.refuses, stage.is_ready = refuses, refuses
    client.create_addon(**NAMES)
    player.step()
    assert status(client) == told
    stage.refuses, stage.is_ready = False, True
    player.step()
    assert status(client) == ("ACTIVE", [])


@pytest.mark.parametrize(("preserve", "done"), [(False, ["apply", "delete"]), (True, ["apply"])])
def test_it_is_gone_when_its_objects_are(play: Any, preserve: bool, done: list[str]) -> None:
    client, player, stage = installed(play)
    client.delete_addon(**NAMES, preserve=preserve)
    assert status(client)[0] == "DELETING"
    player.step()
    assert stage.done == done
    assert client.list_addons(clusterName="prod")["addons"] == []


def test_it_is_deleting_until_its_objects_can_be_deleted(play: Any) -> None:
    client, player, stage = installed(play)
    client.delete_addon(**NAMES)
    stage.refuses = True
    player.step()
    assert status(client) == ("DELETING", ["AdmissionRequestDenied"])
    stage.refuses = False
    player.step()
    assert stage.done == ["apply", "delete", "delete"]
    assert client.list_addons(clusterName="prod")["addons"] == []


def test_a_cluster_without_the_operator_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [{"items": []}]
    monkeypatch.setattr(addon.probe, "read_object", lambda *_: answers[0])
    site = AddonSite(cast(Any, None), Path("x"))
    assert not site.ready()
    item = {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": {"observedGeneration": 2}}
    answers[0] = {"items": [item]}
    assert not site.ready()
    item["status"]["readyReplicas"] = 1
    assert site.ready()
