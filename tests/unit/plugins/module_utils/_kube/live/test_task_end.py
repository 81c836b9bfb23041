# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task says at its end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import task_end


def test_a_result_warns_of_each_thing_once() -> None:
    told: list[str] = []
    module: Any = SimpleNamespace(warn=told.append, no_log_values=set())
    result = {"warnings": ["a", "b", "a"], "msg": "x"}
    task_end._warn(module, result)
    assert task_end._escape_result(result) == {"msg": "x"}
    assert told == ["a", "b"]
