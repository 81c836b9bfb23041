# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did to which objects: what the entries say to a result, to an error and to the next step."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.change_set import (
    IDLE_ACTIONS,
    Action,
    ChangeSet,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.objects import ObjectRef

OLD, NEW = ({"kind": "Service", "metadata": {"name": "a", "namespace": "ns"}, "spec": value} for value in (1, 2))
WORKLOAD = {"kind": "Deployment", "metadata": {"name": "w", "namespace": "ns", "generation": 2}}
SERVICE = ObjectRef("Service", "ns", "a")


def changed() -> ChangeSet:
    changes = ChangeSet()
    changes.note_action(Action.CHANGED, OLD, NEW, left=NEW)
    changes.note_action(Action.UNCHANGED, WORKLOAD, WORKLOAD, left=WORKLOAD)
    changes.note_action(Action.PRUNED, {"kind": "Secret", "metadata": {"name": "s", "namespace": "ns"}})
    changes.note_skipped({"kind": "Namespace", "metadata": {"name": "ns"}}, "it still has pods")
    return changes


def test_the_words_of_a_result_follow_from_the_entries() -> None:
    changes = changed()
    assert [entry.as_dict() for entry in changes.entries] == [
        {"kind": "Service", "namespace": "ns", "name": "a", "action": "changed"},
        {"kind": "Deployment", "namespace": "ns", "name": "w", "action": "unchanged", "generation": 2},
        {"kind": "Secret", "namespace": "ns", "name": "s", "action": "pruned"},
        {"kind": "Namespace", "namespace": "", "name": "ns", "action": "unchanged"},
    ]
    assert changes.summarize_actions() == "1 changed, 2 unchanged, 1 pruned"
    assert ChangeSet().summarize_actions() == "nothing to do"
    assert changes.describe_done() == "changed Service ns/a; pruned Secret ns/s"
    assert [entry.skip_reason for entry in changes.list_skipped_entries()] == ["it still has pods"]


@pytest.mark.parametrize("action", list(Action))
def test_a_run_has_changed_something_unless_all_its_actions_are_idle(action: Action) -> None:
    changes = ChangeSet()
    changes.note_action(action, OLD, NEW)
    assert bool(changes.list_changing_entries()) is (action not in IDLE_ACTIONS)


def test_what_is_undone_still_differs_and_is_not_left_to_a_user() -> None:
    changes = changed()
    changes.note_restored([SERVICE, ObjectRef("Deployment", "ns", "w")])
    assert changes.list_subjects(Action.RESTORED) == [SERVICE], "what was not changed has nothing to go back to"
    assert changes.describe_done() == "pruned Secret ns/s"
    assert SERVICE in [entry.subject for entry in changes.list_changing_entries()]
    assert changes.find_left_objects()[SERVICE] == NEW, (
        "an undo of another collector still compares with what this run left"
    )


def test_a_workload_that_is_applied_once_more_has_changed() -> None:
    changes = changed()
    later: dict[str, Any] = {**WORKLOAD, "metadata": {**WORKLOAD["metadata"], "generation": 3}}
    name = ObjectRef("Deployment", "ns", "w")
    assert not changes.has_moved(name)
    changes.note_applied_again(later)
    assert changes.has_moved(name)
    assert (changes.find_left_objects()[name], changes.entries[1].as_dict()["generation"]) == (later, 3)


def test_what_was_awaited_is_not_awaited_again() -> None:
    changes = changed()
    assert changes.list_not_awaited() == [NEW, WORKLOAD]
    changes.note_ready([ObjectRef("Deployment", "ns", "w")])
    assert changes.list_not_awaited() == [NEW]


def test_rights_of_roles_are_told_only_where_they_change() -> None:
    role = {"kind": "ClusterRole", "metadata": {"name": "r"}}
    more = {**role, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    changes = ChangeSet()
    changes.note_action(Action.UNCHANGED, more, more)
    changes.note_action(Action.CHANGED, role, more)
    assert changes.list_rights_changes() == ["r: + get pods (all namespaces)"]
