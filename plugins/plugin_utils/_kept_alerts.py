# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of an alert: what was found out, and what was done. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
# What the file of an alert takes from the plan as it is.
_OF_PLAN = ("alert", "host", "collector", "began", "stops_waves")


@dataclass(frozen=True)
class _AlertPlan:
    """What module alert_plan has returned, as far as it is kept or told; the playbook passes it as a mapping."""

    alert: str
    host: str
    collector: str
    """The collector as `only` names it: NAME on a Linux host, NAMESPACE/NAME in a cluster."""
    told: Sequence[str]
    goes_back: bool
    """Whether the last change of the collector is to be undone."""
    in_file: Mapping[str, Any]
    """What the file takes as it is, by the names of the plan; its `collector` is the name without namespace."""

    @classmethod
    def of(cls, planned: Mapping[str, Any]) -> _AlertPlan:
        """Return the record of a plan, which is about one collector: `only` lists no other."""
        return cls(
            alert=planned["alert"],
            host=planned["host"],
            collector=planned["only"][0],
            told=planned["told"],
            goes_back=planned["goes_back"],
            in_file={key: planned[key] for key in _OF_PLAN},
        )


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
    plan, found = _AlertPlan.of(planned), _Found.of(variables)
    failed = list(_failures(found))
    record = _record(plan, found, failed, when)
    lines = [*record["told"], *record["verdict"]]
    file = ""
    if not check:
        file = _write(path, plan, record)
        lines.append(f"Kept in {file}.")
    if failed:
        raise _problem(plan, failed, lines)
    return {"changed": bool(file), "path": file, "told": lines}


def _record(plan: _AlertPlan, found: _Found, failed: Sequence[str], when: str) -> dict[str, Any]:
    """Return what the file of an alert has."""
    return {
        **plan.in_file,
        "when": when,
        "told": [*plan.told, *_done(plan, found), *failed],
        "verdict": list(found.diagnosis.get("verdict") or ()),
        "report": str(found.diagnosis.get("report") or "").split("\n"),
    }


def _write(path: str, plan: _AlertPlan, record: Mapping[str, Any]) -> str:
    """Write the file of an alert into the folder of alerts, and return its path."""
    return AlertFolder(path).keep(plan.host, plan.collector, f"{record['when']}-{plan.alert}", record)


def _problem(plan: _AlertPlan, failed: Sequence[str], lines: Sequence[str]) -> Problem:
    """Return the Problem of what failed. `lines` are all that is told; the last one says where it is kept."""
    wrong = cleaned("; ".join(line.rstrip(".") for line in failed), _LONGEST_MESSAGE)
    return Problem(wrong, asked=f"Answer {plan.alert}", fix=lines[-1], facts={"told": lines})


def _done(plan: _AlertPlan, found: _Found) -> Iterator[str]:
    """Yield what was done, and why the last change was not undone."""
    last = found.last_change
    if found.returned.get("msg") and not found.returned.get("failed"):
        yield f"{last.get('msg')}: {found.returned['msg']}"
    elif last.get("is_changing"):
        yield f"{last['msg']}, so nothing is diagnosed and nothing goes back."
    elif plan.goes_back and last.get("msg") and not last.get("goes_back"):
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
