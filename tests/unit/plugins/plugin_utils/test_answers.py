# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task ends with its result or with a Problem in its own words, and shows no secret."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _answers


def test_an_answer_changes_nothing_and_a_problem_fails_the_task_in_its_own_words() -> None:
    def refuse() -> dict[str, object]:
        raise Problem("it is wrong", asked="this", where="a.yml:3", fix="Mend it.")

    assert _answers.answer_or_fail_task(lambda: {"a": 1}, {}) == {"changed": False, "a": 1}
    with pytest.raises(AnsibleActionFail, match=r"this: it is wrong \(at a\.yml:3\)\. Mend it\."):
        _answers.answer_or_fail_task(refuse, {})
    with pytest.raises(AnsibleActionFail, match=r"^this: \*{8} is wrong \(at a\.yml:3\)"):
        _answers.answer_or_fail_task(refuse, {"collectors": [{"config": {"x": {"password": "it"}}}]})
    with pytest.raises(ZeroDivisionError):
        _answers.answer_or_fail_task(lambda: {"a": 1 // 0}, {})


def test_a_result_with_a_secret_is_hidden_from_output() -> None:
    for secret in (False, True):
        value = "${env:TOKEN}" if not secret else "correct-horse"
        result = _answers.hide_if_secret({"manifests": [{"data": {"config": f"api:\n  key: {value}\n"}}]})
        assert (result["has_secrets"], result["_ansible_no_log"]) == (secret, secret)
        values = {"manager": {"extraEnvs": [{"name": "API_KEY", "value": value}]}}
        assert _answers.hide_if_secret({"chart_values": values}, "chart_values")["has_secrets"] is secret
    assert not _answers.hide_if_secret({"state": "removed"}, "chart_values")["has_secrets"]
