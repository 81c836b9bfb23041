# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of the change of a collector: what the collector goes back to. Private.

A run writes the record, a ConfigMap, before it changes a workload. The next run reads it if this one is killed.
`live/change_records.py` writes and closes records, `_rollout/change_record.py` says by what one is recognised. A record
is closed when the change has ended; it is kept open if the wave of the cluster decides later (see docs/waves.md).
A run is outrun if another run has begun to change the collector after it. For example, the data of a record:

    before.json: [{"kind": "Deployment", "metadata": {"name": "gateway", "uid": "…", …}, "spec": {…}}]
    worked.json: {"Deployment obs/gateway": [3, []]}         3 pods worked, and no place lacked a ready one
    readings.json: {"seconds": 18, "exports": […], …}        only if no pod keeps the earlier config
    strategy: canary
    run: ci1_5f2c9a1b
    judged: "yes"                                            only if the canary passed, and its wave decides later
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .._collector.change_options import ROLLING
from .._kube.ownership import is_own_object, list_managers, read_collector_name, read_release_label
from .._otelcol.bounded.json_text import parse_json
from .._otelcol.config.masking import mask_and_clean
from .._otelcol.config.paths import mapping_at, value_at
from .._otelcol.errors import Problem
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.objects import Manifest, ref
from .._rollout.change_record import CHANGE_LABEL, UNDER_WAY, build_record_reference, is_record
from .collector_change import LEFT_OUT_KINDS, CollectorChange
from .worse_than_before import parse_working_states

# The keys in the data of a record. The first three are JSON: the objects before the change, how each workload worked
# (see `WorkingState`), and the readings of the pods (see `RestFacts`), which not every record has.
BEFORE_KEY, WORKED_KEY, READINGS_KEY = "before.json", "worked.json", "readings.json"
# The option `strategy` of the change, and the name of the run that wrote the record.
STRATEGY_KEY, RUN_KEY = "strategy", "run"
# Whether all judgements of the change itself are over, so that only its wave is still to decide.
JUDGED_KEY, JUDGED = "judged", "yes"
# A ConfigMap holds 1 MiB at most.
LARGEST_RECORD_BYTES = 1_000_000
# Whoever may write ConfigMaps must not get rights by writing a record, so a record holds none.
_RIGHTS_KINDS = (
    *("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    "SecurityContextConstraints",
)
# The keys of readings whose values are numbers, and those whose values are lists. Others may have written the record.
_NUMBER_FIELDS = ("seconds", "received", "restarted", "memory_percent")
_LIST_FIELDS = ("bases", "receives", "exports", "pods", "logs", "steady", "open")


def build_record(change: CollectorChange, run: str) -> Manifest | None:
    """Return the record of a change, or None if it is too large for a ConfigMap."""
    before_json = _dump_json([manifest for manifest in change.before if manifest["kind"] not in _RIGHTS_KINDS])
    if len(before_json.encode()) > LARGEST_RECORD_BYTES:
        return None
    data = {
        BEFORE_KEY: before_json,
        WORKED_KEY: _dump_json(change.working_states_before),
        STRATEGY_KEY: str(change.options["strategy"]),
        RUN_KEY: run,
    }
    if change.rest_facts_before:
        readings = _dump_json(_shorten_readings(change.rest_facts_before))
        # Without readings, the next run can still undo the change, but not judge it by them.
        if len((before_json + readings).encode()) <= LARGEST_RECORD_BYTES:
            data[READINGS_KEY] = readings
    return {**build_record_reference(change.workloads[0]), "data": data}


def _dump_json(value: Any) -> str:
    """Return the shortest JSON, with sorted keys, so that the same value always gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _shorten_readings(readings: Mapping[str, Any]) -> dict[str, Any]:
    """Return readings whose logs have only what later errors are compared with.

    Entries that name no component are left out. The texts are masked already.
    """
    short_logs = []
    for row in readings["logs"]:
        if row["about"]:  # the component that the entry names
            short_logs.append({key: row[key] for key in ("about", "cause", "said")})
    return {**readings, "logs": short_logs}


def _read_readings(record: Manifest) -> Mapping[str, Any] | None:
    """Return the `RestFacts` of the pods before an interrupted change; None if its record has none that are valid."""
    try:
        readings = parse_json(str(value_at(record, ("data", READINGS_KEY))))
    except ValueError:
        return None
    if not isinstance(readings, dict):
        return None
    has_lists = all(isinstance(readings.get(key), list) for key in _LIST_FIELDS)
    has_numbers = all(isinstance(readings.get(key), int) for key in _NUMBER_FIELDS)
    return readings if has_lists and has_numbers else None


def set_record_state(record: Manifest, state: str) -> Manifest:
    """Return the manifest that gives a record another state, one of those in _rollout/change_record.py."""
    metadata = {
        "name": record["metadata"]["name"],
        "namespace": record["metadata"]["namespace"],
        "labels": {**record["metadata"]["labels"], CHANGE_LABEL: state},
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": record["data"]}


def mark_as_judged(record: Manifest) -> Manifest:
    """Return the manifest that notes in a record that its change has passed all judgements but that of its wave."""
    return set_record_state({**record, "data": {**record["data"], JUDGED_KEY: JUDGED}}, UNDER_WAY)


def is_judged_by_readiness(change: CollectorChange) -> bool:
    """Return whether a change whose record a run left is as good as before if its pods are ready.

    It is a rolling change, which has no other judgement, or a canary that has passed its judgement. A canary that was
    killed may do worse than before all the same.
    """
    data = mapping_at(change.record or {}, "data")
    return data.get(STRATEGY_KEY) == ROLLING or data.get(JUDGED_KEY) == JUDGED


def build_outrun_problem(record: Manifest) -> Problem:
    """Return the problem of this run when another run has begun to change the collector too.

    `record` is the record that the other run has written.
    """
    metadata = record["metadata"]
    other_run = mask_and_clean(str(mapping_at(record, "data").get(RUN_KEY)))
    fix = (
        "This run has not changed its workload. Wait until that run has ended, then run again: a run completes or"
        " undoes what a killed run has left."
    )
    action_text = f"Change the collector {metadata['namespace']}/{metadata['labels'][COLLECTOR_LABEL]}"
    wrong = f"the run {other_run} began to change it after this run had read it"
    return Problem(wrong, asked=action_text, where=str(ref(record)), fix=fix)


def check_record(change: CollectorChange, live: Manifest | None, manager: str) -> Manifest | None:
    """Return the live object of the record's name if it is a record of this collection; None if there is no object.

    Raises Problem for an object of another owner.
    """
    if live is None:
        return None
    release = read_release_label(build_record_reference(change.workloads[0]))
    if is_record(live) and is_own_object(live, {release}, manager):
        return live
    owner_names = mask_and_clean(", ".join(list_managers(live, "metadata"))) or "unknown"
    wrong = f"{ref(live)} belongs to another owner ({owner_names}), and this run needs that name for the record"
    metadata = live["metadata"]
    delete_command = f"`kubectl -n {metadata['namespace']} delete configmap {metadata['name']}`"
    fix = f"Rename it, or delete it if nothing needs it ({delete_command}), or set `change: {{on_failure: keep}}`."
    raise Problem(wrong, asked=f"Change the collector {change.name}", fix=fix)


def _read_objects(record: Manifest, collector: str) -> list[Manifest]:
    """Return the objects of a collector in a record, without kinds that no record has.

    Raises TypeError, or another error of Python, if the record holds no list of objects.
    """
    objects = []
    for manifest in json.loads(str(value_at(record, ("data", BEFORE_KEY)))):
        for text in (manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]):
            if not text or not isinstance(text, str):
                raise TypeError(text)
        # Anybody who may write ConfigMaps may have written this record. So it brings back only what a run could have
        # recorded: no rights, no Secret, and nothing of another collector.
        may_be_recorded = manifest["kind"] not in (*LEFT_OUT_KINDS, *_RIGHTS_KINDS)
        if may_be_recorded and read_collector_name(manifest) == collector:
            objects.append(manifest)
    return objects


def add_recorded_state(record: Manifest, change: CollectorChange) -> CollectorChange:
    """Return a change with the objects, the working states and the readings of its record as those before it.

    Raises Problem for a damaged record.
    """
    try:
        recorded_objects = _read_objects(record, change.name)
        recorded_states = parse_working_states(json.loads(str(value_at(record, ("data", WORKED_KEY)))))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:  # somebody has edited it
        fix = f"Delete {ref(record)} if the collector works, then run again."
        wrong = f"{ref(record)}, which an earlier run left, cannot be read"
        raise Problem(wrong, asked=f"Change the collector {change.name}", fix=fix) from error
    # For an object in both, the record counts: the interrupted run has changed the live one already.
    recorded_names = {ref(manifest) for manifest in recorded_objects}
    not_recorded = [manifest for manifest in change.before if ref(manifest) not in recorded_names]
    objects_before = [*recorded_objects, *not_recorded]
    return replace(
        change,
        before=objects_before,
        record=record,
        working_states_before=recorded_states,
        rest_facts_before=_read_readings(record),
    )


def list_rights_before(change: CollectorChange) -> list[Manifest]:
    """Return the roles and bindings of a change as they were before. No record has them, the run keeps them."""
    return [manifest for manifest in change.before if manifest["kind"] in _RIGHTS_KINDS]


def add_kept_rights(change: CollectorChange, rights: Iterable[Manifest]) -> CollectorChange:
    """Return a change that also goes back to the roles and bindings that its run has kept."""
    change_refs = {ref(manifest) for manifest in change.manifests}
    known_refs = {ref(manifest) for manifest in change.before}
    added_rights = [manifest for manifest in rights if ref(manifest) in change_refs - known_refs]
    return replace(change, before=[*change.before, *added_rights])
