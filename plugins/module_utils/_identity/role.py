# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role of a service account: who owns it, what it shall be, and the calls that make it so. Private.

`live/service_account_role.py` reads the role and makes the calls. A role that this collection created gets exactly what
the request says. A role that was there before is adopted: it keeps all it has and gets what the request says in
addition. At the removal, the former is deleted, and the latter loses the additions.

| word | where it is | meaning |
|---|---|---|
| created, adopted | the tag ORIGIN_TAG of the role | who made the role: this collection, or somebody else before |
| `adopt` | the request | whether a role without our tags, or of another collector, may be used |
| `keep_trust` | the request | whether the role goes on to trust the other provider of identities |
| foreign | a statement of the trust policy | not written by this collection; an adopted role keeps it |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, TypeVar

from .._otelcol.errors import Problem
from .._otelcol.needs.aws_policy import EksCluster, ServiceAccount, Statement, build_policy_document, is_same_policy
from .trust import IamCall, build_trust_policy, drop_own_statements, list_tag_changes, tag_list

# The name of the inline policy that this collection writes.
INLINE_POLICY = "o11y-opentelemetry"
# The tags by which this collection knows its roles. The origin of a role is CREATED or ADOPTED.
CLUSTER_TAG, ACCOUNT_TAG = "o11y.opentelemetry/cluster", "o11y.opentelemetry/service-account"
COLLECTOR_TAG = "o11y.opentelemetry/collector"
# ADOPTED is also the origin of a role without the tag: it was there before.
ORIGIN_TAG, CREATED, ADOPTED = "o11y.opentelemetry/origin", "created", "adopted"
OWN_TAG_KEYS = (CLUSTER_TAG, ACCOUNT_TAG, COLLECTOR_TAG, ORIGIN_TAG)
_Value = TypeVar("_Value")
# A policy of IAM: a mapping with `Version` and `Statement`.
PolicyDocument = dict[str, Any]


class RoleSettings(TypedDict):
    """A role as it is, or as it shall be. It is a part of the result of module iam_service_account_role."""

    path: str
    """Such as /o11y/."""
    trust: PolicyDocument
    policies: dict[str, PolicyDocument]
    """The inline policies, by name."""
    managed_policies: list[str]
    """The ARNs of the managed policies."""
    permissions_boundary: str
    """The ARN of the permissions boundary, or an empty text."""
    tags: dict[str, str]


@dataclass(frozen=True)
class RoleRequest:
    """The role that a task of module iam_service_account_role wants."""

    account: ServiceAccount
    eks_cluster: EksCluster
    trust: Statement = field(default_factory=dict)
    """The statement by which the role trusts the service account."""
    statements: list[Statement] = field(default_factory=list)
    """The statements of the inline policy."""
    managed_policies: tuple[str, ...] = ()
    """Names of managed policies of AWS, or ARNs of any."""
    path: str | None = None
    """None for the path that the role has, or else `/`."""
    permissions_boundary: str | None = None
    """None leaves the boundary of the role unchanged; an empty text takes it away."""
    keep_trust: bool = False
    """Whether the role goes on to trust the other provider of identities: IRSA or Pod Identity."""
    adopt: bool = False
    """Whether a role that is not of this collection, or of another collector of the account, may be used."""
    collectors: tuple[str, ...] = ()
    """The names of the collectors that use the role. If there are none, their tag is not compared."""


def policy_arn(name: str, partition: str) -> str:
    """Return the ARN of a managed policy. A name without `arn:` is that of a policy of AWS."""
    return name if name.startswith("arn:") else f"arn:{partition}:iam::aws:policy/{name}"


def role_settings(
    role: Mapping[str, Any],
    policies: Mapping[str, PolicyDocument],
    attached_arns: Iterable[str],
    tags: Mapping[str, str],
) -> RoleSettings:
    """Return the settings of a role: `role` is the answer of GetRole, and the other answers of IAM are separate."""
    boundary = role.get("PermissionsBoundary") or {}
    return {
        "path": role.get("Path") or "/",
        "trust": role.get("AssumeRolePolicyDocument") or {},
        "policies": dict(policies),
        "managed_policies": sorted(attached_arns),
        "permissions_boundary": boundary.get("PermissionsBoundaryArn") or "",
        "tags": dict(tags),
    }


# ── The owner of a role ──


def cluster_arn(role_arn: str, region: str, name: str) -> str:
    """Return the ARN of a cluster in the AWS account of a role. It is not asked from EKS: the cluster may be gone."""
    _arn, partition, _iam, _region, account, _rest = role_arn.split(":", 5)
    return f"arn:{partition}:eks:{region}:{account}:cluster/{name}"


def is_own_role(live_role: RoleSettings, cluster: str, account: ServiceAccount, collectors: Sequence[str] = ()) -> bool:
    """Return whether the tags say that a role is this collection's, for a service account and its collectors.

    `cluster` is the ARN of the cluster.
    """
    tags = live_role["tags"]
    is_of_account = tags.get(CLUSTER_TAG) == cluster and tags.get(ACCOUNT_TAG) == str(account)
    return is_of_account and _is_of_collectors(tags, collectors)


def _is_of_collectors(tags: Mapping[str, str], collectors: Sequence[str]) -> bool:
    """Return whether the tag of a role names one of these collectors. A role without the tag fits all of them."""
    if not collectors or COLLECTOR_TAG not in tags:
        return True
    return tags[COLLECTOR_TAG] in collectors


def check_role_change(name: str, live_role: RoleSettings, request: RoleRequest) -> None:
    """Raise Problem for a role of another owner, and for a change that IAM does not support.

    The first reason counts: a role of another cluster or service account, which `adopt` does not allow either; one of
    another collector; one without our tags; another path.
    """
    tags = live_role["tags"]
    task = f"Use the IAM role {name} for {request.account}"
    cluster = tags.get(CLUSTER_TAG, request.eks_cluster.cluster_arn)
    account = str(request.account)
    if tags.get(ACCOUNT_TAG, account) != account or cluster != request.eks_cluster.cluster_arn:
        wrong = f"it is the role of {tags.get(ACCOUNT_TAG)} in {cluster}"
        raise Problem(wrong, asked=task, where="role_name", fix="Give another role_name.")
    if not _is_of_collectors(tags, request.collectors) and not request.adopt:
        wrong = f"it is the role of {request.account} for collector {request.account.namespace}/{tags[COLLECTOR_TAG]}"
        fix = "Give the collectors another service_account_name, or set adopt if the other one is gone."
        raise Problem(wrong, asked=task, where="service_account_name", fix=fix)
    if ACCOUNT_TAG not in tags and not request.adopt:
        fix = "Give another role_name, or set adopt if this role is to be used."
        raise Problem("it exists, and is not ours", asked=task, where="role_name", fix=fix)
    if request.path is not None and tags.get(ORIGIN_TAG) == CREATED and live_role["path"] != request.path:
        fix = "Leave path out, or remove the role first."
        raise Problem(f"its path is {live_role['path']}, and IAM cannot change that", asked=task, where="path", fix=fix)


# ── The wanted role ──


def plan_role(
    live_role: RoleSettings | None,
    request: RoleRequest,
    apply_user_tags: Callable[[dict[str, str]], dict[str, str]],
) -> RoleSettings:
    """Return the settings that the role shall have. `live_role` is None or empty if the role does not exist.

    `apply_user_tags` takes the tags of the role and returns them with those of the user; this collection's own tags are
    set here.
    """
    earlier_role = live_role or _empty_role(request.path or "/")
    origin = earlier_role["tags"].get(ORIGIN_TAG, ADOPTED) if live_role else CREATED
    is_adopted = origin != CREATED
    attached_arns = {policy_arn(name, request.eks_cluster.partition) for name in request.managed_policies}
    if is_adopted:
        attached_arns.update(earlier_role["managed_policies"])
    boundary = request.permissions_boundary
    if boundary is None:
        boundary = earlier_role["permissions_boundary"]
    other_tags = _drop_keys(earlier_role["tags"], OWN_TAG_KEYS)
    return {
        "path": earlier_role["path"],
        "trust": build_trust_policy(
            earlier_role["trust"], request.trust, keeps_providers=request.keep_trust, keeps_foreign=is_adopted
        ),
        "policies": _plan_inline_policies(earlier_role["policies"], request.statements, keeps_others=is_adopted),
        "managed_policies": sorted(attached_arns),
        "permissions_boundary": boundary,
        "tags": apply_user_tags(other_tags) | _plan_own_tags(earlier_role["tags"], request, origin),
    }


def _empty_role(path: str) -> RoleSettings:
    """Return the settings of a role before it is created."""
    return {
        "path": path,
        "trust": {},
        "policies": {},
        "managed_policies": [],
        "permissions_boundary": "",
        "tags": {},
    }


def _plan_inline_policies(
    live_policies: Mapping[str, PolicyDocument], statements: list[Statement], *, keeps_others: bool
) -> dict[str, PolicyDocument]:
    """Return the inline policies that the role shall have.

    If the policy of this collection means the same as before, it stays as it is written, so that it does not differ.
    """
    policies = _drop_keys(live_policies, [INLINE_POLICY]) if keeps_others else {}
    if statements:
        target_document = build_policy_document(statements)
        live_document = live_policies.get(INLINE_POLICY)
        if live_document and is_same_policy(live_document, target_document):
            policies[INLINE_POLICY] = live_document
        else:
            policies[INLINE_POLICY] = target_document
    return policies


def _plan_own_tags(live_tags: Mapping[str, str], request: RoleRequest, origin: str) -> dict[str, str]:
    """Return the tags by which this collection knows its role. If the request has no collectors, their tag stays."""
    own_tags = {CLUSTER_TAG: request.eks_cluster.cluster_arn, ACCOUNT_TAG: str(request.account), ORIGIN_TAG: origin}
    if request.collectors:
        own_tags[COLLECTOR_TAG] = request.collectors[0]
    elif COLLECTOR_TAG in live_tags:
        own_tags[COLLECTOR_TAG] = live_tags[COLLECTOR_TAG]
    return own_tags


# ── The calls ──


def build_creation_request(target: RoleSettings, account: ServiceAccount) -> dict[str, Any]:
    """Return the parameters of CreateRole. The new role has no rights yet; `plan_steps` gives it its policies."""
    request = {
        "Path": target["path"],
        "AssumeRolePolicyDocument": _serialize_policy(target["trust"]),
        "Description": f"OpenTelemetry collectors of service account {account}",
        "Tags": tag_list(target["tags"]),
    }
    if target["permissions_boundary"]:
        request["PermissionsBoundary"] = target["permissions_boundary"]
    return request


def plan_steps(live_role: RoleSettings, target: RoleSettings) -> list[IamCall]:
    """Return the calls that give a role the target settings.

    A new restriction comes first, and the removal of one near the end. Policies are added before others are removed.
    """
    steps: list[IamCall] = []
    target_boundary = target["permissions_boundary"]
    boundary_differs = live_role["permissions_boundary"] != target_boundary
    tag_changes = list_tag_changes(live_role["tags"], target["tags"])
    if boundary_differs and target_boundary:
        steps.append(IamCall("put_role_permissions_boundary", {"PermissionsBoundary": target_boundary}))
    if tag_changes.changed_tags:
        steps.append(IamCall("tag_role", {"Tags": tag_list(tag_changes.changed_tags)}))
    if not is_same_policy(live_role["trust"], target["trust"]):
        steps.append(IamCall("update_assume_role_policy", {"PolicyDocument": _serialize_policy(target["trust"])}))
    steps += _plan_additions(live_role, target)
    steps += _plan_removals(live_role, target)
    if boundary_differs and not target_boundary:
        steps.append(IamCall("delete_role_permissions_boundary", {}))
    if tag_changes.removed_keys:
        steps.append(IamCall("untag_role", {"TagKeys": tag_changes.removed_keys}))
    return steps


def _plan_additions(live_role: RoleSettings, target: RoleSettings) -> list[IamCall]:
    """Return the calls that add the policies which the role lacks, and change those that it has with other content."""
    steps = []
    for name, policy in target["policies"].items():
        if not is_same_policy(live_role["policies"].get(name), policy):
            parameters = {"PolicyName": name, "PolicyDocument": _serialize_policy(policy)}
            steps.append(IamCall("put_role_policy", parameters))
    for arn in target["managed_policies"]:
        if arn not in live_role["managed_policies"]:
            steps.append(IamCall("attach_role_policy", {"PolicyArn": arn}))
    return steps


def _plan_removals(live_role: RoleSettings, target: RoleSettings) -> list[IamCall]:
    """Return the calls that remove the policies which the role shall not have."""
    steps = []
    for name in live_role["policies"]:
        if name not in target["policies"]:
            steps.append(IamCall("delete_role_policy", {"PolicyName": name}))
    for arn in live_role["managed_policies"]:
        if arn not in target["managed_policies"]:
            steps.append(IamCall("detach_role_policy", {"PolicyArn": arn}))
    return steps


def remaining_settings(live_role: RoleSettings, managed_policies: Iterable[str]) -> RoleSettings | None:
    """Return the settings that an adopted role keeps after its removal; None for a created role, which is deleted.

    `managed_policies` has the names or ARNs of the managed policies that this collection attached.
    """
    if live_role["tags"].get(ORIGIN_TAG) == CREATED:
        return None
    _arn, partition, *_rest = live_role["tags"][CLUSTER_TAG].split(":")
    own_arns = {policy_arn(name, partition) for name in managed_policies}
    trust = drop_own_statements(live_role["trust"])
    if not trust["Statement"]:
        trust = live_role["trust"]  # IAM takes no policy without a statement
    return {
        **live_role,
        "trust": trust,
        "policies": _drop_keys(live_role["policies"], [INLINE_POLICY]),
        "managed_policies": [arn for arn in live_role["managed_policies"] if arn not in own_arns],
        "tags": _drop_keys(live_role["tags"], OWN_TAG_KEYS),
    }


def plan_removal(live_role: RoleSettings) -> list[IamCall]:
    """Return the calls that delete a role. IAM deletes no role that has policies, so they are removed first."""
    bare_role: RoleSettings = {**live_role, "policies": {}, "managed_policies": []}
    return [*plan_steps(live_role, bare_role), IamCall("delete_role", {})]


def _serialize_policy(document: PolicyDocument) -> str:
    return json.dumps(document, sort_keys=True)


def _drop_keys(values: Mapping[str, _Value], dropped_keys: Sequence[str]) -> dict[str, _Value]:
    return {key: value for key, value in values.items() if key not in dropped_keys}
