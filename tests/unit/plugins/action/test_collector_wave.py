# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action chooses for how long the collectors are watched, anew for each try of `until`."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.action.collector_wave import ActionModule
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _wave_results
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._wave_tasks import PLAN_VARIABLE
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._worker import WorkerAction

from tests.support.actions import make_action


def test_a_retry_sees_the_seconds_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def read_cluster(action: WorkerAction, _tmp: Any = None, _task_vars: Any = None) -> dict[str, Any]:
        seen.append(action._task.args["seconds"])
        return {"changed": False}

    monkeypatch.setattr(WorkerAction, "run", read_cluster)
    arguments = {"collectors": [], "seconds": 60, "applied": []}
    action = make_action(ActionModule, arguments)
    written_arguments = dict(arguments)
    in_wave = {PLAN_VARIABLE: {}}
    first = action.run(task_vars={**in_wave, _wave_results.FAILURE: {"task": "Apply"}})
    assert (seen, "watched" in first, action._task.args) == ([0.0], False, written_arguments)
