# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recent warnings about the objects of a collector."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.event_warnings import list_recent_warnings

NOW = "2026-01-01T00:10:00Z"


def event(uid: str, minute: int, kind: str = "Warning", reason: str = "Failed") -> dict[str, Any]:
    about = {"involvedObject": {"uid": uid, "kind": "Pod", "name": "p"}, "metadata": {}, "message": "it\nbroke"}
    return {**about, "type": kind, "reason": reason, "lastTimestamp": f"2026-01-01T00:{minute:02}:00Z"}


def test_recent_warnings_of_ones_own_once_each() -> None:
    events = [event("a", 5), event("a", 8), event("b", 9), event("a", 9, "Normal"), event("a", 9, reason="Other")]
    rows = [(row["reason"], row["seconds_ago"], row["message"]) for row in list_recent_warnings(events, {"a": 1}, NOW)]
    assert rows == [("Other", 60, "it broke"), ("Failed", 120, "it broke")]
    assert list_recent_warnings([event("a", 1)], {"a": 1}, "2026-01-01T01:00:00Z") == []
