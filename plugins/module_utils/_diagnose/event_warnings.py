# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recent events of type Warning about a collector, as rows of its diagnosis. Private."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, TypedDict

from .._otelcol.config.paths import value_at
from .._otelcol.errors import clean_text
from .._rollout.events import REPEATED_PREFIX, read_event_time
from .._telemetry.times import seconds_between

Object = Mapping[str, Any]
"""An object of Kubernetes."""
# Characters of a message.
_LONGEST_MESSAGE = 400
# Older events explain nothing that is wrong now.
_RECENT_SECONDS = 600.0


class WarningRow(TypedDict):
    """An event of type Warning. `kind` and `name` are those of the object that it is about."""

    kind: str
    name: str
    reason: str
    message: str
    count: int
    seconds_ago: int


def list_recent_warnings(events: Iterable[Object], uids: Container[Any], current_time: str) -> list[WarningRow]:
    """Return the recent warnings about the objects with these uids, the latest first."""
    own_warnings = []
    for event in events:
        if event.get("type") == "Warning" and value_at(event, ("involvedObject", "uid")) in uids:
            own_warnings.append(event)
    rows = []
    for event in _keep_last_events(own_warnings):
        row = _describe_warning(event, current_time)
        if row["seconds_ago"] <= _RECENT_SECONDS:
            rows.append(row)
    return sorted(rows, key=lambda row: row["seconds_ago"])


def _describe_warning(event: Object, current_time: str) -> WarningRow:
    """Return the row of an event. Its message is put on one line."""
    message = " ".join(str(event.get("message") or "").split())
    return {
        "kind": value_at(event, ("involvedObject", "kind")),
        "name": value_at(event, ("involvedObject", "name")),
        "reason": str(event.get("reason") or ""),
        "message": clean_text(message.removeprefix(REPEATED_PREFIX), _LONGEST_MESSAGE),
        "count": int(value_at(event, ("series", "count")) or event.get("count") or 1),
        "seconds_ago": round(seconds_between(read_event_time(dict(event)), current_time)),
    }


def _keep_last_events(events: Iterable[Object]) -> list[Object]:
    """Return the last event about each object with each reason."""
    last_events: dict[tuple[Any, Any], Object] = {}
    for event in sorted(events, key=lambda event: read_event_time(dict(event))):
        object_uid = value_at(event, ("involvedObject", "uid"))
        last_events[object_uid, event.get("reason")] = event
    return list(last_events.values())
