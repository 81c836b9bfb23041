# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS' work for its add-on: its status is that of the objects in the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from moto import mock_aws
from moto.eks.models import eks_backends

from tests.testbed.aws.direct import DirectClient
from tests.testbed.aws.world import ACCOUNT, World
from tests.testbed.eks import addon
from tests.testbed.eks.addon import Player, Site
from tests.testbed.errors import ClusterError

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

    def ready(self) -> bool:
        return self.is_ready


@pytest.fixture
def play() -> Any:
    with mock_aws():
        world, stage = World(), Stage()
        world.played.add("adot")
        vpc: dict[str, Any] = {}
        eks_backends[ACCOUNT]["eu-west-1"].create_cluster("prod", "arn:aws:iam::123456789012:role/c", vpc, "1.34")
        yield DirectClient(world), Player(world, cast(Site, stage)), stage


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
    client, player, stage = play
    stage.is_ready = True
    client.create_addon(**NAMES)
    player.step()
    wanted = {"configurationValues": '{"replicaCount": 1}', "clientRequestToken": "two"}
    update = client.update_addon(**NAMES, **wanted)["update"]
    asked = {"name": "prod", "addonName": "adot", "updateId": update["id"]}
    assert client.describe_update(**asked)["update"]["status"] == "InProgress"
    assert "configurationValues" not in client.describe_addon(**NAMES)["addon"]
    player.step()
    assert stage.done == ["apply", "apply"]
    assert client.describe_update(**asked)["update"]["status"] == "Successful"
    assert client.describe_addon(**NAMES)["addon"]["configurationValues"]


def test_what_the_cluster_refuses_is_told_and_tried_again(play: Any) -> None:
    client, player, stage = play
    stage.refuses, stage.is_ready = True, True
    client.create_addon(**NAMES)
    player.step()
    assert status(client) == ("CREATING", ["AdmissionRequestDenied"])
    stage.refuses = False
    player.step()
    assert status(client) == ("ACTIVE", [])


def test_it_is_degraded_until_its_pods_are_ready(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client, player, stage = play
    monkeypatch.setattr(addon, "PATIENCE_SECONDS", -1)
    client.create_addon(**NAMES)
    player.step()
    assert status(client) == ("DEGRADED", ["InsufficientNumberOfReplicas"])
    stage.is_ready = True
    player.step()
    assert status(client) == ("ACTIVE", [])


@pytest.mark.parametrize(("preserve", "done"), [(False, ["apply", "delete"]), (True, ["apply"])])
def test_it_is_gone_when_its_objects_are(play: Any, preserve: bool, done: list[str]) -> None:
    client, player, stage = play
    stage.is_ready = True
    client.create_addon(**NAMES)
    player.step()
    client.delete_addon(**NAMES, preserve=preserve)
    assert status(client)[0] == "DELETING"
    player.step()
    assert stage.done == done
    assert client.list_addons(clusterName="prod")["addons"] == []


def test_a_cluster_without_the_operator_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [{"items": []}]
    monkeypatch.setattr(addon.probe, "get", lambda *_: answers[0])
    site = Site(cast(Any, None), Path("x"))
    assert not site.ready()
    item = {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": {"observedGeneration": 2}}
    answers[0] = {"items": [item]}
    assert not site.ready()
    item["status"]["readyReplicas"] = 1
    assert site.ready()
