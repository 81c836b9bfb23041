# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iam_oidc_provider and eks_pod_identity_association: each step twice and first in check mode."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from tests.support.cases import cases

from .conftest import CLUSTER, Aws

ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
ADD, REMOVE = "AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider"
CREATE, DELETE = "CreateOpenIDConnectProvider", "DeleteOpenIDConnectProvider"


def step(aws: Aws, calls: dict[str, int], **options: Any) -> dict[str, Any]:
    return aws.step("iam_oidc_provider", calls, **{"url": ISSUER} | options)


def test_a_life(aws: Aws) -> None:
    made = step(aws, {CREATE: 1}, tags={"team": "a"})["provider"]
    assert made["arn"] == "arn:aws:iam::123456789012:oidc-provider/" + ISSUER.removeprefix("https://")
    assert (made["client_ids"], made["tags"], made["url"]) == (["sts.amazonaws.com"], {"team": "a"}, ISSUER)
    assert made["issuer"] == "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"

    step(aws, {}, url=ISSUER + "/")
    step(aws, {ADD: 1}, client_ids=["inventory"])
    swapped = step(aws, {ADD: 1, REMOVE: 2}, client_ids=["other"], purge_client_ids=True)
    assert swapped["provider"]["client_ids"] == ["other"]
    step(aws, {ADD: 1}, client_ids=["sts.amazonaws.com"])
    step(aws, {"TagOpenIDConnectProvider": 1, "UntagOpenIDConnectProvider": 1}, tags={"stage": "dev"})
    step(aws, {"UpdateOpenIDConnectProviderThumbprint": 1}, thumbprints=["AA" * 20])
    gone = step(aws, {DELETE: 1}, state="absent")
    assert (gone["provider"], gone["diff"]["after"]) == ({}, {})


def test_a_provider_of_somebody_else_is_adopted_as_it_is(aws: Aws) -> None:
    backend, thumbprints = iam_backends["123456789012"]["aws"], ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
    backend.create_open_id_connect_provider(ISSUER, thumbprints, client_id_list=["theirs"], tags=[])
    adopted = step(aws, {ADD: 1})["provider"]
    assert (adopted["client_ids"], adopted["thumbprints"]) == (["sts.amazonaws.com", "theirs"], thumbprints)


@cases("region, partition", ("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"))
def test_every_partition(aws: Aws, region: str, partition: str) -> None:
    suffix = ".cn" if partition == "aws-cn" else ""
    issuer = f"https://oidc.eks.{region}.amazonaws.com{suffix}/id/EXAMPLE"
    aws.cluster(region=region, issuer=issuer)
    done = step(aws, {CREATE: 1}, url=None, cluster_name=CLUSTER, region=region)["provider"]
    assert done["arn"].startswith(f"arn:{partition}:iam::123456789012:oidc-provider/oidc.eks.{region}.")
    assert done["client_ids"] == ["sts.amazonaws.com"]  # in China too
    step(aws, {DELETE: 1}, url=None, cluster_name=CLUSTER, region=region, state="absent")


def test_an_answer_that_was_lost_is_no_error(aws: Aws) -> None:
    aws.world.trouble(operation=CREATE, drop="after")
    done = aws.run("iam_oidc_provider", url=ISSUER)
    assert done["provider"]["client_ids"] == ["sts.amazonaws.com"]
    assert aws.changing() == {CREATE: 2}


@cases(
    "options, words",
    ({"url": "http://a"}, "is not the URL of an issuer"),
    ({"url": ISSUER, "thumbprints": ["short"]}, "has no 40 hexadecimal digits"),
    ({"cluster_name": "nowhere"}, "Failed to describe the cluster: it does not exist"),
    ({"url": ISSUER, "cluster_name": CLUSTER}, "mutually exclusive"),
    ({"cluster_name": ""}, "cluster_name is empty"),
    ({}, "one of the following is required: url, cluster_name"),
)
def test_what_cannot_work_is_told(aws: Aws, options: dict[str, Any], words: str) -> None:
    result = aws.run("iam_oidc_provider", **options)
    assert result["failed"]
    assert words in result["msg"]
    assert aws.changing() == {}


def test_what_is_not_allowed_names_the_right(aws: Aws) -> None:
    aws.world.trouble(operation=CREATE, code="AccessDenied", status=403, message="User may not")
    result = aws.run("iam_oidc_provider", url=ISSUER)
    assert "Allow iam:CreateOpenIDConnectProvider to the caller" in result["msg"]
    assert result["error"] == {"code": "AccessDenied", "message": "User may not"}


NAME = "eks_pod_identity_association"
ROLE, OTHER = "arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"
BASE = {"cluster_name": CLUSTER, "namespace": "observability", "service_account": "gateway"}
MAKE, UPDATE, DISSOLVE = (f"{verb}PodIdentityAssociation" for verb in ("Create", "Update", "Delete"))
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "aps:RemoteWrite", "Resource": "*"}]}


def associate(aws: Aws, calls: dict[str, int], **options: Any) -> dict[str, Any]:
    return aws.step(NAME, calls, **BASE | options)


def test_the_life_of_an_association(aws: Aws) -> None:
    made = associate(aws, {MAKE: 1}, role_arn=ROLE, tags={"team": "a"})
    assert made["association"]["role_arn"] == ROLE
    assert made["association"]["association_id"].startswith("a-")
    assert made["association"]["tags"] == {"team": "a"}
    associate(aws, {}, role_arn=ROLE)
    assert associate(aws, {UPDATE: 1}, role_arn=OTHER)["association"]["role_arn"] == OTHER
    associate(aws, {UPDATE: 1}, role_arn=OTHER, target_role_arn=ROLE, disable_session_tags=True, policy=POLICY)
    associate(aws, {}, role_arn=OTHER)  # what no option names stays
    associate(aws, {UPDATE: 1}, role_arn=OTHER, target_role_arn="", policy={})
    associate(aws, {"TagResource": 1, "UntagResource": 1}, role_arn=OTHER, tags={"stage": "dev"})
    gone = associate(aws, {DISSOLVE: 1}, state="absent")
    assert (gone["association"], gone["diff"]["after"]) == ({}, {})


def test_others_of_the_cluster_are_left_alone(aws: Aws) -> None:
    aws.run(NAME, **BASE | {"service_account": "agent"}, role_arn=ROLE)
    aws.changing()
    associate(aws, {MAKE: 1}, role_arn=OTHER)
    associate(aws, {DISSOLVE: 1}, state="absent")
    assert [item["serviceAccount"] for item in aws.world.associations.values()] == ["agent"]


def test_an_association_with_another_role_is_not_deleted(aws: Aws) -> None:
    aws.run(NAME, **BASE, role_arn=ROLE)
    refused = aws.run(NAME, **BASE, role_arn=f"{ROLE}-other", state="absent")
    assert f"it has the role {ROLE}, not {ROLE}-other" in refused["msg"]
    assert "Leave role_arn out" in refused["msg"]
    assert len(aws.world.associations) == 1
    assert aws.run(NAME, **BASE, role_arn=ROLE, state="absent")["changed"]
    assert not aws.world.associations


@cases("empty", "namespace", "service_account", "cluster_name")
def test_an_empty_name_does_not_stand_for_the_association_of_a_neighbour(aws: Aws, empty: str) -> None:
    aws.run(NAME, **BASE, role_arn=ROLE)
    aws.changing()
    for options in ({"state": "absent"}, {"role_arn": OTHER}):
        assert f"{empty} is empty" in aws.run(NAME, **BASE | {empty: ""} | options)["msg"]
    assert aws.changing() == {}


def test_those_of_an_addon_are_left_to_it(aws: Aws) -> None:
    identity = {"service_account": "adot", "role_arn": ROLE}
    aws.run("eks_addon", cluster_name=CLUSTER, name="adot", pod_identity_associations=[identity])
    aws.changing()
    base = {"cluster_name": CLUSTER, "namespace": "opentelemetry-operator-system", "service_account": "adot"}
    assert aws.run(NAME, **base, role_arn=ROLE)["changed"] is False
    for options in ({"role_arn": OTHER}, {"state": "absent"}):
        result = aws.run(NAME, **base, **options)
        assert "owns it" in result["msg"]
        assert "Use pod_identity_associations of eks_addon." in result["msg"]
    assert aws.changing() == {}


def test_a_lost_answer_is_no_error(aws: Aws) -> None:
    aws.world.trouble(operation=MAKE, drop="after")
    assert aws.run(NAME, **BASE, role_arn=ROLE)["association"]["role_arn"] == ROLE
    assert len(aws.world.associations) == 1


def test_somebody_who_was_quicker_is_no_error(aws: Aws) -> None:
    aws.run(NAME, **BASE, role_arn=OTHER)
    aws.changing()
    aws.world.trouble(operation="ListPodIdentityAssociations", code="ResourceNotFoundException")
    done = aws.run(NAME, **BASE, role_arn=ROLE)  # it did not see it at first
    assert (done["changed"], done["association"]["role_arn"]) == (True, ROLE)
    assert aws.changing() == {MAKE: 1, UPDATE: 1}


@cases(
    "options, words",
    ({}, "state is present but all of the following are missing: role_arn"),
    ({"role_arn": ROLE, "policy": POLICY}, "EKS takes a policy only without session tags"),
    ({"role_arn": ROLE, "cluster_name": "nowhere"}, "it does not exist (No cluster found for name: nowhere)"),
)
def test_an_association_that_cannot_work_is_told(aws: Aws, options: dict[str, Any], words: str) -> None:
    result = aws.run(NAME, **(BASE | options))
    assert words in result["msg"]
    assert aws.world.associations == {}
    assert aws.run(NAME, **BASE | {"cluster_name": "nowhere"}, state="absent")["changed"] is False
