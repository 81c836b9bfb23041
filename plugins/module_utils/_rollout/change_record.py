# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a change under way: a ConfigMap with the objects of a collector as they were before. Private.

A run writes the record before it changes a workload, and deletes it when the change is complete or undone. So a record
that is left shows that a run was interrupted, and what the collector goes back to.
"""

from __future__ import annotations

from .._otelcol.config.paths import at
from .._otelcol.kube.objects import Manifest
from .collector_maps import map_beside

LABEL = "o11y.opentelemetry/change"
UNDER_WAY, KEPT, PARTLY_BACK = "under-way", "kept", "partly-back"
# The values of the label: a change that has not ended, and what became of a collector whose change has failed.
_STATES = (UNDER_WAY, KEPT, PARTLY_BACK)
_ENDINGS = {
    KEPT: "the collector keeps the new config",
    PARTLY_BACK: "not all of its objects went back",
}


def record_reference(workload: Manifest) -> Manifest:
    """Return the ConfigMap of a record without its content."""
    return map_beside(workload, "change", {LABEL: UNDER_WAY})


def is_record(item: Manifest) -> bool:
    """Return whether an object is the record of a change."""
    return item["kind"] == "ConfigMap" and at(item, ("metadata", "labels", LABEL)) in _STATES


def since_of(record: Manifest) -> str:
    """Return when a change began, as the server writes it."""
    return str(record["metadata"].get("creationTimestamp") or "an unknown time")


def failed_as(record: Manifest) -> str:
    """Return what became of a collector whose change has failed; an empty string if the change has not ended."""
    return _ENDINGS.get(record["metadata"]["labels"][LABEL], "")


def standing(record: Manifest) -> str:
    """Return what a record says about a change, as a part of a sentence."""
    became = failed_as(record)
    if became:
        return f"a change that began at {since_of(record)} failed, and {became}"
    return f"a change has been under way since {since_of(record)}"
