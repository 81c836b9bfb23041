# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of IAM that make a role what role_plan.py says it shall be, and those that remove it. Private.

`live/service_account_role.py` makes these calls. For example, the calls for a role that gets a managed policy:

    [IamCall("attach_role_policy", {"PolicyArn": "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"})]
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .iam_calls import IamCall, list_tag_changes, tag_list
from .iam_policy import ServiceAccount, is_same_policy
from .role import (
    CLUSTER_TAG,
    INLINE_POLICY,
    ORIGIN_CREATED,
    ORIGIN_TAG,
    OWN_TAG_KEYS,
    PolicyDocument,
    RoleSettings,
    drop_keys,
    policy_arn,
)
from .role_additions import ADDED_BOUNDARY_TAG, ADDED_POLICIES_TAG, list_added_arns
from .trust import drop_own_statements


def build_creation_request(target: RoleSettings, account: ServiceAccount) -> dict[str, Any]:
    """Return the parameters of CreateRole. The new role has no rights yet; `plan_role_calls` gives it its policies."""
    request = {
        "Path": target["path"],
        "AssumeRolePolicyDocument": _serialize_policy(target["trust"]),
        "Description": f"OpenTelemetry collectors of service account {account}",
        "Tags": tag_list(target["tags"]),
    }
    if target["permissions_boundary"]:
        request["PermissionsBoundary"] = target["permissions_boundary"]
    return request


def plan_role_calls(live_role: RoleSettings, target: RoleSettings) -> list[IamCall]:
    """Return the calls that give a role the target settings, in this order:

    1. A new permissions boundary, so that the role never has more rights than before and after.
    2. New tags, by which a later run knows the role if this one ends in between.
    3. The trust policy.
    4. New policies, and after them the removal of others, so that pods lose no right that they go on to have.
    5. The removal of the permissions boundary, once the policies that it restricted are gone.
    6. The removal of tags, for the same reason as 2.
    """
    calls: list[IamCall] = []
    target_boundary = target["permissions_boundary"]
    boundary_differs = live_role["permissions_boundary"] != target_boundary
    tag_changes = list_tag_changes(live_role["tags"], target["tags"])
    if boundary_differs and target_boundary:
        calls.append(IamCall("put_role_permissions_boundary", {"PermissionsBoundary": target_boundary}))
    if tag_changes.changed_tags:
        calls.append(IamCall("tag_role", {"Tags": tag_list(tag_changes.changed_tags)}))
    if not is_same_policy(live_role["trust"], target["trust"]):
        calls.append(IamCall("update_assume_role_policy", {"PolicyDocument": _serialize_policy(target["trust"])}))
    calls += _plan_additions(live_role, target)
    calls += _plan_removals(live_role, target)
    if boundary_differs and not target_boundary:
        calls.append(IamCall("delete_role_permissions_boundary", {}))
    if tag_changes.removed_keys:
        calls.append(IamCall("untag_role", {"TagKeys": tag_changes.removed_keys}))
    return calls


def _plan_additions(live_role: RoleSettings, target: RoleSettings) -> list[IamCall]:
    """Return the calls that add the policies which the role lacks, and change those that it has with other content."""
    calls = []
    for name, policy in target["policies"].items():
        if not is_same_policy(live_role["policies"].get(name), policy):
            parameters = {"PolicyName": name, "PolicyDocument": _serialize_policy(policy)}
            calls.append(IamCall("put_role_policy", parameters))
    for arn in target["managed_policies"]:
        if arn not in live_role["managed_policies"]:
            calls.append(IamCall("attach_role_policy", {"PolicyArn": arn}))
    return calls


def _plan_removals(live_role: RoleSettings, target: RoleSettings) -> list[IamCall]:
    """Return the calls that remove the policies which the role shall not have."""
    calls = []
    for name in live_role["policies"]:
        if name not in target["policies"]:
            calls.append(IamCall("delete_role_policy", {"PolicyName": name}))
    for arn in live_role["managed_policies"]:
        if arn not in target["managed_policies"]:
            calls.append(IamCall("detach_role_policy", {"PolicyArn": arn}))
    return calls


def remaining_settings(live_role: RoleSettings, managed_policies: Iterable[str]) -> RoleSettings | None:
    """Return the settings that an adopted role keeps after its removal; None for a created role, which is deleted.

    `managed_policies` has the names or ARNs of the managed policies of the task. They count only for a role that an
    earlier version of this collection adopted, because its tags do not say what it got.
    """
    if live_role["tags"].get(ORIGIN_TAG) == ORIGIN_CREATED:
        return None
    _arn, partition, *_rest = live_role["tags"][CLUSTER_TAG].split(":")
    tags, attached_arns = live_role["tags"], live_role["managed_policies"]
    if ADDED_POLICIES_TAG in tags:
        own_arns = set(list_added_arns(tags, attached_arns))
    else:
        own_arns = {policy_arn(name, partition) for name in managed_policies}
    trust = drop_own_statements(live_role["trust"])
    if not trust["Statement"]:
        trust = live_role["trust"]  # IAM takes no policy without a statement
    return {
        **live_role,
        "trust": trust,
        "policies": drop_keys(live_role["policies"], [INLINE_POLICY]),
        "managed_policies": [arn for arn in attached_arns if arn not in own_arns],
        "permissions_boundary": "" if ADDED_BOUNDARY_TAG in tags else live_role["permissions_boundary"],
        "tags": drop_keys(tags, OWN_TAG_KEYS),
    }


def plan_deletion_calls(live_role: RoleSettings) -> list[IamCall]:
    """Return the calls that delete a role. IAM deletes no role that has policies, so they are removed first."""
    bare_role: RoleSettings = {**live_role, "policies": {}, "managed_policies": []}
    return [*plan_role_calls(live_role, bare_role), IamCall("delete_role", {})]


def _serialize_policy(document: PolicyDocument) -> str:
    return json.dumps(document, sort_keys=True)
