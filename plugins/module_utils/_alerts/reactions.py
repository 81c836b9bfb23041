# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each alert of this collection does, as a table. docs/events.md has the same table. Private.

`CollectorAlert.reaction` reads the table. Every alert starts a diagnosis. An alert that a bad change can cause stops
the next wave too. One that says that data is lost, or that the collector does not run, may also undo the last change of
the collector. For example, OtelCollectorDown does all of this, and OtelCollectorMemoryHigh undoes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reaction:
    """What an alert does beside the diagnosis."""

    stops_waves: bool = False
    """Whether runs that are under way begin no other wave."""
    undoes_change: bool = False
    """Whether it may undo the last change of the collector."""


# The three reactions: to diagnose alone, to stop waves too, and to undo the last change too.
_DIAGNOSE = Reaction()
_STOP_WAVES = Reaction(stops_waves=True)
_UNDO_CHANGE = Reaction(stops_waves=True, undoes_change=True)
REACTIONS = {
    "OtelCollectorDown": _UNDO_CHANGE,
    "OtelCollectorAbsent": _UNDO_CHANGE,
    "OtelCollectorNodeSilent": _STOP_WAVES,
    "OtelCollectorNodeUncovered": _STOP_WAVES,
    "OtelCollectorAgentsMissing": _STOP_WAVES,
    "OtelCollectorRestarted": _UNDO_CHANGE,
    "OtelCollectorMemoryHigh": _STOP_WAVES,
    "OtelCollectorMemoryLimited": _UNDO_CHANGE,
    "OtelCollectorExportFailed": _UNDO_CHANGE,
    "OtelCollectorExportStalled": _UNDO_CHANGE,
    "OtelCollectorQueueOverflow": _UNDO_CHANGE,
    "OtelCollectorQueueNearlyFull": _STOP_WAVES,
    "OtelCollectorQueueFillsSoon": _STOP_WAVES,
    "OtelCollectorRefused": _UNDO_CHANGE,
    "OtelCollectorDropped": _UNDO_CHANGE,
    # A rollout leads to both of these, or neither has to do with a change.
    "OtelCollectorConfigOutdated": _DIAGNOSE,
    "OtelCollectorCertificateExpires": _DIAGNOSE,
}
