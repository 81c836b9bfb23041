# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trust policy of an IAM role: which service account of a cluster may take on the role. Private.

`role_plan.py` builds the policy of a role with it. This collection writes one statement, for one of two providers of
identities, which are the ways in which pods get a role: `irsa` trusts the tokens of the cluster, `pod_identity` trusts
EKS. For example:

    {"Sid": "O11yOpentelemetryIrsa", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
     "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A"},
     "Condition": {"StringEquals": {"oidc.eks…/id/A:sub": "system:serviceaccount:obs:gateway", …}}}

Sources: EKS User Guide, "Assign IAM roles to Kubernetes service accounts" (audience and subject), "Create IAM role with
trust policy required by EKS Pod Identity" and "List of session tags added by EKS Pod Identity".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .iam_policy import IRSA, POD_IDENTITY, POLICY_VERSION, EksCluster, ServiceAccount, Statement, is_same_policy
from .oidc_provider import strip_scheme

# The `Sid` of the statement that this collection writes, by provider of identities.
STATEMENT_IDS = {IRSA: "O11yOpentelemetryIrsa", POD_IDENTITY: "O11yOpentelemetryPodIdentity"}
# The audience of the tokens that the EKS webhook mounts. It is the same in aws-cn, where STS has another host name.
AUDIENCE = "sts.amazonaws.com"


def irsa_statement(eks_cluster: EksCluster, account: ServiceAccount) -> Statement:
    """Return the statement that trusts the tokens which the cluster signs for a service account."""
    issuer = strip_scheme(eks_cluster.issuer)
    subject = f"system:serviceaccount:{account.namespace}:{account.name}"
    return {
        "Sid": STATEMENT_IDS[IRSA],
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:aud": AUDIENCE, f"{issuer}:sub": subject}},
    }


def pod_identity_statement(eks_cluster: EksCluster, account: ServiceAccount) -> Statement:
    """Return the statement that trusts EKS Pod Identity, if it acts for a service account of a cluster."""
    tags = {
        "aws:RequestTag/eks-cluster-arn": eks_cluster.cluster_arn,
        "aws:RequestTag/kubernetes-namespace": account.namespace,
        "aws:RequestTag/kubernetes-service-account": account.name,
    }
    return {
        "Sid": STATEMENT_IDS[POD_IDENTITY],
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": tags},
    }


STATEMENT_BUILDERS = {IRSA: irsa_statement, POD_IDENTITY: pod_identity_statement}


def build_trust_policy(
    live_policy: Mapping[str, Any] | None, target_statement: Statement, *, keeps_providers: bool, keeps_others: bool
) -> dict[str, Any]:
    """Return the trust policy of a role with the wanted statement.

    A policy that means the same as before stays as it is written. `keeps_providers` keeps all other statements, also
    that of the other provider of identities. `keeps_others` keeps those that this collection did not write.
    """
    kept_statements = []
    for statement in _list_statements(live_policy):
        sid = statement.get("Sid")
        if sid == target_statement["Sid"]:
            continue
        is_of_others = sid not in STATEMENT_IDS.values()
        if keeps_providers or (keeps_others and is_of_others):
            kept_statements.append(statement)
    target_policy = {"Version": POLICY_VERSION, "Statement": [*kept_statements, target_statement]}
    if live_policy and is_same_policy(live_policy, target_policy):
        return dict(live_policy)
    return target_policy


def drop_own_statements(live_policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trust policy without the statements of this collection."""
    other_statements = []
    for statement in _list_statements(live_policy):
        if statement.get("Sid") not in STATEMENT_IDS.values():
            other_statements.append(statement)
    return {**live_policy, "Statement": other_statements}


def _list_statements(policy: Mapping[str, Any] | None) -> Sequence[Statement]:
    """Return the statements of a policy; a single one may stand without a list."""
    statements = (policy or {}).get("Statement") or []
    if isinstance(statements, Mapping):
        return [dict(statements)]
    return list(statements)
