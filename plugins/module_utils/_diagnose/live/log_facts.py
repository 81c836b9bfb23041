# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about the log of one collector: what fails, and whether it collects its own log.

`diagnosed_collector.py` reads the end of the log by `read_log_text`, and gives the text to the other functions.
Private.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._telemetry import logs
from ..log_echoes import EchoRow, count_echoes
from ..pod_states import sort_by_trouble
from .find_collectors import DiagnosedTarget
from .reader import ClusterReader, object_path

# Last lines of the log of a pod that are read.
_LOG_LINES = 500
# Pods whose log is read, those in trouble first.
_LOG_PODS = 3


def read_log_text(reader: ClusterReader, target: DiagnosedTarget, log_seconds: int) -> str:
    """Return the logs of some pods, one after the other, of the last seconds. Each line begins with its time."""
    container = target.collector_container
    if not container:  # without a name, the API server would return the log of the application
        return ""
    paths = []
    for own_pod in sort_by_trouble(target.pods)[:_LOG_PODS]:
        metadata = own_pod["metadata"]
        paths.append(f"{object_path('pods', metadata['namespace'], metadata['name'])}/log")
    query = {
        "container": container.get("name"),
        "sinceSeconds": log_seconds,
        "tailLines": _LOG_LINES,
        "timestamps": "true",
    }
    answers = reader.cluster.call_in_parallel(lambda path: reader.read_answer_text(path, query), paths)
    for answer in answers:
        if answer.unread_reason:
            target.notes.note_unseen("logs", answer.unread_reason)
    return "\n".join(answer.value or "" for answer in answers)


def list_log_failures(log_text: str, current_time: str, mask: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return the failures in a log, the latest first. Key `current` says whether a failure still goes on.

    `mask` hides the secrets of the config in a text: a collector may log what it is given.
    """
    rows = []
    for failure in logs.group_log_failures(log_text, current_time, mask):
        is_current = failure["seconds_ago"] <= logs.CURRENT_SECONDS
        rows.append({**failure, "current": is_current})
    return rows


def count_own_echoes(log_text: str, target: DiagnosedTarget, current_time: str) -> list[EchoRow]:
    """Return the pods of a collector whose own log it has read and printed."""
    pod_names = []
    for own_pod in target.pods:
        metadata = own_pod["metadata"]
        pod_names.append(f"{metadata['namespace']}/{metadata['name']}")
    return count_echoes(log_text, pod_names, current_time)
