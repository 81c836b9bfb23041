# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role of a service account: who owns it, and what it shall be. Private.

`live/service_account_role.py` reads the role, asks here for its target settings, and lets role_calls.py plan the calls.
The origin of a role is a tag:

| ORIGIN_TAG | the role | gets | at the removal |
|---|---|---|---|
| `created` | this collection made it | exactly what the request says | is deleted |
| `adopted` | others made it, and the user set option `adopt` | that in addition | loses the additions |

For example, a new role for the service account obs/gateway of the cluster production has the tags

    {"o11y.opentelemetry/cluster": "arn:aws:eks:eu-west-1:123456789012:cluster/production",
     "o11y.opentelemetry/service-account": "obs/gateway", "o11y.opentelemetry/origin": "created"}
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, TypeVar

from .._otelcol.errors import Problem
from .._otelcol.needs.aws_policy import EksCluster, ServiceAccount, Statement, build_policy_document, is_same_policy
from .role_additions import (
    ADDED_ASSOCIATION_TAG,
    ADDED_BOUNDARY_TAG,
    ADDED_POLICIES_TAG,
    ADDITION_TAGS,
    is_added_boundary,
    may_remove_association,
    plan_policy_tag,
)
from .trust import build_trust_policy

# The name of the inline policy that this collection writes.
INLINE_POLICY = "o11y-opentelemetry"
# The tags by which this collection knows its roles. The first one is the ARN of the cluster.
CLUSTER_TAG = "o11y.opentelemetry/cluster"
# The service account as NAMESPACE/NAME.
ACCOUNT_TAG = "o11y.opentelemetry/service-account"
# The name of the first collector that uses the role.
COLLECTOR_TAG = "o11y.opentelemetry/collector"
# Who made the role: ORIGIN_CREATED is this collection, ORIGIN_EARLIER somebody else before.
ORIGIN_TAG = "o11y.opentelemetry/origin"
ORIGIN_CREATED = "created"
# Also the origin of a role without the tag.
ORIGIN_EARLIER = "adopted"
OWN_TAG_KEYS = (CLUSTER_TAG, ACCOUNT_TAG, COLLECTOR_TAG, ORIGIN_TAG, *ADDITION_TAGS)
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
    is_associated: bool = False
    """Whether the role has an EKS Pod Identity association when the task is done."""
    was_associated: bool = False
    """Whether it has that association already."""
    allows_others: bool = False
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


def owns_association(live_role: RoleSettings) -> bool:
    """Return whether the removal of a role of this collection deletes its association too."""
    tags = live_role["tags"]
    return tags.get(ORIGIN_TAG) == ORIGIN_CREATED or may_remove_association(tags)


def _is_of_collectors(tags: Mapping[str, str], collectors: Sequence[str]) -> bool:
    """Return whether the tag of a role names one of these collectors. A role without the tag fits all of them."""
    if not collectors or COLLECTOR_TAG not in tags:
        return True
    return tags[COLLECTOR_TAG] in collectors


def check_role_change(name: str, live_role: RoleSettings, request: RoleRequest) -> None:
    """Raise Problem for a role of another owner, and for a change that IAM does not support.

    The first reason counts: a role of another cluster or service account, which `allows_others` does not allow either;
    one of another collector; one without our tags; another path of a role that this collection created; another
    boundary than the one that another owner gave the role.
    """
    tags = live_role["tags"]
    task = f"Use the IAM role {name} for {request.account}"
    cluster = tags.get(CLUSTER_TAG, request.eks_cluster.cluster_arn)
    account = str(request.account)
    if tags.get(ACCOUNT_TAG, account) != account or cluster != request.eks_cluster.cluster_arn:
        wrong = f"it is the role of {tags.get(ACCOUNT_TAG)} in {cluster}"
        raise Problem(wrong, asked=task, where="role_name", fix="Give another role_name.")
    # Only a user can know that the other collector of the account is gone. The role of another account, above, is never
    # used: its trust policy would name this account instead, and the pods of the other one would lose their rights.
    if not _is_of_collectors(tags, request.collectors) and not request.allows_others:
        wrong = f"it is the role of {request.account} for collector {request.account.namespace}/{tags[COLLECTOR_TAG]}"
        fix = "Give the collectors another service_account_name, or set adopt if the other one is gone."
        raise Problem(wrong, asked=task, where="service_account_name", fix=fix)
    if ACCOUNT_TAG not in tags and not request.allows_others:
        fix = "Give another role_name, or set adopt if this role is to be used."
        raise Problem("it exists, and is not ours", asked=task, where="role_name", fix=fix)
    if request.path is not None and tags.get(ORIGIN_TAG) == ORIGIN_CREATED and live_role["path"] != request.path:
        fix = "Leave path out, or remove the role first."
        raise Problem(f"its path is {live_role['path']}, and IAM cannot change that", asked=task, where="path", fix=fix)
    if _would_replace_boundary(live_role, request):
        wrong = f"it has the permissions boundary {live_role['permissions_boundary']} of another owner"
        fix = "Leave permissions_boundary out, or let the owner of the role change it."
        raise Problem(wrong, asked=task, where="permissions_boundary", fix=fix)


def _would_replace_boundary(live_role: RoleSettings, request: RoleRequest) -> bool:
    """Return whether the request has another boundary than the one that another owner gave the role."""
    tags, boundary = live_role["tags"], live_role["permissions_boundary"]
    is_of_others = tags.get(ORIGIN_TAG) != ORIGIN_CREATED and not is_added_boundary(tags, boundary)
    return is_of_others and request.permissions_boundary not in (None, boundary)


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
    origin = earlier_role["tags"].get(ORIGIN_TAG, ORIGIN_EARLIER) if live_role else ORIGIN_CREATED
    keeps_others = origin != ORIGIN_CREATED
    attached_arns = {policy_arn(name, request.eks_cluster.partition) for name in request.managed_policies}
    if keeps_others:
        attached_arns.update(earlier_role["managed_policies"])
    boundary = request.permissions_boundary
    if boundary is None:
        boundary = earlier_role["permissions_boundary"]
    other_tags = drop_keys(earlier_role["tags"], OWN_TAG_KEYS)
    # Its owner may need the tags that the user does not give, for example to find the role or to allow something by it.
    kept_tags = other_tags if keeps_others else {}
    own_tags = _plan_own_tags(earlier_role["tags"], request, origin)
    if keeps_others:
        own_tags |= _plan_addition_tags(earlier_role, request, attached_arns, boundary)
    return {
        # IAM cannot change the path of a role. `check_role_change` refuses another one for a role of this collection.
        "path": earlier_role["path"],
        "trust": build_trust_policy(
            earlier_role["trust"], request.trust, keeps_providers=request.keep_trust, keeps_others=keeps_others
        ),
        "policies": _plan_inline_policies(earlier_role["policies"], request.statements, keeps_others=keeps_others),
        "managed_policies": sorted(attached_arns),
        "permissions_boundary": boundary,
        "tags": kept_tags | apply_user_tags(other_tags) | own_tags,
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
    policies = drop_keys(live_policies, [INLINE_POLICY]) if keeps_others else {}
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


def _plan_addition_tags(
    earlier_role: RoleSettings, request: RoleRequest, target_arns: Collection[str], boundary: str
) -> dict[str, str]:
    """Return the tags that say what a role of another owner has from this collection.

    A role that an earlier version of this collection adopted has no tag for the policies, and gets none: nobody knows
    any more which of them it had before.
    """
    tags = earlier_role["tags"]
    addition_tags = {}
    if ADDED_POLICIES_TAG in tags or ACCOUNT_TAG not in tags:
        addition_tags[ADDED_POLICIES_TAG] = plan_policy_tag(tags, earlier_role["managed_policies"], target_arns)
    if boundary and is_added_boundary(tags, earlier_role["permissions_boundary"]):
        addition_tags[ADDED_BOUNDARY_TAG] = "true"
    if request.is_associated and (not request.was_associated or ADDED_ASSOCIATION_TAG in tags):
        addition_tags[ADDED_ASSOCIATION_TAG] = "true"
    return addition_tags


def drop_keys(values: Mapping[str, _Value], dropped_keys: Sequence[str]) -> dict[str, _Value]:
    """Return a mapping without some of its keys."""
    return {key: value for key, value in values.items() if key not in dropped_keys}
