# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what earlier runs have recorded of a collector: a change that has not ended, and the wave that its pods passed.

`workload_facts.py` calls these functions; runs write the records by `_rollout`. Private.
"""

from __future__ import annotations

from typing import TypedDict

from ..._kube.ownership import is_own_object, read_collector_name, read_release_label
from ..._otelcol.kube.names import OWNER
from ..._rollout.change_record import build_record_reference, describe_standing, is_record
from ..._rollout.wave_note import build_empty_note, compute_pods_release, read_passed_wave, select_own_note
from .reader import ClusterReader, Notes, Object


class OpenChangeRow(TypedDict):
    """A change that a run has begun and not ended: the ConfigMap that records it, and what it says."""

    record: str
    what: str


def find_change_under_way(reader: ClusterReader, workload: Object | None, notes: Notes) -> OpenChangeRow | None:
    """Return the change of a collector that a run has begun and not ended; None without one."""
    if not workload or not read_collector_name(workload):
        return None
    expected_record = build_record_reference(workload)
    metadata = expected_record["metadata"]
    config_map = reader.read_object("configmaps", metadata["namespace"], metadata["name"], notes).value
    # An object that is read by its name has no kind. Somebody else may have a ConfigMap of that name.
    record = {**(config_map or {"metadata": {}}), "kind": "ConfigMap"}
    if is_record(record) and is_own_object(record, {read_release_label(expected_record)}, OWNER):
        return {"record": metadata["name"], "what": describe_standing(record)}
    return None


def find_passed_wave(
    reader: ClusterReader, collector: Object | None, workload: Object | None, notes: Notes
) -> dict[str, str]:
    """Return the record of the wave that the pods of a collector have passed; empty if they have passed none.

    `collector` is the object with the labels of the collector: a custom resource, or the workload itself.
    """
    if not workload or not collector or not read_collector_name(collector):
        return {}
    note_reference = build_empty_note(collector)["metadata"]
    config_map = reader.read_object("configmaps", note_reference["namespace"], note_reference["name"], notes).value
    return read_passed_wave(select_own_note(config_map, collector), compute_pods_release(workload))
