# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that an IAM role shall have, by the role as it is and the request of a task. Private.

`role_calls.py` plans the calls that make the role so. A role that this collection created gets exactly what the request
says; an adopted one gets that beside what its owner gave it. For example, the request has the managed policy B:

    plan_role({…, "managed_policies": ["arn:…/A"], "tags": {ORIGIN_TAG: "created"}}, request, …)
    {…, "managed_policies": ["arn:…/B"], …}
    plan_role({…, "managed_policies": ["arn:…/A"], "tags": {"team": "a"}}, request, …)
    {…, "managed_policies": ["arn:…/A", "arn:…/B"], "tags": {"team": "a", ORIGIN_TAG: "adopted", …}}
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from .iam_policy import Statement, build_policy_document, is_same_policy
from .role import (
    ACCOUNT_TAG,
    CLUSTER_TAG,
    COLLECTOR_TAG,
    INLINE_POLICY,
    ORIGIN_ADOPTED,
    ORIGIN_CREATED,
    ORIGIN_TAG,
    OWN_TAG_KEYS,
    PolicyDocument,
    RoleRequest,
    RoleSettings,
    drop_keys,
    policy_arn,
)
from .role_additions import (
    ADDED_ASSOCIATION_TAG,
    ADDED_BOUNDARY_TAG,
    ADDED_POLICIES_TAG,
    is_added_boundary,
    plan_policy_tag,
)
from .trust import build_trust_policy


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
    origin = earlier_role["tags"].get(ORIGIN_TAG, ORIGIN_ADOPTED) if live_role else ORIGIN_CREATED
    is_adopted = origin != ORIGIN_CREATED
    attached_arns = {policy_arn(name, request.eks_cluster.partition) for name in request.managed_policies}
    if is_adopted:
        attached_arns.update(earlier_role["managed_policies"])
    boundary = request.permissions_boundary
    if boundary is None:
        boundary = earlier_role["permissions_boundary"]
    other_tags = drop_keys(earlier_role["tags"], OWN_TAG_KEYS)
    # The owner of an adopted role may need tags that the user does not give, for example to find the role by them.
    kept_tags = other_tags if is_adopted else {}
    own_tags = _plan_own_tags(earlier_role["tags"], request, origin)
    if is_adopted:
        own_tags |= _plan_addition_tags(earlier_role, request, attached_arns, boundary)
    return {
        # IAM cannot change the path of a role. `check_role_change` refuses another one for a role of this collection.
        "path": earlier_role["path"],
        "trust": build_trust_policy(
            earlier_role["trust"], request.trust, keeps_providers=request.keep_trust, keeps_others=is_adopted
        ),
        "policies": _plan_inline_policies(earlier_role["policies"], request.statements, is_adopted=is_adopted),
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
    live_policies: Mapping[str, PolicyDocument], statements: list[Statement], *, is_adopted: bool
) -> dict[str, PolicyDocument]:
    """Return the inline policies that the role shall have. An adopted role keeps those that others gave it.

    If the policy of this collection means the same as before, it stays as it is written, so that it does not differ.
    """
    policies = drop_keys(live_policies, [INLINE_POLICY]) if is_adopted else {}
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
    own_tags = {
        CLUSTER_TAG: request.eks_cluster.cluster_arn,
        ACCOUNT_TAG: str(request.service_account),
        ORIGIN_TAG: origin,
    }
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
