# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of this collection, which no error names: users mend lines of their own inventories and plays. Private."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import _origins

_COLLECTION = Path(__file__).resolve().parents[2]


def forget_own_line(task: Any) -> None:
    """Forget where a task of this collection stands, which ansible-core 2.19 and newer name as the origin of its error.

    A task of a user's own play keeps its line. Each task runs in a process of its own, so nothing else forgets it.
    Source: `_execute` in ansible/executor/task_executor.py takes the origin from `Task.get_ds`.
    """
    task_file = _origins.position_of(task.get_ds()).file
    if task_file and Path(task_file).resolve().is_relative_to(_COLLECTION):
        task._ds = None
