# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role of a service account: whose it is, what it is to be, and the calls that make it so. Private.

A role that we made is exactly what is asked for. To one that was there before, things of ours are added, and when it is
given up they are taken away again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import Problem
from .._otelcol.needs.aws_policy import Account, EksCluster, build_policy_document, is_same_policy
from .trust import Step, build_trust_policy, drop_own_statements, list_tag_changes, tag_list

INLINE_POLICY = "o11y-opentelemetry"
CLUSTER_TAG, ACCOUNT_TAG = "o11y.opentelemetry/cluster", "o11y.opentelemetry/service-account"
COLLECTOR_TAG = "o11y.opentelemetry/collector"
ORIGIN_TAG, CREATED, ADOPTED = "o11y.opentelemetry/origin", "created", "adopted"
OWN_TAG_KEYS = (CLUSTER_TAG, ACCOUNT_TAG, COLLECTOR_TAG, ORIGIN_TAG)
EMPTY_ROLE: dict[str, Any] = {
    "path": "/",
    "trust": {},
    "policies": {},
    "managed_policies": [],
    "permissions_boundary": "",
}
_FIX = "Give another role_name, or set adopt if this role is to be used."


@dataclass(frozen=True)
class RoleRequest:
    """The request for a role. None leaves a setting unchanged."""

    account: Account
    eks_cluster: EksCluster
    trust: dict[str, Any] = field(default_factory=dict)
    statements: list[dict[str, Any]] = field(default_factory=list)
    managed_policies: tuple[str, ...] = ()
    path: str | None = None
    permissions_boundary: str | None = None
    keep_trust: bool = False
    adopt: bool = False
    collectors: tuple[str, ...] = ()


def policy_arn(name: str, partition: str) -> str:
    """Return the ARN of a managed policy; a name alone is one of AWS."""
    return name if name.startswith("arn:") else f"arn:{partition}:iam::aws:policy/{name}"


def role_settings(
    role: Mapping[str, Any], policies: Mapping[str, Any], attached: Iterable[str], tags: Any
) -> dict[str, Any]:
    """Return what IAM says of a role, in our words."""
    return {
        "path": role.get("Path") or "/",
        "trust": role.get("AssumeRolePolicyDocument") or {},
        "policies": dict(policies),
        "managed_policies": sorted(attached),
        "permissions_boundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn") or "",
        "tags": dict(tags),
    }


def cluster_arn(role_arn: str, region: str, name: str) -> str:
    """Return the ARN of a cluster in the account of a role. It needs no call, since the cluster may be gone."""
    _arn, partition, _iam, _region, account, _rest = role_arn.split(":", 5)
    return f"arn:{partition}:eks:{region}:{account}:cluster/{name}"


def is_own_role(live_role: Mapping[str, Any], cluster: str, account: Account, collectors: Sequence[str] = ()) -> bool:
    """Return whether this collection created a role for this service account, cluster and collectors."""
    tags = live_role.get("tags") or {}
    is_of_account = tags.get(CLUSTER_TAG) == cluster and tags.get(ACCOUNT_TAG) == str(account)
    return bool(is_of_account and _is_of_collectors(tags, collectors))


def _is_of_collectors(tags: Mapping[str, str], collectors: Sequence[str]) -> bool:
    """Return whether a role was made for one of these collectors; without any, nothing is compared."""
    return not collectors or tags.get(COLLECTOR_TAG, collectors[0]) in collectors


def check_role_change(name: str, live_role: Mapping[str, Any], request: RoleRequest) -> None:
    """Raise Problem for a role of another owner, and for a change that IAM does not support."""
    tags, task = live_role["tags"], f"Use the IAM role {name} for {request.account}"
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
        raise Problem("it exists, and is not ours", asked=task, where="role_name", fix=_FIX)
    if request.path is not None and tags.get(ORIGIN_TAG) == CREATED and live_role["path"] != request.path:
        fix = "Leave path out, or remove the role first."
        raise Problem(f"its path is {live_role['path']}, and IAM cannot change that", asked=task, where="path", fix=fix)


def plan_role(
    live_role: Mapping[str, Any], request: RoleRequest, apply_user_tags: Callable[[dict[str, str]], dict[str, str]]
) -> dict[str, Any]:
    """Return the wanted role. `apply_user_tags` applies the user's tags; the collection's own tags stay."""
    origin = live_role["tags"].get(ORIGIN_TAG, ADOPTED) if live_role else CREATED
    is_created = origin == CREATED
    earlier_role = live_role or {**EMPTY_ROLE, "path": request.path or "/", "tags": {}}
    attached_arns = {policy_arn(name, request.eks_cluster.partition) for name in request.managed_policies}
    if not is_created:
        attached_arns.update(earlier_role["managed_policies"])
    boundary = request.permissions_boundary
    return {
        "path": earlier_role["path"],
        "trust": build_trust_policy(
            earlier_role["trust"], request.trust, keeps_providers=request.keep_trust, keeps_foreign=not is_created
        ),
        "policies": _inline_policies(earlier_role["policies"], request.statements, keep_others=not is_created),
        "managed_policies": sorted(attached_arns),
        "permissions_boundary": earlier_role["permissions_boundary"] if boundary is None else boundary,
        "tags": apply_user_tags(_drop_keys(earlier_role["tags"], OWN_TAG_KEYS))
        | _own_tags(earlier_role["tags"], request, origin),
    }


def _inline_policies(
    live_policies: Mapping[str, Any], statements: list[dict[str, Any]], *, keep_others: bool
) -> dict[str, Any]:
    """Return the inline policies of a role. One that says the same stays as it is written."""
    policies = _drop_keys(live_policies, [INLINE_POLICY]) if keep_others else {}
    if statements:
        target_document, live_document = build_policy_document(statements), live_policies.get(INLINE_POLICY)
        says_the_same = bool(live_document) and is_same_policy(live_document, target_document)
        policies[INLINE_POLICY] = live_document if says_the_same else target_document
    return policies


def _own_tags(tags: Mapping[str, str], request: RoleRequest, origin: str) -> dict[str, str]:
    """Return the tags by which this collection knows its role; without collectors, that of one stays."""
    own_tags = {CLUSTER_TAG: request.eks_cluster.cluster_arn, ACCOUNT_TAG: str(request.account), ORIGIN_TAG: origin}
    if request.collectors:
        own_tags[COLLECTOR_TAG] = request.collectors[0]
    elif COLLECTOR_TAG in tags:
        own_tags[COLLECTOR_TAG] = tags[COLLECTOR_TAG]
    return own_tags


def _drop_keys(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def build_creation_request(target: Mapping[str, Any], account: Account) -> dict[str, Any]:
    """Return a role without rights, as CreateRole takes it."""
    role = {
        "Path": target["path"],
        "AssumeRolePolicyDocument": _serialize_policy(target["trust"]),
        "Description": f"OpenTelemetry collectors of service account {account}",
        "Tags": tag_list(target["tags"]),
    }
    if target["permissions_boundary"]:
        role["PermissionsBoundary"] = target["permissions_boundary"]
    return role


def plan_steps(live_role: Mapping[str, Any], target: Mapping[str, Any]) -> list[Step]:
    """Return the calls that change one into the other: restrictions first, and additions before removals."""
    added_tags, removed_keys = list_tag_changes(live_role["tags"], target["tags"])
    tag_steps = [Step("tag_role", {"Tags": tag_list(added_tags)})] if added_tags else []
    untag_steps = [Step("untag_role", {"TagKeys": removed_keys})] if removed_keys else []
    boundary_steps, boundary_removals = _boundary_steps(
        live_role["permissions_boundary"], target["permissions_boundary"]
    )
    return [
        *boundary_steps,
        *tag_steps,
        *_trust_steps(live_role["trust"], target["trust"]),
        *_plan_additions(live_role, target),
        *_plan_removals(live_role, target),
        *boundary_removals,
        *untag_steps,
    ]


def _boundary_steps(live_boundary: str, target: str) -> tuple[list[Step], list[Step]]:
    """Return the calls that set a permissions boundary, and those that take it away."""
    if live_boundary == target:
        return [], []
    if target:
        return [Step("put_role_permissions_boundary", {"PermissionsBoundary": target})], []
    return [], [Step("delete_role_permissions_boundary", {})]


def _trust_steps(live_trust: Any, target: Any) -> list[Step]:
    return (
        []
        if is_same_policy(live_trust, target)
        else [Step("update_assume_role_policy", {"PolicyDocument": _serialize_policy(target)})]
    )


def _plan_additions(live_role: Mapping[str, Any], target: Mapping[str, Any]) -> list[Step]:
    """Return the calls that give a role the policies which it lacks, or has otherwise."""
    steps = []
    for name, policy in target["policies"].items():
        if not is_same_policy(live_role["policies"].get(name), policy):
            steps.append(_put_policy_step(name, policy))
    for arn in target["managed_policies"]:
        if arn not in live_role["managed_policies"]:
            steps.append(Step("attach_role_policy", {"PolicyArn": arn}))
    return steps


def _plan_removals(live_role: Mapping[str, Any], target: Mapping[str, Any]) -> list[Step]:
    """Return the calls that take away from a role the policies which it shall not have."""
    steps = []
    for name in live_role["policies"]:
        if name not in target["policies"]:
            steps.append(Step("delete_role_policy", {"PolicyName": name}))
    for arn in live_role["managed_policies"]:
        if arn not in target["managed_policies"]:
            steps.append(Step("detach_role_policy", {"PolicyArn": arn}))
    return steps


def remaining_settings(live_role: Mapping[str, Any], managed_policies: Iterable[str]) -> dict[str, Any] | None:
    """Return the settings that an adopted role keeps when it is given up; None if this collection created the role."""
    if live_role["tags"].get(ORIGIN_TAG) == CREATED:
        return None
    partition = live_role["tags"][CLUSTER_TAG].split(":")[1]
    own_arns = {policy_arn(name, partition) for name in managed_policies}
    trust = drop_own_statements(live_role["trust"])
    return {
        **live_role,
        "trust": trust if trust["Statement"] else live_role["trust"],  # IAM takes no policy without a statement
        "policies": _drop_keys(live_role["policies"], [INLINE_POLICY]),
        "managed_policies": [arn for arn in live_role["managed_policies"] if arn not in own_arns],
        "tags": _drop_keys(live_role["tags"], OWN_TAG_KEYS),
    }


def plan_removal(live_role: Mapping[str, Any]) -> list[Step]:
    """Return the calls that remove a role: IAM deletes none that has policies."""
    bare_role = {**live_role, "policies": {}, "managed_policies": []}
    return [*plan_steps(live_role, bare_role), Step("delete_role", {})]


def _put_policy_step(name: str, policy: Any) -> Step:
    return Step("put_role_policy", {"PolicyName": name, "PolicyDocument": _serialize_policy(policy)})


def _serialize_policy(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
