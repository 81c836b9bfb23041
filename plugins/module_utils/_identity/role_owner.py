# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner of an IAM role, by the tags of this collection: may a task use the role, and may it remove it? Private.

`role.py` has the tags. A role of another owner is refused, for example one without any of these tags:

    Use the IAM role production-obs-gateway for obs/gateway: it exists, and is not ours (at role_name).
    Give another role_name, or set adopt if this role is to be used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .._otelcol.errors import Problem
from .iam_policy import ServiceAccount
from .role import (
    ACCOUNT_TAG,
    CLUSTER_TAG,
    COLLECTOR_TAG,
    ORIGIN_CREATED,
    ORIGIN_TAG,
    RoleRequest,
    RoleSettings,
)
from .role_additions import is_added_boundary, may_remove_association


class _Obstacle(NamedTuple):
    """Why a task may not use a role, and how to correct it."""

    wrong: str
    option: str
    """The option of the user that is at fault."""
    fix: str


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


def check_role_change(name: str, live_role: RoleSettings, request: RoleRequest) -> None:
    """Raise Problem for a role of another owner, and for a change that a role cannot have."""
    obstacle = next(_find_obstacles(live_role, request), None)
    if obstacle:
        task = f"Use the IAM role {name} for {request.service_account}"
        raise Problem(obstacle.wrong, asked=task, where=obstacle.option, fix=obstacle.fix)


def _find_obstacles(live_role: RoleSettings, request: RoleRequest) -> Iterator[_Obstacle]:
    """Yield why the task may not use a role; the first reason counts."""
    tags = live_role["tags"]
    if _is_of_other_account(tags, request):
        cluster = tags.get(CLUSTER_TAG, request.eks_cluster.cluster_arn)
        wrong = f"it is the role of {tags.get(ACCOUNT_TAG)} in {cluster}"
        yield _Obstacle(wrong, "role_name", "Give another role_name.")
    # Only a user can know that the other collector of the account is gone.
    if not _is_of_collectors(tags, request.collectors) and not request.may_adopt:
        service_account = request.service_account
        wrong = f"it is the role of {service_account} for collector {service_account.namespace}/{tags[COLLECTOR_TAG]}"
        fix = "Give the collectors another service_account_name, or set adopt if the other one is gone."
        yield _Obstacle(wrong, "service_account_name", fix)
    if ACCOUNT_TAG not in tags and not request.may_adopt:
        fix = "Give another role_name, or set adopt if this role is to be used."
        yield _Obstacle("it exists, and is not ours", "role_name", fix)
    if _would_move_created_role(live_role, request):
        fix = "Leave path out, or remove the role first."
        yield _Obstacle(f"its path is {live_role['path']}, and IAM cannot change that", "path", fix)
    if _would_replace_boundary(live_role, request):
        wrong = f"it has the permissions boundary {live_role['permissions_boundary']} of another owner"
        fix = "Leave permissions_boundary out, or let the owner of the role change it."
        yield _Obstacle(wrong, "permissions_boundary", fix)


def _is_of_other_account(tags: Mapping[str, str], request: RoleRequest) -> bool:
    """Return whether the tags of a role name another service account, or one of another cluster.

    Not even option `adopt` allows such a role: its trust policy would name the account of the request instead, and the
    pods of the other account would lose their rights.
    """
    account, cluster = str(request.service_account), request.eks_cluster.cluster_arn
    return tags.get(ACCOUNT_TAG, account) != account or tags.get(CLUSTER_TAG, cluster) != cluster


def _is_of_collectors(tags: Mapping[str, str], collectors: Sequence[str]) -> bool:
    """Return whether the tag of a role names one of these collectors. A role without the tag fits all of them."""
    if not collectors or COLLECTOR_TAG not in tags:
        return True
    return tags[COLLECTOR_TAG] in collectors


def _would_move_created_role(live_role: RoleSettings, request: RoleRequest) -> bool:
    """Return whether the request has another path than a created role. An adopted role keeps the path that it has."""
    is_created = live_role["tags"].get(ORIGIN_TAG) == ORIGIN_CREATED
    return is_created and request.path not in (None, live_role["path"])


def _would_replace_boundary(live_role: RoleSettings, request: RoleRequest) -> bool:
    """Return whether the request has another boundary than the one that the owner of an adopted role gave it."""
    tags, boundary = live_role["tags"], live_role["permissions_boundary"]
    is_owners_boundary = tags.get(ORIGIN_TAG) != ORIGIN_CREATED and not is_added_boundary(tags, boundary)
    return is_owners_boundary and request.permissions_boundary not in (None, boundary)
