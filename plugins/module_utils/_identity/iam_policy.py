# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM policies for the calls of components to AWS, as narrow as AWS allows.

A policy has a statement for the actions on the same resources. What components need are grants, whose ARNs hold
placeholders, which `fill_policy` replaces once the cluster is known:

    AwsGrant(("logs:PutLogEvents",), "https://…", ("arn:<partition>:logs:<region>:<account>:log-group:shop:*",))

    {"Effect": "Allow", "Action": ["logs:PutLogEvents"],
     "Resource": ["arn:aws:logs:eu-west-1:111122223333:log-group:shop:*"]}

To unite statements is to put the actions on the same resources into one; the frame of a statement is all of it but its
actions. Private.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._otelcol.errors import Problem
from .._otelcol.needs.aws_grants import ACCOUNT, PARTITION, REGION, AwsGrant

Statement = dict[str, Any]
"""A statement of a policy, with the keys of IAM's JSON, such as `Effect`, `Action` and `Resource`."""
# The version of the policy language. Source: IAM User Guide, "IAM JSON policy elements: Version".
POLICY_VERSION = "2012-10-17"
# How pods get a role.
IRSA = "irsa"
POD_IDENTITY = "pod_identity"
# Characters of all inline policies of a role together, without white space.
# Source: IAM User Guide, "IAM and STS quotas".
LONGEST_POLICY = 10240


def build_statements(grants: Iterable[AwsGrant]) -> list[Statement]:
    """Return the statements that allow what the grants need, and no more."""
    return unite_statements(_allow_grant(grant) for grant in grants)


def _allow_grant(grant: AwsGrant) -> Statement:
    """Return the statement that allows what a grant needs, in its region if it has one."""
    statement: Statement = {
        "Effect": "Allow",
        "Action": sorted(grant.actions),
        "Resource": sorted(grant.resources),
    }
    if grant.region and "*" not in grant.region:
        statement["Condition"] = {"StringEquals": {"aws:RequestedRegion": grant.region}}
    return statement


def unite_statements(statements: Iterable[Statement]) -> list[Statement]:
    """Return statements in which the actions on the same resources stand together, in an order of their own.

    A statement with `NotAction` stays as it is: IAM refuses one that has `Action` too.
    """
    actions: dict[str, set[str]] = {}
    frames: dict[str, Statement] = {}
    for statement in statements:
        frame = _strip_actions(statement)
        key = json.dumps(frame, sort_keys=True)
        frames[key] = frame
        actions.setdefault(key, set()).update(_as_list(statement.get("Action", [])))
    united_statements = []
    for key, frame in frames.items():
        own_actions = {} if "NotAction" in frame else {"Action": sorted(actions[key])}
        united_statements.append({"Effect": frame.get("Effect"), **own_actions, **frame})
    return sorted(united_statements, key=_statement_sort_key)


def _statement_sort_key(statement: Statement) -> str:
    """Return a text that puts statements in order by their actions, then by all else."""
    return json.dumps([statement.get("Action", []), statement], sort_keys=True)


def _strip_actions(statement: Statement) -> Statement:
    """Return a statement without its actions. A single resource becomes a list of one."""
    frame = {key: value for key, value in statement.items() if key != "Action"}
    if "Resource" in frame:
        frame["Resource"] = _as_list(frame["Resource"])
    return frame


def build_policy_document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Return a whole policy. Raises Problem for one that IAM would refuse for its size."""
    policy = {"Version": POLICY_VERSION, "Statement": list(statements)}
    size = len(json.dumps(policy, separators=(",", ":")))
    if size > LONGEST_POLICY:
        wrong = f"it would have {size} characters, and IAM takes {LONGEST_POLICY}"
        fix = "Give collectors ServiceAccounts of their own, or use managed policies."
        raise Problem(wrong, asked="Put the derived policy into the role", fix=fix)
    return policy


def is_same_policy(policy: Any, other_policy: Any) -> bool:
    """Return whether two policies, or parts of them, mean the same: AWS gives lists back in other orders."""
    return bool(_make_canonical(policy) == _make_canonical(other_policy))


def _make_canonical(value: Any) -> Any:
    """Return a part of a policy in one form for all parts of the same meaning: sorted lists, and none of one item."""
    if isinstance(value, Mapping):
        return {key: _make_canonical(inner) for key, inner in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    canonical_items = [_make_canonical(inner) for inner in value]
    canonical_items.sort(key=lambda inner: json.dumps(inner, sort_keys=True))
    return canonical_items[0] if len(canonical_items) == 1 else canonical_items


def _as_list(value: Any) -> list[str]:
    """Return texts as a list; AWS writes a list of one as a text."""
    return [value] if isinstance(value, str) else [str(text) for text in value]


class ServiceAccount(NamedTuple):
    """A ServiceAccount: its namespace and its name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `namespace/name`."""
        return f"{self.namespace}/{self.name}"


class EksCluster(NamedTuple):
    """What the ARN of a cluster says, and the issuer of its tokens."""

    partition: str
    region: str
    account: str
    cluster_arn: str
    issuer: str = ""


def parse_eks_cluster(cluster_arn: str, issuer: str = "") -> EksCluster:
    """Return what the ARN of a cluster says. Raises Problem for another ARN.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html
    """
    arn_parts = cluster_arn.split(":")
    if len(arn_parts) != 6 or arn_parts[2] != "eks":  # noqa: PLR2004 - the parts of every ARN
        raise Problem(f"'{cluster_arn}' is not the ARN of an EKS cluster", fix="Check endpoint_url.")
    return EksCluster(arn_parts[1], arn_parts[3], arn_parts[4], cluster_arn, issuer)


def fill_policy(value: Any, eks_cluster: EksCluster) -> Any:
    """Return a tree of a policy with the partition, region and account of a cluster in place of their placeholders."""
    if isinstance(value, dict):
        return {key: fill_policy(child, eks_cluster) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill_policy(child, eks_cluster) for child in value]
    if not isinstance(value, str):
        return value
    placeholder_facts = (
        (PARTITION, eks_cluster.partition),
        (REGION, eks_cluster.region),
        (ACCOUNT, eks_cluster.account),
    )
    for placeholder, fact in placeholder_facts:
        value = value.replace(placeholder, fact)
    return value
