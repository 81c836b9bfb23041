# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of the change of a collector: what the collector goes back to. Private.

A run writes the record before it changes a workload. It holds the objects of the collector as they were before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .._collector.change_options import ROLLING
from .._kube.ownership import collector_of, is_ours, managers, release_of
from .._otelcol.bounded.json_text import json_value
from .._otelcol.config.masking import quoted
from .._otelcol.config.paths import at, section
from .._otelcol.errors import Problem
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.objects import Manifest, ref
from .._rollout.change_record import LABEL, is_record, record_reference
from .collector_change import LEFT_OUT, Change
from .worse_than_before import worked_of

# The keys of a record: the objects before, how workloads worked, and what pods were like.
BEFORE, WORKED, READINGS = "before.json", "worked.json", "readings.json"
# A ConfigMap holds 1 MiB at most.
LARGEST = 1_000_000
# Whoever may write ConfigMaps must not get rights by writing a record, so a record holds none.
_RIGHTS = (
    *("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    "SecurityContextConstraints",
)
# What readings of pods in a record have: numbers and lists.
_NUMBERS = ("seconds", "received", "restarted", "memory_percent")
_LISTS = ("bases", "receives", "exports", "pods", "logs", "steady", "open")


def record_of(change: Change, run: str) -> Manifest | None:
    """Return the record of a change, or None if it is too large for a ConfigMap."""
    before = _json([manifest for manifest in change.before if manifest["kind"] not in _RIGHTS])
    if len(before.encode()) > LARGEST:
        return None
    data = {BEFORE: before, WORKED: _json(change.worked), "strategy": str(change.options["strategy"]), "run": run}
    if change.readings:
        readings = _json(_shortened(change.readings))
        if len((before + readings).encode()) <= LARGEST:
            data[READINGS] = readings
    return {**record_reference(change.workloads[0]), "data": data}


def _json(value: Any) -> str:
    """Return the shortest JSON, in which keys have an order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _shortened(readings: Mapping[str, Any]) -> dict[str, Any]:
    """Return readings whose log has no more than what compares: the errors of components, which are masked."""
    logs = [{key: row[key] for key in ("about", "cause", "said")} for row in readings["logs"] if row["about"]]
    return {**readings, "logs": logs}


def _readings(record: Manifest) -> Mapping[str, Any] | None:
    """Return what the pods were like before an interrupted change, or None if its record does not say so."""
    try:
        readings = json_value(str(at(record, ("data", READINGS))))
    except ValueError:
        return None
    if not isinstance(readings, dict):
        return None
    has_lists = all(isinstance(readings.get(key), list) for key in _LISTS)
    has_numbers = all(isinstance(readings.get(key), int) for key in _NUMBERS)
    return readings if has_lists and has_numbers else None


def in_state(record: Manifest, state: str) -> Manifest:
    """Return a record as it is to be applied, with another state."""
    metadata = {key: record["metadata"][key] for key in ("name", "namespace")}
    named = {**metadata, "labels": {**record["metadata"]["labels"], LABEL: state}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": record["data"]}


def is_rolling(change: Change) -> bool:
    """Return whether the run that left the record of a change judged it by its rollout alone."""
    return change.record is not None and at(change.record, ("data", "strategy")) == ROLLING


def another_run(record: Manifest) -> Problem:
    """Return the problem of a run that has read the state before a change which another run has begun since then."""
    metadata, run = record["metadata"], quoted(str(section(record, "data").get("run")))
    fix = (
        "This run has not changed its workload. Wait until that run has ended, then run again: a run completes or"
        " undoes what a killed run has left."
    )
    asked = f"Change the collector {metadata['namespace']}/{metadata['labels'][COLLECTOR_LABEL]}"
    wrong = f"the run {run} began to change it after this run had read it"
    return Problem(wrong, asked=asked, where=str(ref(record)), fix=fix)


def checked_record(change: Change, live: Manifest | None, manager: str) -> Manifest | None:
    """Return a record of this collection. Raises Problem for another object of its name."""
    if live is None:
        return None
    asked = f"Change the collector {change.name}"
    release = release_of(record_reference(change.workloads[0]))
    if is_record(live) and is_ours(live, {release}, manager):
        return live
    owner = quoted(", ".join(managers(live, "metadata"))) or "unknown"
    wrong = f"{ref(live)} belongs to another owner ({owner}), and this run needs that name for the record"
    metadata = live["metadata"]
    remove = f"`kubectl -n {metadata['namespace']} delete configmap {metadata['name']}`"
    fix = f"Rename it, or delete it if nothing needs it ({remove}), or set `change: {{on_failure: keep}}`."
    raise Problem(wrong, asked=asked, fix=fix)


def _objects_in(record: Manifest, collector: str) -> list[Manifest]:
    """Return the objects of a collector in a record, without kinds that no record has.

    Raises an error of Python for what is no list of objects.
    """
    objects = []
    for manifest in json.loads(str(at(record, ("data", BEFORE)))):
        for name in (manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]):
            if not name or not isinstance(name, str):
                raise TypeError(name)
        if manifest["kind"] not in (*LEFT_OUT, *_RIGHTS) and collector_of(manifest) == collector:
            objects.append(manifest)
    return objects


def recorded(record: Manifest, change: Change) -> Change:
    """Return a change with what its record says was before it. Raises Problem for a damaged record.

    Of the objects in a record, those of its collector count.
    """
    try:
        earlier = _objects_in(record, change.name)
        worked = worked_of(json.loads(str(at(record, ("data", WORKED)))))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        fix = f"Delete {ref(record)} if the collector works, then run again."
        wrong = f"{ref(record)}, which an earlier run left, cannot be read"
        raise Problem(wrong, asked=f"Change the collector {change.name}", fix=fix) from error
    recorded_names = {ref(manifest) for manifest in earlier}
    not_recorded = [manifest for manifest in change.before if ref(manifest) not in recorded_names]
    before = [*earlier, *not_recorded]
    return replace(change, before=before, record=record, worked=worked, readings=_readings(record))


def rights_before(change: Change) -> list[Manifest]:
    """Return the roles and bindings of a change as they were: no record has them, and its own run may keep them."""
    return [manifest for manifest in change.before if manifest["kind"] in _RIGHTS]


def with_rights(change: Change, rights: Iterable[Manifest]) -> Change:
    """Return a change that also goes back to the roles and bindings that its own run has kept."""
    of_change = {ref(manifest) for manifest in change.manifests}
    known = {ref(manifest) for manifest in change.before}
    added = [manifest for manifest in rights if ref(manifest) in of_change - known]
    return replace(change, before=[*change.before, *added])
