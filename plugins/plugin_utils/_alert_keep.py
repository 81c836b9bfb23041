# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module alert_keep: keep what was found out about an alert, and what was done. Private.

Playbook alert calls it at the end. Before, module alert_plan has decided what is done (`_alert_plan.py`): the collector
is diagnosed, waves are stopped, and the last change of the collector may be undone. This file writes the outcome into
the folder of alerts (`_alert_folder.py`), such as alerts/web1/agent/2026-01-31T120000Z-OtelCollectorExportFailed.json:

    {"alert": "OtelCollectorExportFailed", "host": "web1", "told": ["OtelCollectorExportFailed of collector agent …"],
     "verdict": ["…"], "report": ["…"], …}

The key `told` has lines for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..module_utils._otelcol.errors import Problem, clean_text
from ._alert_folder import AlertFolder

# The variables of the host in which tasks of playbook alert leave their results: the check of the cluster, the
# diagnosis, the last change of the collector, the task that undoes it, and the task that failed.
TARGET_VARIABLE = "__otel_target_found"
DIAGNOSIS_VARIABLE = "diagnose_result"
LAST_CHANGE_VARIABLE = "__otel_last_change"
RETURNED_VARIABLE = "__otel_alert_returned"
FAILURE_VARIABLE = "__otel_alert_failure"
_LONGEST_MESSAGE = 2_000  # characters
# What the file of an alert takes from the plan as it is.
_KEYS_OF_PLAN = ("alert", "host", "collector", "began", "stops_waves")


def keep_alert(
    path: str, plan_result: Mapping[str, Any], variables: Mapping[str, Any], time_name: str, check: bool
) -> dict[str, Any]:
    """Keep what was found out about an alert, and what was done. Raises Problem if something of it failed.

    `path` is the folder of alerts, `plan_result` the result of the plan, and `time_name` the time as the name of a file
    has it. Check mode writes no file.
    """
    plan = _AlertPlan.from_plan_result(plan_result)
    task_results = _AlertTaskResults.from_variables(variables)
    failure_lines = list(_list_failures(task_results))
    record = _build_record(plan, task_results, failure_lines, time_name)
    lines = [*record["told"], *record["verdict"]]
    alert_file = ""
    if not check:
        alert_file = _write_record(path, plan, record)
        lines.append(f"Kept in {alert_file}.")
    if failure_lines:
        raise _build_problem(plan, failure_lines, lines)
    return {"changed": bool(alert_file), "path": alert_file, "told": lines}


@dataclass(frozen=True)
class _AlertPlan:
    """What module alert_plan has returned, as far as it is kept or told; the playbook passes it as a mapping."""

    alert: str
    host: str
    collector: str
    """The collector as `only` names it: NAME on a Linux host, NAMESPACE/NAME in a cluster."""
    report_lines: Sequence[str]
    goes_back: bool
    """Whether the last change of the collector is to be undone."""
    file_content: Mapping[str, Any]
    """What the file takes as it is, by the names of the plan; its `collector` is the name without namespace."""

    @classmethod
    def from_plan_result(cls, plan_result: Mapping[str, Any]) -> _AlertPlan:
        """Return the record of a plan, which is about one collector: `only` lists no other."""
        return cls(
            alert=plan_result["alert"],
            host=plan_result["host"],
            collector=plan_result["only"][0],
            report_lines=plan_result["told"],
            goes_back=plan_result["goes_back"],
            file_content={key: plan_result[key] for key in _KEYS_OF_PLAN},
        )


@dataclass(frozen=True)
class _AlertTaskResults:
    """The results of the tasks of playbook alert; each is empty if its task did not run."""

    target_check: Mapping[str, Any]
    """The result of the check of the cluster. It has the key `roles` if the cluster could be read."""
    diagnosis: Mapping[str, Any]
    """The result of the diagnosis, with `verdict` and `report`."""
    last_change: Mapping[str, Any]
    """The last change of the collector: `msg` tells it, `is_changing` if a run is still changing the collector, and
    `goes_back` if the change can be undone."""
    undo_result: Mapping[str, Any]
    """The result of the task that undid the last change."""
    failure: Mapping[str, Any]
    """Which task of the diagnosis failed, and why."""

    @classmethod
    def from_variables(cls, variables: Mapping[str, Any]) -> _AlertTaskResults:
        """Return what the variables of a host have of these tasks."""
        return cls(
            target_check=variables.get(TARGET_VARIABLE) or {},
            diagnosis=variables.get(DIAGNOSIS_VARIABLE) or {},
            last_change=variables.get(LAST_CHANGE_VARIABLE) or {},
            undo_result=variables.get(RETURNED_VARIABLE) or {},
            failure=variables.get(FAILURE_VARIABLE) or {},
        )


def _build_record(
    plan: _AlertPlan, task_results: _AlertTaskResults, failure_lines: Sequence[str], time_name: str
) -> dict[str, Any]:
    """Return the content of the file of an alert."""
    return {
        **plan.file_content,
        "when": time_name,
        "told": [*plan.report_lines, *_describe_done(plan, task_results), *failure_lines],
        "verdict": list(task_results.diagnosis.get("verdict") or ()),
        "report": str(task_results.diagnosis.get("report") or "").split("\n"),
    }


def _write_record(path: str, plan: _AlertPlan, record: Mapping[str, Any]) -> str:
    """Write the file of an alert into the folder of alerts, and return its path."""
    return AlertFolder(path).keep_alert(plan.host, plan.collector, f"{record['when']}-{plan.alert}", record)


def _build_problem(plan: _AlertPlan, failure_lines: Sequence[str], told_lines: Sequence[str]) -> Problem:
    """Return the Problem of what failed. `told_lines` are all that is told; the last one says where it is kept."""
    wrong = clean_text("; ".join(line.rstrip(".") for line in failure_lines), _LONGEST_MESSAGE)
    return Problem(wrong, asked=f"Answer {plan.alert}", fix=told_lines[-1], facts={"told": told_lines})


def _describe_done(plan: _AlertPlan, task_results: _AlertTaskResults) -> Iterator[str]:
    """Yield what was done, or why the last change was not undone.

    There are three cases: the change was undone; a run is changing the collector, so nothing was done; or the plan
    wanted to undo it, and the last change cannot be undone.
    """
    last_change = task_results.last_change
    undo_result = task_results.undo_result
    was_undone = undo_result.get("msg") and not undo_result.get("failed")
    could_not_be_undone = last_change.get("msg") and not last_change.get("goes_back")
    if was_undone:
        yield f"{last_change.get('msg')}: {undo_result['msg']}"
    elif last_change.get("is_changing"):
        yield f"{last_change['msg']}, so nothing is diagnosed and nothing goes back."
    elif plan.goes_back and could_not_be_undone:
        yield f"Nothing goes back: {last_change['msg']}."


def _list_failures(task_results: _AlertTaskResults) -> Iterator[str]:
    """Yield a line for each thing that failed: the connection, the diagnosis, and the task that undoes the change."""
    if task_results.target_check and "roles" not in task_results.target_check:  # the check of the cluster has failed
        yield f"the cluster was not read: {task_results.target_check.get('msg')}"
    if task_results.last_change.get("unreachable"):
        yield f"the host does not answer: {task_results.last_change.get('msg')}"
    if task_results.last_change.get("failed"):
        yield f"the last change was not read: {task_results.last_change.get('msg')}"
    if task_results.failure:
        yield f"the collector was not diagnosed: {_explain_no_diagnosis(task_results)}"
    if task_results.undo_result.get("failed"):
        yield f"the last change was not undone: {task_results.undo_result.get('msg')}"


def _explain_no_diagnosis(task_results: _AlertTaskResults) -> str:
    """Return why there is no diagnosis: in the words of the module that makes it, or of the task that failed before."""
    if task_results.diagnosis.get("msg"):
        return str(task_results.diagnosis["msg"])
    return f"{task_results.failure.get('task')}: {task_results.failure.get('msg') or 'see its message above'}"
