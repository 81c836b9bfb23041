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
from .._otelcol.needs.aws_policy import Account, EksCluster, document, same_policy
from .trust import Step, tag_changes, tag_list, trusting, without_ours

INLINE = "o11y-opentelemetry"
CLUSTER_TAG, ACCOUNT_TAG = "o11y.opentelemetry/cluster", "o11y.opentelemetry/service-account"
COLLECTOR_TAG = "o11y.opentelemetry/collector"
ORIGIN_TAG, CREATED, ADOPTED = "o11y.opentelemetry/origin", "created", "adopted"
OURS = (CLUSTER_TAG, ACCOUNT_TAG, COLLECTOR_TAG, ORIGIN_TAG)
EMPTY: dict[str, Any] = {"path": "/", "trust": {}, "policies": {}, "managed_policies": [], "permissions_boundary": ""}
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


def settings(
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


def owned(live: Mapping[str, Any], cluster: str, account: Account, collectors: Sequence[str] = ()) -> bool:
    """Return whether this collection created a role for this service account, cluster and collectors."""
    tags = live.get("tags") or {}
    mine = tags.get(CLUSTER_TAG) == cluster and tags.get(ACCOUNT_TAG) == str(account)
    return bool(mine and _is_of(tags, collectors))


def _is_of(tags: Mapping[str, str], collectors: Sequence[str]) -> bool:
    """Return whether a role was made for one of these collectors; without any, nothing is compared."""
    return not collectors or tags.get(COLLECTOR_TAG, collectors[0]) in collectors


def check(name: str, live: Mapping[str, Any], request: RoleRequest) -> None:
    """Raise Problem for a role of another owner, and for a change that IAM does not support."""
    tags, asked = live["tags"], f"Use the IAM role {name} for {request.account}"
    cluster = tags.get(CLUSTER_TAG, request.eks_cluster.cluster_arn)
    account = str(request.account)
    if tags.get(ACCOUNT_TAG, account) != account or cluster != request.eks_cluster.cluster_arn:
        whose = f"it is the role of {tags.get(ACCOUNT_TAG)} in {cluster}"
        raise Problem(whose, asked=asked, where="role_name", fix="Give another role_name.")
    if not _is_of(tags, request.collectors) and not request.adopt:
        whose = f"it is the role of {request.account} for collector {request.account.namespace}/{tags[COLLECTOR_TAG]}"
        fix = "Give the collectors another service_account_name, or set adopt if the other one is gone."
        raise Problem(whose, asked=asked, where="service_account_name", fix=fix)
    if ACCOUNT_TAG not in tags and not request.adopt:
        raise Problem("it exists, and is not ours", asked=asked, where="role_name", fix=_FIX)
    if request.path is not None and tags.get(ORIGIN_TAG) == CREATED and live["path"] != request.path:
        fix = "Leave path out, or remove the role first."
        raise Problem(f"its path is {live['path']}, and IAM cannot change that", asked=asked, where="path", fix=fix)


def goal(
    live: Mapping[str, Any], request: RoleRequest, retagged: Callable[[dict[str, str]], dict[str, str]]
) -> dict[str, Any]:
    """Return the wanted role. `retagged` applies the user's tags; the collection's own tags stay."""
    origin = live["tags"].get(ORIGIN_TAG, ADOPTED) if live else CREATED
    is_created = origin == CREATED
    before = live or {**EMPTY, "path": request.path or "/", "tags": {}}
    attached = {policy_arn(name, request.eks_cluster.partition) for name in request.managed_policies}
    if not is_created:
        attached.update(before["managed_policies"])
    boundary = request.permissions_boundary
    return {
        "path": before["path"],
        "trust": trusting(before["trust"], request.trust, keep=request.keep_trust, foreign=not is_created),
        "policies": _inline_policies(before["policies"], request.statements, keep_others=not is_created),
        "managed_policies": sorted(attached),
        "permissions_boundary": before["permissions_boundary"] if boundary is None else boundary,
        "tags": retagged(_without(before["tags"], OURS)) | _own_tags(before["tags"], request, origin),
    }


def _inline_policies(live: Mapping[str, Any], statements: list[dict[str, Any]], *, keep_others: bool) -> dict[str, Any]:
    """Return the inline policies of a role. One that says the same stays as it is written."""
    policies = _without(live, [INLINE]) if keep_others else {}
    if statements:
        wanted, written = document(statements), live.get(INLINE)
        says_the_same = bool(written) and same_policy(written, wanted)
        policies[INLINE] = written if says_the_same else wanted
    return policies


def _own_tags(tags: Mapping[str, str], request: RoleRequest, origin: str) -> dict[str, str]:
    """Return the tags by which this collection knows its role; without collectors, that of one stays."""
    ours = {CLUSTER_TAG: request.eks_cluster.cluster_arn, ACCOUNT_TAG: str(request.account), ORIGIN_TAG: origin}
    if request.collectors:
        ours[COLLECTOR_TAG] = request.collectors[0]
    elif COLLECTOR_TAG in tags:
        ours[COLLECTOR_TAG] = tags[COLLECTOR_TAG]
    return ours


def _without(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def creation(wanted: Mapping[str, Any], account: Account) -> dict[str, Any]:
    """Return a role without rights, as CreateRole takes it."""
    role = {
        "Path": wanted["path"],
        "AssumeRolePolicyDocument": _text(wanted["trust"]),
        "Description": f"OpenTelemetry collectors of service account {account}",
        "Tags": tag_list(wanted["tags"]),
    }
    if wanted["permissions_boundary"]:
        role["PermissionsBoundary"] = wanted["permissions_boundary"]
    return role


def steps(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Step]:
    """Return the calls that change one into the other: restrictions first, and additions before removals."""
    fresh, stale = tag_changes(live["tags"], wanted["tags"])
    tagged = [Step("tag_role", {"Tags": tag_list(fresh)})] if fresh else []
    untagged = [Step("untag_role", {"TagKeys": stale})] if stale else []
    bounded, unbounded = _boundary_steps(live["permissions_boundary"], wanted["permissions_boundary"])
    return [
        *bounded,
        *tagged,
        *_trust_steps(live["trust"], wanted["trust"]),
        *_additions(live, wanted),
        *_removals(live, wanted),
        *unbounded,
        *untagged,
    ]


def _boundary_steps(live: str, wanted: str) -> tuple[list[Step], list[Step]]:
    """Return the calls that set a permissions boundary, and those that take it away."""
    if live == wanted:
        return [], []
    if wanted:
        return [Step("put_role_permissions_boundary", {"PermissionsBoundary": wanted})], []
    return [], [Step("delete_role_permissions_boundary", {})]


def _trust_steps(live: Any, wanted: Any) -> list[Step]:
    return [] if same_policy(live, wanted) else [Step("update_assume_role_policy", {"PolicyDocument": _text(wanted)})]


def _additions(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Step]:
    """Return the calls that give a role the policies which it lacks, or has otherwise."""
    steps = []
    for name, text in wanted["policies"].items():
        if not same_policy(live["policies"].get(name), text):
            steps.append(_put(name, text))
    for arn in wanted["managed_policies"]:
        if arn not in live["managed_policies"]:
            steps.append(Step("attach_role_policy", {"PolicyArn": arn}))
    return steps


def _removals(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Step]:
    """Return the calls that take away from a role the policies which it shall not have."""
    steps = []
    for name in live["policies"]:
        if name not in wanted["policies"]:
            steps.append(Step("delete_role_policy", {"PolicyName": name}))
    for arn in live["managed_policies"]:
        if arn not in wanted["managed_policies"]:
            steps.append(Step("detach_role_policy", {"PolicyArn": arn}))
    return steps


def remaining_settings(live: Mapping[str, Any], managed: Iterable[str]) -> dict[str, Any] | None:
    """Return the settings that an adopted role keeps when it is given up; None if this collection created the role."""
    if live["tags"].get(ORIGIN_TAG) == CREATED:
        return None
    partition = live["tags"][CLUSTER_TAG].split(":")[1]
    ours = {policy_arn(name, partition) for name in managed}
    trust = without_ours(live["trust"])
    return {
        **live,
        "trust": trust if trust["Statement"] else live["trust"],  # IAM takes no policy without a statement
        "policies": _without(live["policies"], [INLINE]),
        "managed_policies": [item for item in live["managed_policies"] if item not in ours],
        "tags": _without(live["tags"], OURS),
    }


def removal(live: Mapping[str, Any]) -> list[Step]:
    """Return the calls that remove a role: IAM deletes none that has policies."""
    bare = {**live, "policies": {}, "managed_policies": []}
    return [*steps(live, bare), Step("delete_role", {})]


def _put(name: str, text: Any) -> Step:
    return Step("put_role_policy", {"PolicyName": name, "PolicyDocument": _text(text)})


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
