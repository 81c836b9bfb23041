# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each alert of this collection does, as a table. docs/events.md has the same table. Private.

Every alert starts a diagnosis. An alert that a bad change can cause stops the next wave too. One that says that data is
lost, or that the collector does not run, may also undo the last change of the collector.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reaction:
    """What an alert does beside the diagnosis."""

    stops_waves: bool = False
    """Whether runs that are under way begin no other wave."""
    goes_back: bool = False
    """Whether it may undo the last change of the collector."""


_LOOK, _STOP, _BACK = Reaction(), Reaction(stops_waves=True), Reaction(stops_waves=True, goes_back=True)
REACTIONS = {
    "OtelCollectorDown": _BACK,
    "OtelCollectorAbsent": _BACK,
    "OtelCollectorNodeSilent": _STOP,
    "OtelCollectorNodeUncovered": _STOP,
    "OtelCollectorAgentsMissing": _STOP,
    "OtelCollectorRestarted": _BACK,
    "OtelCollectorMemoryHigh": _STOP,
    "OtelCollectorMemoryLimited": _BACK,
    "OtelCollectorExportFailed": _BACK,
    "OtelCollectorExportStalled": _BACK,
    "OtelCollectorQueueOverflow": _BACK,
    "OtelCollectorQueueNearlyFull": _STOP,
    "OtelCollectorQueueFillsSoon": _STOP,
    "OtelCollectorRefused": _BACK,
    "OtelCollectorDropped": _BACK,
    # A rollout leads to both of these, or neither has to do with a change.
    "OtelCollectorConfigOutdated": _LOOK,
    "OtelCollectorCertificateExpires": _LOOK,
}
