# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may take on a role: the statements of its trust policy, each marked with a Sid by which it is known again.

Sources: EKS User Guide, "Assign IAM roles to Kubernetes service accounts" (audience and subject), "Create IAM role with
trust policy required by EKS Pod Identity" and "List of session tags added by EKS Pod Identity". Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .oidc import AUDIENCE, bare
from .partition import EksCluster
from .policy import VERSION, Statement, same

IRSA, POD_IDENTITY = "irsa", "pod_identity"
SIDS = {IRSA: "O11yOpentelemetryIrsa", POD_IDENTITY: "O11yOpentelemetryPodIdentity"}


class Account(NamedTuple):
    """A service account."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.namespace}/{self.name}"


def irsa(eks_cluster: EksCluster, account: Account) -> Statement:
    """Return the statement for the tokens that the cluster signs for this service account."""
    issuer = bare(eks_cluster.issuer)
    subject = f"system:serviceaccount:{account.namespace}:{account.name}"
    return {
        "Sid": SIDS[IRSA],
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:aud": AUDIENCE, f"{issuer}:sub": subject}},
    }


def pod_identity(eks_cluster: EksCluster, account: Account) -> Statement:
    """Return the statement for EKS Pod Identity. The ARN of the cluster has its account, so no other key says more."""
    tags = {
        "aws:RequestTag/eks-cluster-arn": eks_cluster.cluster_arn,
        "aws:RequestTag/kubernetes-namespace": account.namespace,
        "aws:RequestTag/kubernetes-service-account": account.name,
    }
    return {
        "Sid": SIDS[POD_IDENTITY],
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": tags},
    }


STATEMENTS = {IRSA: irsa, POD_IDENTITY: pod_identity}


def trusting(live: Mapping[str, Any] | None, wanted: Statement, *, keep: bool, foreign: bool) -> dict[str, Any]:
    """Return a trust policy with the wanted statement. `keep` leaves that of the other provider, `foreign` others'."""
    found = _statements(live)
    ours = set(SIDS.values())
    stays = [
        item
        for item in found
        if item.get("Sid") != wanted["Sid"] and (keep if item.get("Sid") in ours else (keep or foreign))
    ]
    made = {"Version": VERSION, "Statement": [*stays, wanted]}
    return dict(live) if live and same(live, made) else made


def without_ours(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trust policy of a role that was there before us, without what we put in."""
    return {**live, "Statement": [item for item in _statements(live) if item.get("Sid") not in SIDS.values()]}


def _statements(live: Mapping[str, Any] | None) -> Sequence[Statement]:
    found = (live or {}).get("Statement") or []
    return [dict(found)] if isinstance(found, Mapping) else list(found)
