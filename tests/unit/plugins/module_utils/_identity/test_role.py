# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import role, role_calls, trust
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs import aws_policy
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.aws_policy import parse_eks_cluster

from ..helpers import cases, rows

EKS_CLUSTER = parse_eks_cluster("arn:aws:eks:eu-west-1:123456789012:cluster/prod", "https://a/b")
ACCOUNT = aws_policy.ServiceAccount("obs", "gateway")
SPANS = {"Effect": "Allow", "Action": ["xray:PutSpans"], "Resource": ["*"]}


def wish(**asked: Any) -> role.RoleRequest:
    given = {"account": ACCOUNT, "eks_cluster": EKS_CLUSTER, "statements": [SPANS]}
    return role.RoleRequest(**(given | {"trust": trust.irsa_statement(EKS_CLUSTER, ACCOUNT)} | asked))


def made(**asked: Any) -> dict[str, Any]:
    return role.plan_role({}, wish(**asked), lambda tags: tags)


def names(*given: Any) -> list[str]:
    return [step.operation for step in given]


def test_a_new_role_is_ours_from_its_first_moment() -> None:
    request = role_calls.build_creation_request(made(path="/o11y/", permissions_boundary="arn:b"), ACCOUNT)
    assert {tag["Key"] for tag in request["Tags"]} == {role.CLUSTER_TAG, role.ACCOUNT_TAG, role.ORIGIN_TAG}
    assert (request["Path"], request["PermissionsBoundary"]) == ("/o11y/", "arn:b")
    assert "PermissionsBoundary" not in role_calls.build_creation_request(made(), ACCOUNT)


def test_where_nothing_differs_there_are_no_steps() -> None:
    live = made(managed_policies=("A",))
    assert (
        role_calls.plan_role_calls(live, role.plan_role(live, wish(managed_policies=("A",)), lambda tags: tags)) == []
    )


def test_what_restricts_comes_first_and_what_is_new_before_what_goes() -> None:
    live = made(managed_policies=("A",)) | {"permissions_boundary": ""}
    wanted = made(managed_policies=("B",), statements=[], permissions_boundary="arn:b")
    order = "put_role_permissions_boundary attach_role_policy delete_role_policy detach_role_policy"
    assert " ".join(names(*role_calls.plan_role_calls(live, wanted))) == order
    assert names(*role_calls.plan_role_calls(wanted, live))[-1] == "delete_role_permissions_boundary"


def test_a_role_of_ours_is_exactly_what_is_asked_and_one_that_was_there_gets_more() -> None:
    more = {"policies": {"theirs": {}}, "managed_policies": ["arn:theirs"]}
    ours = role.plan_role(made() | more, wish(), lambda tags: tags)
    assert (sorted(ours["policies"]), ours["managed_policies"]) == ([role.INLINE_POLICY], [])
    adopted = role.plan_role(made() | more | {"tags": {"team": "a"}}, wish(), lambda tags: tags)
    assert (sorted(adopted["policies"]), adopted["managed_policies"]) == (
        [role.INLINE_POLICY, "theirs"],
        ["arn:theirs"],
    )
    assert (adopted["tags"]["team"], adopted["tags"][role.ORIGIN_TAG]) == ("a", "adopted")


def test_a_role_that_was_there_keeps_the_tags_that_the_task_lacks() -> None:
    theirs = {"team": "a", "cost": "1"}
    adopted = role.plan_role(made() | {"tags": theirs}, wish(), lambda _tags: {"team": "b"})
    assert {key: adopted["tags"].get(key) for key in theirs} == {"team": "b", "cost": "1"}
    ours = role.plan_role(made() | {"tags": made()["tags"] | theirs}, wish(), lambda _tags: {"team": "b"})
    assert "cost" not in ours["tags"]


def test_a_role_that_was_there_is_given_back_and_one_of_ours_is_removed() -> None:
    assert role_calls.remaining_settings(made(), []) is None
    live = made(managed_policies=("A", "arn:theirs"))
    live["tags"] |= {role.ORIGIN_TAG: "adopted", "team": "a"}
    left = role_calls.remaining_settings(live, ["A"])
    assert left is not None
    assert (left["tags"], left["policies"], left["managed_policies"]) == ({"team": "a"}, {}, ["arn:theirs"])
    assert left["trust"] == live["trust"], "IAM takes no policy without a statement"
    assert names(*role_calls.plan_deletion_calls(live))[-1] == "delete_role"


@cases(
    "tags, cluster, expected",
    ({}, "eu-west-1/prod", False),
    (made()["tags"], "eu-west-1/prod", True),
    (made()["tags"], "eu-west-1/dev", False),
    (made()["tags"], "us-east-1/prod", False),
)
def test_whose_a_role_is(tags: dict[str, str], cluster: str, expected: bool) -> None:
    arn = role.cluster_arn("arn:aws:iam::123456789012:role/path/a", *cluster.split("/"))
    assert role.is_own_role({"tags": tags}, arn, ACCOUNT) is expected


OURS = made()["tags"]


@cases(
    "live, asked, words",
    ({"tags": {}}, {}, "it exists, and is not ours"),
    ({"tags": OURS | {role.ACCOUNT_TAG: "a/b"}}, {"allows_others": True}, "it is the role of a/b"),
    ({"tags": OURS | {role.CLUSTER_TAG: "arn:x"}}, {"allows_others": True}, "in arn:x"),
    ({"tags": OURS}, {"path": "/x/"}, "its path is /, and IAM cannot change that"),
)
def test_what_is_not_ours_is_refused(live: dict[str, Any], asked: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as told:
        role.check_role_change("role", made() | live, wish(**asked))
    assert words in str(told.value)


def test_what_is_ours_or_may_be_adopted_is_not() -> None:
    role.check_role_change("role", made(), wish(path="/"))
    role.check_role_change("role", made() | {"tags": {}, "path": "/theirs/"}, wish(allows_others=True, path="/"))


def test_names_of_policies_are_aws_own() -> None:
    assert role.policy_arn("A", "aws-cn") == "arn:aws-cn:iam::aws:policy/A"
    assert role.policy_arn("arn:aws:iam::1:policy/x", "aws") == "arn:aws:iam::1:policy/x"


def test_what_iam_says_is_read() -> None:
    live = {"Path": "/a/", "AssumeRolePolicyDocument": {}, "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:b"}}
    expected = rows("""
      {path: /a/, trust: {}, policies: {p: {}}, managed_policies: [a, b], permissions_boundary: "arn:b", tags: {t: "1"}}
    """)
    assert role.role_settings(live, {"p": {}}, ["b", "a"], {"t": "1"}) == expected


ARN = "arn:aws-us-gov:eks:us-gov-west-1:123456789012:cluster/prod"
TRUST_EKS_CLUSTER = parse_eks_cluster(ARN, "https://oidc.example/id/A")
IRSA, POD = (trust.STATEMENT_BUILDERS[name](TRUST_EKS_CLUSTER, ACCOUNT) for name in ("irsa", "pod_identity"))
THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def sids(document: dict[str, Any]) -> list[str]:
    return [item["Sid"] for item in document["Statement"]]


def test_both_ways_trust_one_account_of_one_cluster() -> None:
    assert IRSA["Principal"] == {"Federated": "arn:aws-us-gov:iam::123456789012:oidc-provider/oidc.example/id/A"}
    assert IRSA["Condition"]["StringEquals"] == {
        "oidc.example/id/A:aud": "sts.amazonaws.com",
        "oidc.example/id/A:sub": "system:serviceaccount:obs:gateway",
    }
    assert POD["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert POD["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert POD["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": ARN,
        "aws:RequestTag/kubernetes-namespace": "obs",
        "aws:RequestTag/kubernetes-service-account": "gateway",
    }
    assert [list(one["Condition"]) for one in (IRSA, POD)] == [["StringEquals"]] * 2


def test_sids_are_such_as_iam_takes() -> None:
    assert all(sid.isalnum() for sid in trust.STATEMENT_IDS.values())
    assert IRSA["Sid"] != POD["Sid"]


def test_new_trust_is_beside_the_old_until_that_is_taken_away() -> None:
    assert trust.build_trust_policy(None, IRSA, keeps_providers=True, keeps_others=False) == policy(IRSA)
    both = trust.build_trust_policy(policy(IRSA), POD, keeps_providers=True, keeps_others=False)
    assert sids(both) == [IRSA["Sid"], POD["Sid"]]
    assert trust.build_trust_policy(both, POD, keeps_providers=False, keeps_others=False) == policy(POD)
    assert trust.build_trust_policy(both, IRSA, keeps_providers=False, keeps_others=False) == policy(IRSA)


def test_a_statement_of_ours_that_is_out_of_date_is_replaced() -> None:
    old = {**IRSA, "Condition": {}}
    assert trust.build_trust_policy(policy(old), IRSA, keeps_providers=True, keeps_others=True) == policy(IRSA)


def test_what_others_trust_stays_in_a_role_of_theirs_alone() -> None:
    live = policy(THEIRS, IRSA)
    assert sids(trust.build_trust_policy(live, POD, keeps_providers=False, keeps_others=True)) == [
        "Theirs",
        POD["Sid"],
    ]
    assert sids(trust.build_trust_policy(live, POD, keeps_providers=False, keeps_others=False)) == [POD["Sid"]]
    # Before the rollout nothing is taken from anybody.
    assert sids(trust.build_trust_policy(live, POD, keeps_providers=True, keeps_others=False)) == [
        "Theirs",
        IRSA["Sid"],
        POD["Sid"],
    ]
    assert trust.drop_own_statements(live) == policy(THEIRS)


def test_what_means_the_same_is_left_as_it_is_written() -> None:
    live = policy({**POD, "Action": ["sts:TagSession", "sts:AssumeRole"]})
    assert trust.build_trust_policy(live, POD, keeps_providers=False, keeps_others=False) == live
    single = {"Version": "2012-10-17", "Statement": POD}
    assert trust.build_trust_policy(single, POD, keeps_providers=False, keeps_others=False) == single
