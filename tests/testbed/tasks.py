# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs steps in parallel, each as soon as the steps that it needs have ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from tests.testbed import command, progress


@dataclass(frozen=True)
class Task:
    """One step."""

    name: str
    run: Callable[[], None]
    needed_tasks: tuple[str, ...] = ()
    """The names of the steps that must have ended before."""


def run_all(tasks: Iterable[Task]) -> None:
    """Run every task once. The first failure stops the other tasks and is raised.

    Raises ValueError if a task needs a step that is not among the tasks, or tasks need each other.
    """
    waiting_tasks = {task.name: task for task in tasks}
    _check_needs(waiting_tasks)
    with ThreadPoolExecutor(max_workers=max(1, len(waiting_tasks))) as executor:
        try:
            _run_waiting(waiting_tasks, executor)
        except BaseException:
            progress.STOP_EVENT.set()
            command.stop_running()
            raise


def _check_needs(waiting_tasks: dict[str, Task]) -> None:
    needed_steps = {need for task in waiting_tasks.values() for need in task.needed_tasks}
    missing_steps = needed_steps - waiting_tasks.keys()
    if missing_steps:
        raise ValueError(f"tasks need steps that nobody takes: {sorted(missing_steps)}")


def _run_waiting(waiting_tasks: dict[str, Task], executor: ThreadPoolExecutor) -> None:
    """Run the tasks that wait, and remove them from `waiting_tasks` as they start."""
    running_tasks: dict[Future[None], str] = {}
    ended_names: set[str] = set()
    while waiting_tasks or running_tasks:
        ready_tasks = [task for task in waiting_tasks.values() if ended_names.issuperset(task.needed_tasks)]
        if not ready_tasks and not running_tasks:
            raise ValueError(f"tasks need each other: {sorted(waiting_tasks)}")
        for task in ready_tasks:
            del waiting_tasks[task.name]
            running_tasks[executor.submit(task.run)] = task.name
        for future in wait(running_tasks, return_when=FIRST_COMPLETED).done:
            ended_names.add(running_tasks.pop(future))
            future.result()
