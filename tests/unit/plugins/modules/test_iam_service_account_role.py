# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iam_service_account_role from nothing to nothing, each step twice and first in check mode; and with any trouble."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.association import (
    AssociationTask,
)
from moto.iam.models import AWSManagedPolicy, iam_backends

from tests.support.cases import cases

from .conftest import CLUSTER, Aws

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
ACCOUNT = "123456789012"
NAME = "prod-gateway"
PUT, CREATE, TRUST, TAG = "PutRolePolicy", "CreateRole", "UpdateAssumeRolePolicy", "TagRole"
SPANS = {"Effect": "Allow", "Action": ["xray:PutTraceSegments"], "Resource": "*"}
GROUP = {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": ["arn:<partition>:logs:<region>:<account>:*"]}
XRAY, AMP = "AWSXRayDaemonWriteAccess", "AmazonPrometheusRemoteWriteAccess"
ASSOCIATE, LEAVE = "CreatePodIdentityAssociation", "DeletePodIdentityAssociation"
IDENTITY = {"provider": "pod_identity", "agent": "ignored"}
BASE = {"name": NAME, "cluster_name": CLUSTER, "namespace": "obs", "service_account": "gateway"}


@pytest.fixture(autouse=True)
def issuer(aws: Aws) -> None:
    """Let the cluster have an issuer, and IAM two managed policies of AWS."""
    aws.cluster(issuer=f"https://{ISSUER}")
    for name in (XRAY, AMP):
        facts = {"Arn": f"arn:aws:iam::aws:policy/{name}", "Path": "/", "DefaultVersionId": "v1", "Document": {}}
        times = {"CreateDate": "2024-01-01T00:00:00+00:00", "UpdateDate": "2024-01-01T00:00:00+00:00"}
        made = AWSManagedPolicy.from_data(name, ACCOUNT, "us-east-1", facts | times)
        iam_backends[ACCOUNT]["aws"].managed_policies[made.arn] = made


def step(aws: Aws, calls: dict[str, int], **options: Any) -> dict[str, Any]:
    return aws.step("iam_service_account_role", calls, "role", "annotations", **BASE | options)


def run(aws: Aws, **options: Any) -> dict[str, Any]:
    return aws.run("iam_service_account_role", **BASE | options)


def live() -> Any:
    """Return moto's role."""
    return iam_backends[ACCOUNT]["aws"].get_role(NAME)


def test_a_life(aws: Aws) -> None:
    made = step(aws, {CREATE: 1, PUT: 1}, statements=[GROUP], tags={"team": "a"}, path="/o11y/")["role"]
    assert made["arn"] == f"arn:aws:iam::{ACCOUNT}:role/o11y/{NAME}" == live().arn
    (statement,) = made["policies"]["o11y-opentelemetry"]["Statement"]
    assert statement == GROUP | {"Resource": [f"arn:aws:logs:eu-west-1:{ACCOUNT}:*"]}
    subject = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": "system:serviceaccount:obs:gateway"}
    (trust,) = made["trust"]["Statement"]
    assert trust == {
        **{"Sid": "O11yOpentelemetryIrsa", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity"},
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"},
        "Condition": {"StringEquals": subject},
    }
    step(aws, {}, statements=[GROUP])
    step(aws, {PUT: 1, TAG: 1, "UntagRole": 1}, statements=[SPANS], tags={"stage": "dev"})
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    step(aws, {"PutRolePermissionsBoundary": 1}, statements=[SPANS], permissions_boundary=boundary)
    step(aws, {}, statements=[SPANS])
    step(aws, {"DeleteRolePermissionsBoundary": 1}, statements=[SPANS], permissions_boundary="")
    step(aws, {"AttachRolePolicy": 2, "DeleteRolePolicy": 1}, managed_policies=[XRAY, AMP])
    step(aws, {"DetachRolePolicy": 1, PUT: 1}, managed_policies=[AMP], statements=[SPANS])
    gone = step(aws, {"DetachRolePolicy": 1, "DeleteRolePolicy": 1, "DeleteRole": 1}, state="absent")
    assert (gone["role"], gone["diff"]["after"]) == ({}, {})


def test_a_change_of_provider_leaves_no_gap(aws: Aws) -> None:
    step(aws, {CREATE: 1, PUT: 1}, statements=[SPANS])
    joined = {TRUST: 1, ASSOCIATE: 1}
    both = step(aws, joined, statements=[SPANS], purge_trust=False, **IDENTITY)["role"]
    sids = [item["Sid"] for item in both["trust"]["Statement"]]
    assert sids == ["O11yOpentelemetryIrsa", "O11yOpentelemetryPodIdentity"]
    assert both["trust"]["Statement"][1]["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{CLUSTER}",
        "aws:RequestTag/kubernetes-namespace": "obs",
        "aws:RequestTag/kubernetes-service-account": "gateway",
    }
    after = step(aws, {TRUST: 1}, statements=[SPANS], **IDENTITY)["role"]
    assert [item["Sid"] for item in after["trust"]["Statement"]] == ["O11yOpentelemetryPodIdentity"]
    assert [item["roleArn"] for item in aws.world.associations.values()] == [after["arn"]]
    back = step(aws, {TRUST: 1, LEAVE: 1}, statements=[SPANS], purge_trust=False)
    assert back["diff"]["before"]["association"]["role_arn"] == after["arn"]
    assert back["diff"]["after"]["association"] == {}
    assert len(back["role"]["trust"]["Statement"]) == 2, "pods that run still have it"
    step(aws, {TRUST: 1}, statements=[SPANS])
    step(aws, {TRUST: 1, ASSOCIATE: 1}, statements=[SPANS], **IDENTITY)
    step(aws, {LEAVE: 1, "DeleteRolePolicy": 1, "DeleteRole": 1}, state="absent")


def test_an_association_of_somebody_else_is_refused(aws: Aws) -> None:
    theirs_too = "arn:aws:iam::123456789012:role/theirs"
    account = {key: BASE[key] for key in ("cluster_name", "namespace", "service_account")}
    aws.run("eks_pod_identity_association", role_arn=theirs_too, **account)
    refused = run(aws, **IDENTITY)
    assert f"it is associated with {theirs_too} already" in refused["msg"]
    assert aws.changing() == {ASSOCIATE: 1}, "theirs, and nothing of ours"
    assert run(aws)["msg"] == refused["msg"], "the annotation is no use"
    run(aws, state="absent")
    assert [item["roleArn"] for item in aws.world.associations.values()] == [theirs_too]
    assert run(aws, adopt=True)["changed"]
    assert aws.world.associations == {}


def test_the_association_of_a_role_that_was_deleted_by_hand_is_removed(aws: Aws) -> None:
    run(aws, **IDENTITY)
    iam_backends[ACCOUNT]["aws"].delete_role(NAME)
    aws.changing()
    gone = step(aws, {LEAVE: 1}, state="absent")
    assert gone["diff"]["before"]["association"]["role_arn"].endswith(f"/{NAME}")


def test_the_association_with_a_role_that_somebody_else_made_anew_stays(aws: Aws) -> None:
    run(aws, **IDENTITY)
    iam_backends[ACCOUNT]["aws"].delete_role(NAME)
    theirs()
    aws.changing()
    step(aws, {}, state="absent")
    assert len(aws.world.associations) == 1


def test_an_association_that_takes_the_place_of_ours_meanwhile_stays(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    run(aws, **IDENTITY)
    read = AssociationTask.read

    def raced(task: AssociationTask) -> Any:
        found = read(task)
        for key, old in [*aws.world.associations.items()]:
            del aws.world.associations[key]
            new = {**old, "associationId": "a-theirs", "roleArn": f"arn:aws:iam::{ACCOUNT}:role/theirs"}
            aws.world.associations[key._replace(name="a-theirs")] = new
        return found

    monkeypatch.setattr(AssociationTask, "read", raced)
    run(aws, state="absent")
    assert [item["associationId"] for item in aws.world.associations.values()] == ["a-theirs"]


def test_eks_may_see_a_new_role_later_than_iam(aws: Aws) -> None:
    aws.world.trouble(operation=ASSOCIATE, code="InvalidParameterException", status=400, times=3)
    assert run(aws, **IDENTITY)["changed"]
    assert aws.changing()[ASSOCIATE] == 4


def theirs(name: str = NAME) -> dict[str, Any]:
    """Make a role of somebody else's."""
    trust = {"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Effect": "Allow", "Action": "sts:AssumeRole"}]}
    tags = [{"Key": "team", "Value": "them"}]
    more = {"permissions_boundary": None, "description": "", "tags": tags, "max_session_duration": "3600"}
    document = json.dumps(trust)
    role = iam_backends[ACCOUNT]["aws"].create_role(name, document, path="/theirs/", **more)
    role.put_policy("theirs", json.dumps({"Version": "2012-10-17", "Statement": [SPANS]}))
    return trust


def test_a_role_of_somebody_else_is_refused_and_when_adopted_given_back(aws: Aws) -> None:
    trust = theirs()
    refused = run(aws)
    assert "it exists, and is not ours" in refused["msg"]
    assert aws.changing() == {}
    assert run(aws, state="absent")["changed"] is False
    wanted = {"statements": [SPANS], "managed_policies": [XRAY]}
    mine = step(aws, {TAG: 1, TRUST: 1, PUT: 1, "AttachRolePolicy": 1}, adopt=True, **wanted)
    assert sorted(mine["role"]["policies"]) == ["o11y-opentelemetry", "theirs"]
    assert [item["Sid"] for item in mine["role"]["trust"]["Statement"]] == ["Theirs", "O11yOpentelemetryIrsa"]
    step(aws, {}, **wanted)
    calls = {TRUST: 1, "DeleteRolePolicy": 1, "DetachRolePolicy": 1, "UntagRole": 1}
    back = step(aws, calls, state="absent", managed_policies=[XRAY])["role"]
    assert (back["trust"], back["tags"], list(back["policies"])) == (trust, {"team": "them"}, ["theirs"])


def test_an_adopted_role_keeps_the_managed_policy_that_it_had_and_loses_the_one_it_got(aws: Aws) -> None:
    theirs()
    iam_backends[ACCOUNT]["aws"].attach_role_policy(f"arn:aws:iam::aws:policy/{XRAY}", NAME)
    wanted = {"managed_policies": [XRAY, AMP]}
    step(aws, {TAG: 1, TRUST: 1, "AttachRolePolicy": 1}, adopt=True, **wanted)
    step(aws, {}, **wanted)
    step(aws, {}, managed_policies=[])
    back = step(aws, {TRUST: 1, "DetachRolePolicy": 1, "UntagRole": 1}, state="absent", **wanted)["role"]
    assert back["managed_policies"] == [f"arn:aws:iam::aws:policy/{XRAY}"]
    assert back["tags"] == {"team": "them"}


def test_an_adopted_role_loses_the_boundary_that_it_got(aws: Aws) -> None:
    theirs()
    boundary = {"permissions_boundary": "arn:aws:iam::123456789012:policy/boundary"}
    step(aws, {TAG: 1, TRUST: 1, "PutRolePermissionsBoundary": 1}, adopt=True, **boundary)
    step(aws, {}, **boundary)
    calls = {TRUST: 1, "DeleteRolePermissionsBoundary": 1, "UntagRole": 1}
    assert step(aws, calls, state="absent")["role"]["permissions_boundary"] == ""


def test_an_adopted_role_keeps_the_association_that_it_had(aws: Aws) -> None:
    theirs()
    account = {key: BASE[key] for key in ("cluster_name", "namespace", "service_account")}
    aws.run("eks_pod_identity_association", role_arn=live().arn, **account)
    aws.changing()
    step(aws, {TAG: 1, TRUST: 1}, adopt=True, **IDENTITY)
    step(aws, {TRUST: 1, "UntagRole": 1}, state="absent")
    assert len(aws.world.associations) == 1


def test_an_adopted_role_loses_the_association_that_it_got(aws: Aws) -> None:
    theirs()
    step(aws, {TAG: 1, TRUST: 1, ASSOCIATE: 1}, adopt=True, **IDENTITY)
    step(aws, {}, **IDENTITY)
    step(aws, {TRUST: 1, LEAVE: 1, "UntagRole": 1}, state="absent")
    assert aws.world.associations == {}


def test_the_boundary_of_somebody_else_is_neither_replaced_nor_removed(aws: Aws) -> None:
    theirs()
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/theirs"
    iam_backends[ACCOUNT]["aws"].put_role_permissions_boundary(NAME, boundary)
    for other in ("", f"arn:aws:iam::{ACCOUNT}:policy/ours"):
        assert f"it has the permissions boundary {boundary}" in run(aws, adopt=True, permissions_boundary=other)["msg"]
    assert aws.changing() == {}
    step(aws, {TAG: 1, TRUST: 1}, adopt=True, permissions_boundary=boundary)
    back = step(aws, {TRUST: 1, "UntagRole": 1}, state="absent")["role"]
    assert back["permissions_boundary"] == boundary


@cases("region, partition", ("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"))
def test_every_partition(aws: Aws, region: str, partition: str) -> None:
    aws.cluster(region=region, issuer=f"https://{ISSUER}")
    made = step(aws, {CREATE: 1, PUT: 1}, region=region, statements=[GROUP])["role"]
    assert made["arn"] == f"arn:{partition}:iam::{ACCOUNT}:role/{NAME}"
    (statement,) = made["policies"]["o11y-opentelemetry"]["Statement"]
    assert statement["Resource"] == [f"arn:{partition}:logs:{region}:{ACCOUNT}:*"]
    assert made["trust"]["Statement"][0]["Principal"]["Federated"].startswith(f"arn:{partition}:iam::")
    step(aws, {"DeleteRolePolicy": 1, "DeleteRole": 1}, region=region, state="absent")


@pytest.mark.parametrize("operation", [CREATE, PUT])
def test_an_answer_that_was_lost_is_no_error(aws: Aws, operation: str) -> None:
    aws.world.trouble(operation=operation, drop="after")
    done = run(aws, statements=[SPANS])
    assert list(done["role"]["policies"]) == ["o11y-opentelemetry"]
    assert run(aws, statements=[SPANS])["changed"] is False


def test_a_run_that_ended_half_way_is_taken_up(aws: Aws) -> None:
    aws.world.trouble(operation=PUT, code="AccessDenied", status=403)
    assert "Allow iam:PutRolePolicy to the caller" in run(aws, statements=[SPANS])["msg"]
    aws.changing()
    step(aws, {PUT: 1}, statements=[SPANS])


def test_what_iam_does_not_show_yet_is_waited_for(aws: Aws) -> None:
    aws.world.trouble(operation="GetRole", code="NoSuchEntity", status=404, skip=1, times=3)
    before = aws.clock.now
    assert run(aws, statements=[SPANS])["changed"]
    assert aws.clock.now - before == 3
    aws.world.trouble(operation="GetRole", code="NoSuchEntity", status=404, skip=1, times=1000)
    assert "IAM does not show what was written after 5 s" in run(aws, statements=[], wait_seconds=5)["msg"]


@cases(
    "options, words",
    ({"cluster_name": "nowhere"}, "Failed to describe the cluster: it does not exist"),
    ({"provider": "pod_identity"}, "has neither the add-on eks-pod-identity-agent nor Auto Mode"),
    ({"statements": [SPANS | {"Resource": "x" * 10300}]}, "IAM takes 10240"),
)
def test_what_cannot_work_is_told(aws: Aws, options: dict[str, Any], words: str) -> None:
    result = run(aws, **options)
    assert result["failed"]
    assert words in result["msg"]
    assert aws.changing() == {}


def test_a_role_of_another_service_account_is_refused_though_it_is_ours(aws: Aws) -> None:
    step(aws, {CREATE: 1})
    given = {"service_account": "agent", "adopt": True}
    assert "it is the role of obs/gateway in arn:aws:eks" in run(aws, **given)["msg"]
    assert run(aws, state="absent", **given)["changed"] is False
    aws.changing()
    step(aws, {"DeleteRole": 1}, state="absent")


def test_clusters_of_one_name_in_two_regions_keep_their_roles(aws: Aws) -> None:
    name, elsewhere = "prod-{region}-obs-gateway", {"region": "us-east-1"}
    aws.cluster(**elsewhere, issuer=f"https://{ISSUER.replace('eu-west-1', 'us-east-1')}")
    made = [step(aws, {CREATE: 1}, name=name, **place)["role"]["name"] for place in ({}, elsewhere)]
    assert made == ["prod-eu-west-1-obs-gateway", "prod-us-east-1-obs-gateway"]
    step(aws, {}, name=made[0], state="absent", **elsewhere)
    assert "it is the role of obs/gateway in arn:aws:eks:eu-west-1" in run(aws, name=made[0], **elsewhere)["msg"]
    step(aws, {"DeleteRole": 1}, name=name, state="absent", **elsewhere)
    step(aws, {}, name=name)


def test_inventories_that_share_an_account_do_not_take_its_role_from_each_other(aws: Aws) -> None:
    step(aws, {CREATE: 1, PUT: 1}, statements=[SPANS], collectors=["b", "c"])
    step(aws, {}, collectors=["other"], state="absent")
    refused = run(aws, statements=[GROUP], collectors=["other"])
    assert "it is the role of obs/gateway for collector obs/b" in refused["msg"]
    step(aws, {TAG: 1}, statements=[SPANS], collectors=["a", "b"])
    step(aws, {TAG: 1}, statements=[SPANS], collectors=["other"], adopt=True)
    step(aws, {"DeleteRolePolicy": 1, "DeleteRole": 1}, state="absent", collectors=["other"])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_trouble_comes_the_next_run_makes_it_whole(aws: Aws, seed: int) -> None:
    chance = random.Random(seed)
    for options in ({"statements": [SPANS]}, {"statements": [SPANS], "managed_policies": [XRAY], **IDENTITY}):
        for _trouble in range(4):
            kind = chance.choice([{"drop": "before"}, {"drop": "after"}, {"code": "Throttling", "status": 400}])
            aws.world.trouble(skip=chance.randrange(12), times=chance.choice([1, 2, 200]), **kind)
            run(aws, **options)
            aws.world.faults.clear()
        assert not run(aws, **options).get("failed")
        assert run(aws, **options)["changed"] is False
    trust = json.loads(live().assume_role_policy_document)["Statement"]
    assert [item["Sid"] for item in trust] == ["O11yOpentelemetryPodIdentity"]
    assert (list(live().policies), len(live().tags), len(aws.world.associations)) == (["o11y-opentelemetry"], 3, 1)
    aws.world.trouble(skip=chance.randrange(8), drop="after", times=200)
    run(aws, state="absent")
    aws.world.faults.clear()
    run(aws, state="absent")
    assert NAME not in [role.name for role in iam_backends[ACCOUNT]["aws"].roles.values()]
    assert aws.world.associations == {}
