# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a change under way: a ConfigMap with the objects of a collector as they were before. Private.

A run writes the record before it changes a workload, and deletes it when the change is complete or undone. So a record
that is still there shows that a run was interrupted, and what the collector goes back to. recorded_change.py of _change
has the content of a record. The record of the collector `agent` is for example:

    ConfigMap obs/agent-change, labels: {o11y.opentelemetry/change: under-way, …}
"""

from __future__ import annotations

from .._otelcol.config.paths import value_at
from .._otelcol.kube.objects import Manifest
from .collector_maps import build_map_beside

# The label by which a record is recognised. Its value is the state of the change.
CHANGE_LABEL = "o11y.opentelemetry/change"
# The change has not ended.
UNDER_WAY = "under-way"
# The change has failed, and the collector keeps the new config.
KEPT_NEW = "kept"
# The change has failed, and not all objects of the collector went back.
PARTLY_BACK = "partly-back"
_RECORD_STATES = (UNDER_WAY, KEPT_NEW, PARTLY_BACK)
_OUTCOMES = {
    KEPT_NEW: "the collector keeps the new config",
    PARTLY_BACK: "not all of its objects went back",
}


def build_record_reference(workload: Manifest) -> Manifest:
    """Return the ConfigMap of a record without its content."""
    return build_map_beside(workload, "change", {CHANGE_LABEL: UNDER_WAY})


def is_record(manifest: Manifest) -> bool:
    """Return whether an object is the record of a change."""
    return (
        manifest["kind"] == "ConfigMap" and value_at(manifest, ("metadata", "labels", CHANGE_LABEL)) in _RECORD_STATES
    )


def read_start_time(record: Manifest) -> str:
    """Return when a change began, as the server writes it."""
    return str(record["metadata"].get("creationTimestamp") or "an unknown time")


def describe_failed_outcome(record: Manifest) -> str:
    """Return what became of a collector whose change has failed; an empty string if the change has not ended."""
    return _OUTCOMES.get(record["metadata"]["labels"][CHANGE_LABEL], "")


def describe_standing(record: Manifest) -> str:
    """Return what a record says about a change, as a part of a sentence."""
    outcome = describe_failed_outcome(record)
    if outcome:
        return f"a change that began at {read_start_time(record)} failed, and {outcome}"
    return f"a change has been under way since {read_start_time(record)}"
