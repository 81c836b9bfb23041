# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks of single hosts know of waves, without the plan and the gate: runs without waves load it too. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure

# The plan, as a task of playbook site leaves it in the variables of each host.
PLANNED = "__otel_planned"


def is_waved(variables: Mapping[str, Any]) -> bool:
    """Whether a task with these variables changes a host of a wave."""
    return PLANNED in variables


def unanswered(lost: Exception) -> dict[str, Any]:
    """Return the result of a task on a host that was lost, which Ansible would take out of the play."""
    return {"failed": True, "msg": f"The host does not answer. {lost}"}


def counted(work: Callable[[], dict[str, Any]], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of the work on a host. In a wave, a host that is lost fails, so that the gate counts it.

    Raises AnsibleConnectionFailure for a host that is lost without waves.
    """
    try:
        return work()
    except AnsibleConnectionFailure as lost:
        if not is_waved(variables):
            raise
        return unanswered(lost)


def watch_of(arguments: Mapping[str, Any]) -> dict[str, bool]:
    """Return the mark of a task that reads a member for a while, by which later tasks know that there is a watch."""
    return {"watched": True} if float(arguments.get("seconds") or 0) else {}


def told(said: Mapping[str, Any], arguments: Mapping[str, Any], member: str) -> dict[str, Any]:
    """Return what a task says of a member of a wave, which fails no task: the gate tells what was not read."""
    why = str(said.get("msg") or "")
    if not said.get("failed"):
        return dict(said)
    if arguments.get("passed"):
        unnoted = f"{member} does not know that its collectors passed the wave, so the next run watches them again: "
        return {"changed": False, "collectors": [], "warnings": [unnoted + why]}
    return {"changed": False, "collectors": [], "unread": why}
