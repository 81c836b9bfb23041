# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.o11y.opentelemetry.plugins.filter.to_manifests import FilterModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _doorway


def refuse() -> dict[str, object]:
    raise Problem("it is wrong", asked="this", where="a.yml:3", fix="Mend it.")


def test_an_answer_says_that_nothing_changed() -> None:
    assert _doorway.answer(lambda: {"a": 1}) == {"changed": False, "a": 1}


def test_a_problem_fails_the_task_in_its_own_words() -> None:
    with pytest.raises(AnsibleActionFail) as failed:
        _doorway.answer(refuse)
    assert "this: it is wrong (at a.yml:3). Mend it." in str(failed.value)


def test_a_mistake_of_ours_stays_one() -> None:
    with pytest.raises(ZeroDivisionError):
        _doorway.answer(lambda: {"a": 1 // 0})


def test_a_request_takes_the_shared_arguments_and_no_other() -> None:
    arguments = {name: argument["default"] for name, argument in _doorway.COLLECTOR_ARGUMENTS.items()}
    request = _doorway.request({**arguments, "defaults": {"name": "a"}, "fail_on": "error"})
    assert (request.collectors, request.defaults, request.recipe_paths) == ([], {"name": "a"}, [])


def test_the_filter_writes_a_document_for_each_object() -> None:
    to_manifests = FilterModule().filters()["to_manifests"]
    assert to_manifests([{"a": "1"}, {"b": ["yes"]}]) == "---\na: '1'\n---\nb:\n- 'yes'\n"
