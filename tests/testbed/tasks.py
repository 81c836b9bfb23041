# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run named steps as early as what they need allows, all in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from tests.testbed import command, progress


@dataclass(frozen=True)
class Task:
    """A step: what it does and the names of the steps that must have ended before."""

    name: str
    run: Callable[[], None]
    needs: tuple[str, ...] = ()


def run_all(tasks: Iterable[Task]) -> None:
    """Run every task once; the first failure stops the others and is raised."""
    waiting = {task.name: task for task in tasks}
    unknown = {need for task in waiting.values() for need in task.needs} - waiting.keys()
    if unknown:
        raise ValueError(f"tasks need steps that nobody takes: {sorted(unknown)}")
    running: dict[Future[None], str] = {}
    done: set[str] = set()
    with ThreadPoolExecutor(max_workers=max(1, len(waiting))) as pool:
        try:
            while waiting or running:
                ready = [task for task in waiting.values() if done.issuperset(task.needs)]
                if not ready and not running:
                    raise ValueError(f"tasks need each other: {sorted(waiting)}")
                for task in ready:
                    running[pool.submit(task.run)] = waiting.pop(task.name).name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done.add(running.pop(future))
                    future.result()
        except BaseException:
            progress.STOP.set()
            command.stop_running()
            raise
