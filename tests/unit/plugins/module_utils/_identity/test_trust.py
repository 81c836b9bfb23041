# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import trust
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.iam_policy import parse_eks_cluster

from .made_roles import ACCOUNT

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
