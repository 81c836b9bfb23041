# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of an alert: what was found out, and what was done. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..module_utils._otelcol.errors import Problem, cleaned
from ._alert_folder import AlertFolder

# What tasks of playbook alert leave in the variables of the host.
TARGET = "__otel_target_found"
DIAGNOSIS = "diagnose_result"
LAST_CHANGE = "__otel_last_change"
RETURNED = "__otel_alert_returned"
FAILURE = "__otel_alert_failure"
_LONGEST_MESSAGE = 2_000  # characters


_OF_PLAN = ("alert", "host", "collector", "began", "stops_waves")


@dataclass(frozen=True)
class _Found:
    """What the tasks of playbook alert have left; each is empty if its task did not run."""

    target: Mapping[str, Any]
    """What the check of the cluster says."""
    diagnosis: Mapping[str, Any]
    last_change: Mapping[str, Any]
    returned: Mapping[str, Any]
    """What the way back says."""
    failure: Mapping[str, Any]
    """Which task of the diagnosis failed, and why."""

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> _Found:
        """Return what the variables of a host have of these tasks."""
        return cls(
            target=variables.get(TARGET) or {},
            diagnosis=variables.get(DIAGNOSIS) or {},
            last_change=variables.get(LAST_CHANGE) or {},
            returned=variables.get(RETURNED) or {},
            failure=variables.get(FAILURE) or {},
        )


def keep(path: str, planned: Mapping[str, Any], variables: Mapping[str, Any], when: str, check: bool) -> dict[str, Any]:
    """Keep what was found out about an alert, and what was done. Raises Problem if something of it failed.

    `path` is the folder of alerts, `planned` the result of the plan, and `when` the time as the name of a file has it.
    Check mode writes no file.
    """
    found = _Found.of(variables)
    failed = list(_failures(found))
    told = [*planned["told"], *_done(planned, found), *failed]
    kept = {
        **{key: planned[key] for key in _OF_PLAN},
        "when": when,
        "told": told,
        "verdict": list(found.diagnosis.get("verdict") or ()),
        "report": str(found.diagnosis.get("report") or "").split("\n"),
    }
    lines = [*told, *kept["verdict"]]
    file = ""
    if not check:
        file = AlertFolder(path).keep(kept["host"], planned["only"][0], f"{when}-{kept['alert']}", kept)
        lines.append(f"Kept in {file}.")
    if failed:
        wrong = cleaned("; ".join(line.rstrip(".") for line in failed), _LONGEST_MESSAGE)
        raise Problem(wrong, asked=f"Answer {planned['alert']}", fix=lines[-1], facts={"told": lines})
    return {"changed": bool(file), "path": file, "told": lines}


def _done(planned: Mapping[str, Any], found: _Found) -> Iterator[str]:
    """Yield what was done, and why the last change was not undone."""
    last = found.last_change
    if found.returned.get("msg") and not found.returned.get("failed"):
        yield f"{last.get('msg')}: {found.returned['msg']}"
    elif last.get("is_changing"):
        yield f"{last['msg']}, so nothing is diagnosed and nothing goes back."
    elif planned["goes_back"] and last.get("msg") and not last.get("goes_back"):
        yield f"Nothing goes back: {last['msg']}."


def _failures(found: _Found) -> Iterator[str]:
    """Yield what failed: the connection, a diagnosis, a way back."""
    if found.target and "roles" not in found.target:  # the check of the cluster has failed
        yield f"the cluster was not read: {found.target.get('msg')}"
    if found.last_change.get("unreachable"):
        yield f"the host does not answer: {found.last_change.get('msg')}"
    if found.last_change.get("failed"):
        yield f"the last change was not read: {found.last_change.get('msg')}"
    if found.failure:
        yield f"the collector was not diagnosed: {_reason(found)}"
    if found.returned.get("failed"):
        yield f"the last change was not undone: {found.returned.get('msg')}"


def _reason(found: _Found) -> str:
    """Return why there is no diagnosis: in the words of the module that makes it, or of the task that failed before."""
    if found.diagnosis.get("msg"):
        return str(found.diagnosis["msg"])
    return f"{found.failure.get('task')}: {found.failure.get('msg') or 'see its message above'}"
