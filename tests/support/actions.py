# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions as a task has them, without a play."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar


def make_action(action_module: Any, arguments: dict[str, Any]) -> Any:
    """Return an action of this class for a task with these arguments, on the controller."""
    loader, task = DataLoader(), Task()
    task.args = arguments
    return action_module(
        task=task,
        connection=SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir=None)),
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader, variables={}),
        shared_loader_obj=None,
    )
