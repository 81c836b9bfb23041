# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action chooses for how long the collectors are watched, anew for each try of `until`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.o11y.opentelemetry.plugins.action.collector_wave import ActionModule
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _wave_results
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._wave_tasks import PLAN_VARIABLE
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._worker import WorkerAction


def test_a_retry_sees_the_seconds_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def read_cluster(action: WorkerAction, _tmp: Any = None, _task_vars: Any = None) -> dict[str, Any]:
        seen.append(action._task.args["seconds"])
        return {"changed": False}

    monkeypatch.setattr(WorkerAction, "run", read_cluster)
    loader, task = DataLoader(), Task()
    task.args = {"collectors": [], "seconds": 60, "applied": []}
    written_arguments = dict(task.args)
    action = ActionModule(
        task=task,
        connection=SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir=None)),
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader, variables={}),
        shared_loader_obj=None,
    )
    in_wave = {PLAN_VARIABLE: {}}
    first = action.run(task_vars={**in_wave, _wave_results.FAILURE: {"task": "Apply"}})
    assert (seen, "watched" in first, task.args) == ([0.0], False, written_arguments)
