# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An IAM role that this collection made for the service account `obs/gateway`, and the request for it."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import iam_policy, role, role_plan, trust
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.iam_policy import parse_eks_cluster

EKS_CLUSTER = parse_eks_cluster("arn:aws:eks:eu-west-1:123456789012:cluster/prod", "https://a/b")
ACCOUNT = iam_policy.ServiceAccount("obs", "gateway")
SPANS = {"Effect": "Allow", "Action": ["xray:PutSpans"], "Resource": ["*"]}


def wish(**asked: Any) -> role.RoleRequest:
    given = {"service_account": ACCOUNT, "eks_cluster": EKS_CLUSTER, "statements": [SPANS]}
    return role.RoleRequest(**(given | {"trust": trust.irsa_statement(EKS_CLUSTER, ACCOUNT)} | asked))


def made(**asked: Any) -> dict[str, Any]:
    return role_plan.plan_role({}, wish(**asked), lambda tags: tags)
