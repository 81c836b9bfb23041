# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of an object: which are its own, and when they occurred. Private.

Kubernetes and controllers tell in events why a pod does not start, such as `FailedMount: secret "web-tls" not found`.
`failures.py` searches them for faults, and messages show the last ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Object = dict[str, Any]

# The prefix of an event message that the API server combined with others.
REPEATED_PREFIX = "(combined from similar events): "
# The length of a time without fractions of a second, such as `2026-01-01T00:00:00`.
_LENGTH_TO_SECONDS = 19


def select_events_of(kubernetes_object: Object, events: Iterable[Object], earliest_time: str = "") -> list[Object]:
    """Return the events of an object since its creation, or since `earliest_time` if that is later, oldest first."""
    start_time = max(earliest_time, read_creation_time(kubernetes_object))
    own_events = []
    for event in events:
        is_about_object = event.get("involvedObject", {}).get("uid") == kubernetes_object["metadata"]["uid"]
        # Whole seconds are compared: only some of these times have fractions.
        if is_about_object and read_event_time(event)[:_LENGTH_TO_SECONDS] >= start_time[:_LENGTH_TO_SECONDS]:
            own_events.append(event)
    return sorted(own_events, key=read_event_time)


def read_event_time(event: Object) -> str:
    """Return when an event last occurred. Which field has the time depends on who wrote the event.

    These times are in UTC, so they compare as text.
    """
    possible_times = (
        (event.get("series") or {}).get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"].get("creationTimestamp"),
    )
    for possible_time in possible_times:
        if possible_time:
            return str(possible_time)
    return ""


def read_creation_time(kubernetes_object: Object) -> str:
    """Return when an object was created, such as `2026-01-01T00:00:00Z`; empty if the server does not say it."""
    return kubernetes_object["metadata"].get("creationTimestamp") or ""
