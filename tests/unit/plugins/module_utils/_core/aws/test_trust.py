# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.policy import eks_cluster_of
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.trust import (
    SIDS,
    STATEMENTS,
    Account,
    trusting,
    without_ours,
)

EKS_CLUSTER = eks_cluster_of("arn:aws-us-gov:eks:us-gov-west-1:123456789012:cluster/prod", "https://oidc.example/id/A")
ACCOUNT = Account("obs", "gateway")
IRSA, POD = (STATEMENTS[name](EKS_CLUSTER, ACCOUNT) for name in ("irsa", "pod_identity"))
THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def sids(document: dict[str, Any]) -> list[str]:
    return [item["Sid"] for item in document["Statement"]]


def test_irsa_trusts_one_account_of_one_cluster_for_one_audience() -> None:
    assert IRSA["Principal"] == {"Federated": "arn:aws-us-gov:iam::123456789012:oidc-provider/oidc.example/id/A"}
    assert IRSA["Condition"] == {
        "StringEquals": {
            "oidc.example/id/A:aud": "sts.amazonaws.com",
            "oidc.example/id/A:sub": "system:serviceaccount:obs:gateway",
        }
    }


def test_pod_identity_trusts_one_account_of_one_cluster() -> None:
    assert (POD["Principal"], POD["Action"]) == (
        {"Service": "pods.eks.amazonaws.com"},
        ["sts:AssumeRole", "sts:TagSession"],
    )
    assert POD["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": EKS_CLUSTER.cluster_arn,
        "aws:RequestTag/kubernetes-namespace": "obs",
        "aws:RequestTag/kubernetes-service-account": "gateway",
    }


def test_sids_are_such_as_iam_takes() -> None:
    assert all(sid.isalnum() for sid in SIDS.values())
    assert IRSA["Sid"] != POD["Sid"]


def test_new_trust_is_beside_the_old_until_that_is_taken_away() -> None:
    assert trusting(None, IRSA, keep=True, foreign=False) == policy(IRSA)
    both = trusting(policy(IRSA), POD, keep=True, foreign=False)
    assert sids(both) == [IRSA["Sid"], POD["Sid"]]
    assert trusting(both, POD, keep=False, foreign=False) == policy(POD)
    assert trusting(both, IRSA, keep=False, foreign=False) == policy(IRSA)


def test_a_statement_of_ours_that_is_out_of_date_is_replaced() -> None:
    old = {**IRSA, "Condition": {}}
    assert trusting(policy(old), IRSA, keep=True, foreign=True) == policy(IRSA)


def test_what_others_trust_stays_in_a_role_of_theirs_alone() -> None:
    live = policy(THEIRS, IRSA)
    assert sids(trusting(live, POD, keep=False, foreign=True)) == ["Theirs", POD["Sid"]]
    assert sids(trusting(live, POD, keep=False, foreign=False)) == [POD["Sid"]]
    # Before the rollout nothing is taken from anybody.
    assert sids(trusting(live, POD, keep=True, foreign=False)) == ["Theirs", IRSA["Sid"], POD["Sid"]]
    assert without_ours(live) == policy(THEIRS)


def test_what_means_the_same_is_left_as_it_is_written() -> None:
    live = policy({**POD, "Action": ["sts:TagSession", "sts:AssumeRole"]})
    assert trusting(live, POD, keep=False, foreign=False) == live
    single = {"Version": "2012-10-17", "Statement": POD}
    assert trusting(single, POD, keep=False, foreign=False) == single
