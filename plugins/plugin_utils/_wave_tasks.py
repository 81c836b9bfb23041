# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the failure of a task of one member of a wave: the gate tells it, and no task fails. Private.

Ansible takes a host out of the play if a task of it fails, and the gate judges the hosts that are left. So the actions
of host_apply, host_diagnose, host_wave and collector_wave return a failure as a result that the gate reads. For
example, a host that does not answer has `{"failed": true, "msg": "The host does not answer. …"}`. Runs without waves
load this file too, so it knows neither the plan nor the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure

# The plan, as a task of playbook site leaves it in the variables of each host.
PLAN_VARIABLE = "__otel_planned"


def is_in_wave(variables: Mapping[str, Any]) -> bool:
    """Whether a task with these variables changes a host of a wave."""
    return PLAN_VARIABLE in variables


# ── A host that is lost ──


def run_or_count_as_failed(run_task: Callable[[], dict[str, Any]], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of the work on a host. In a wave, a host that is lost fails, so that the gate counts it.

    Raises AnsibleConnectionFailure for a host that is lost without waves.
    """
    try:
        return run_task()
    except AnsibleConnectionFailure as connection_error:
        if not is_in_wave(variables):
            raise
        return build_lost_host_result(connection_error)


def build_lost_host_result(connection_error: Exception) -> dict[str, Any]:
    """Return the result of a task on a host that was lost, which Ansible would take out of the play."""
    return {"failed": True, "msg": f"The host does not answer. {connection_error}"}


# ── A member that is read for the gate ──


def build_watch_mark(arguments: Mapping[str, Any]) -> dict[str, bool]:
    """Return the mark of a task that reads a member for a while, by which later tasks know that there is a watch."""
    return {"watched": True} if float(arguments.get("seconds") or 0) else {}


def build_result_for_gate(result: Mapping[str, Any], arguments: Mapping[str, Any], member: str) -> dict[str, Any]:
    """Return the result of a task that reads a member, or that notes that it passed. Neither fails.

    With `passed` among the arguments, the task notes on the member that its collectors have passed the wave.
    """
    if not result.get("failed"):
        return dict(result)
    return _build_unnoted_warning(result, member) if arguments.get("passed") else _build_unread_reading(result)


def _build_unread_reading(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reading without collectors that says why: the gate decides what that means."""
    return {"changed": False, "collectors": [], "unread": str(result.get("msg") or "")}


def _build_unnoted_warning(result: Mapping[str, Any], member: str) -> dict[str, Any]:
    """Return a warning: the wave has passed, and only the next run does not know it."""
    note = f"{member} does not know that its collectors passed the wave, so the next run watches them again: "
    return {"changed": False, "collectors": [], "warnings": [note + str(result.get("msg") or "")]}
