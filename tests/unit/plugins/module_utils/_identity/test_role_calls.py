# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import role, role_calls, role_plan

from .made_roles import ACCOUNT, made, wish


def names(*given: Any) -> list[str]:
    return [step.operation for step in given]


def test_a_new_role_is_ours_from_its_first_moment() -> None:
    request = role_calls.build_creation_request(made(path="/o11y/", permissions_boundary="arn:b"), ACCOUNT)
    assert {tag["Key"] for tag in request["Tags"]} == {role.CLUSTER_TAG, role.ACCOUNT_TAG, role.ORIGIN_TAG}
    assert (request["Path"], request["PermissionsBoundary"]) == ("/o11y/", "arn:b")
    assert "PermissionsBoundary" not in role_calls.build_creation_request(made(), ACCOUNT)


def test_where_nothing_differs_there_are_no_steps() -> None:
    live = made(managed_policies=("A",))
    wanted = role_plan.plan_role(live, wish(managed_policies=("A",)), lambda tags: tags)
    assert role_calls.plan_role_calls(live, wanted) == []


def test_what_restricts_comes_first_and_what_is_new_before_what_goes() -> None:
    live = made(managed_policies=("A",)) | {"permissions_boundary": ""}
    wanted = made(managed_policies=("B",), statements=[], permissions_boundary="arn:b")
    order = "put_role_permissions_boundary attach_role_policy delete_role_policy detach_role_policy"
    assert " ".join(names(*role_calls.plan_role_calls(live, wanted))) == order
    assert names(*role_calls.plan_role_calls(wanted, live))[-1] == "delete_role_permissions_boundary"


def test_a_role_that_was_there_is_given_back_and_one_of_ours_is_removed() -> None:
    assert role_calls.remaining_settings(made(), []) is None
    live = made(managed_policies=("A", "arn:theirs"))
    live["tags"] |= {role.ORIGIN_TAG: "adopted", "team": "a"}
    left = role_calls.remaining_settings(live, ["A"])
    assert left is not None
    assert (left["tags"], left["policies"], left["managed_policies"]) == ({"team": "a"}, {}, ["arn:theirs"])
    assert left["trust"] == live["trust"], "IAM takes no policy without a statement"
    assert names(*role_calls.plan_deletion_calls(live))[-1] == "delete_role"
