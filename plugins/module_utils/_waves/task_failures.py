# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a host failed in a wave, out of what Ansible keeps of a failed task. Private.

Playbook site rescues the tasks of each host, and keeps the task and its result in a variable. `_wave_gate.py` of
plugin_utils makes the reason of it, for the message of the gate. For example, `{"task": "Deploy", "result": {"msg":
"the disk is full"}}` gives `Deploy: the disk is full`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._otelcol.config.paths import mapping_at, mappings_at
from .._otelcol.errors import clean_text

# How many characters of a reason are shown: the task of the host has printed it whole.
_REASON_LENGTH = 600
# What Ansible says of a task with a loop. The reason is in the results of its items.
_LOOP_MESSAGES = ("One or more items failed", "All items completed")


def describe_failure(failure: Mapping[str, Any]) -> str:
    """Return why a host failed: the task and its message.

    `failure` has the name of the task as `task`, and what it returned as `result`.
    """
    task_name, result = str(failure.get("task") or ""), mapping_at(failure, "result")
    message = "; ".join(_list_messages(result)) or "see its message above"
    return str(clean_text(f"{task_name}: {message}" if task_name else message, _REASON_LENGTH))


def _list_messages(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the message of a task, or those of the failed items of its loop."""
    failed_results = [item_result for item_result in mappings_at(result, "results") if item_result.get("failed")]
    message = str(result.get("msg") or "")
    is_of_loop = not message or message.startswith(_LOOP_MESSAGES)
    if failed_results and is_of_loop:
        for item_result in failed_results:
            if item_result.get("msg"):
                yield str(item_result["msg"])
    elif message:
        yield message
