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
    needs: tuple[str, ...] = ()
    """The names of the steps that must have ended before."""


def run_all(tasks: Iterable[Task]) -> None:
    """Run every task once. The first failure stops the other tasks and is raised.

    Raises ValueError if a task needs a step that is not among the tasks, or tasks need each other.
    """
    waiting = {task.name: task for task in tasks}
    _check_needs(waiting)
    with ThreadPoolExecutor(max_workers=max(1, len(waiting))) as pool:
        try:
            _run(waiting, pool)
        except BaseException:
            progress.STOP.set()
            command.stop_running()
            raise


def _check_needs(waiting: dict[str, Task]) -> None:
    needed = {need for task in waiting.values() for need in task.needs}
    unknown = needed - waiting.keys()
    if unknown:
        raise ValueError(f"tasks need steps that nobody takes: {sorted(unknown)}")


def _run(waiting: dict[str, Task], pool: ThreadPoolExecutor) -> None:
    """Run the tasks that wait, and remove them from `waiting` as they start."""
    running: dict[Future[None], str] = {}
    done: set[str] = set()
    while waiting or running:
        ready = [task for task in waiting.values() if done.issuperset(task.needs)]
        if not ready and not running:
            raise ValueError(f"tasks need each other: {sorted(waiting)}")
        for task in ready:
            del waiting[task.name]
            running[pool.submit(task.run)] = task.name
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            done.add(running.pop(future))
            future.result()
