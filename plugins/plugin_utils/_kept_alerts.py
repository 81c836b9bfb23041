# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of an alert: what was found out, and what was done. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def keep(path: str, planned: Mapping[str, Any], variables: Mapping[str, Any], when: str, check: bool) -> dict[str, Any]:
    """Keep what was found out about an alert, and what was done. Raises Problem if something of it failed."""
    found = {name: variables.get(name) or {} for name in (TARGET, DIAGNOSIS, LAST_CHANGE, RETURNED, FAILURE)}
    failed = list(_failures(found))
    told = [*planned["told"], *_done(planned, found), *failed]
    kept = {
        **{key: planned[key] for key in ("alert", "host", "collector", "began", "stops_waves")},
        "when": when,
        "told": told,
        "verdict": list(found[DIAGNOSIS].get("verdict") or ()),
        "report": str(found[DIAGNOSIS].get("report") or "").split("\n"),
    }
    file = ""
    if not check:
        file = AlertFolder(path).keep(kept["host"], planned["only"][0], f"{when}-{kept['alert']}", kept)
    lines = [*told, *kept["verdict"], *([f"Kept in {file}."] if file else [])]
    if failed:
        wrong = cleaned("; ".join(line.rstrip(".") for line in failed), _LONGEST_MESSAGE)
        raise Problem(wrong, asked=f"Answer {planned['alert']}", fix=lines[-1], facts={"told": lines})
    return {"changed": bool(file), "path": file, "told": lines}


def _done(planned: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was done, and why the last change was not undone."""
    last = found[LAST_CHANGE]
    if found[RETURNED].get("msg") and not found[RETURNED].get("failed"):
        yield f"{last.get('msg')}: {found[RETURNED]['msg']}"
    elif last.get("is_changing"):
        yield f"{last['msg']}, so nothing is diagnosed and nothing goes back."
    elif planned["goes_back"] and last.get("msg") and not last.get("goes_back"):
        yield f"Nothing goes back: {last['msg']}."


def _failures(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what failed: the connection, a diagnosis, a way back."""
    if found[TARGET] and "roles" not in found[TARGET]:  # the check of the cluster has failed
        yield f"the cluster was not read: {found[TARGET].get('msg')}"
    if found[LAST_CHANGE].get("unreachable"):
        yield f"the host does not answer: {found[LAST_CHANGE].get('msg')}"
    if found[LAST_CHANGE].get("failed"):
        yield f"the last change was not read: {found[LAST_CHANGE].get('msg')}"
    if found[FAILURE]:
        yield f"the collector was not diagnosed: {_reason(found)}"
    if found[RETURNED].get("failed"):
        yield f"the last change was not undone: {found[RETURNED].get('msg')}"


def _reason(found: Mapping[str, Any]) -> str:
    """Return why there is no diagnosis: in the words of the module that makes it, or of the task that failed before."""
    if found[DIAGNOSIS].get("msg"):
        return str(found[DIAGNOSIS]["msg"])
    return f"{found[FAILURE].get('task')}: {found[FAILURE].get('msg') or 'see its message above'}"
