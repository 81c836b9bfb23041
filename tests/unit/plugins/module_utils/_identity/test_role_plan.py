# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import role, role_plan

from .made_roles import made, wish


def test_a_role_of_ours_is_exactly_what_is_asked_and_one_that_was_there_gets_more() -> None:
    more = {"policies": {"theirs": {}}, "managed_policies": ["arn:theirs"]}
    ours = role_plan.plan_role(made() | more, wish(), lambda tags: tags)
    assert (sorted(ours["policies"]), ours["managed_policies"]) == ([role.INLINE_POLICY], [])
    adopted = role_plan.plan_role(made() | more | {"tags": {"team": "a"}}, wish(), lambda tags: tags)
    assert (sorted(adopted["policies"]), adopted["managed_policies"]) == (
        [role.INLINE_POLICY, "theirs"],
        ["arn:theirs"],
    )
    assert (adopted["tags"]["team"], adopted["tags"][role.ORIGIN_TAG]) == ("a", "adopted")


def test_a_role_that_was_there_keeps_the_tags_that_the_task_lacks() -> None:
    theirs = {"team": "a", "cost": "1"}
    adopted = role_plan.plan_role(made() | {"tags": theirs}, wish(), lambda _tags: {"team": "b"})
    assert {key: adopted["tags"].get(key) for key in theirs} == {"team": "b", "cost": "1"}
    ours = role_plan.plan_role(made() | {"tags": made()["tags"] | theirs}, wish(), lambda _tags: {"team": "b"})
    assert "cost" not in ours["tags"]
