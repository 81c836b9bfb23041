# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod says of its collector: how its last run ended, whose log is worth reading, and the memory limit."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose import pod_states

NOW = "2026-01-01T00:10:00Z"


def test_a_pod_tells_how_its_last_run_ended() -> None:
    ended = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-01-01T00:09:00Z"}
    statuses = [{"name": "app"}, {"name": "c", "restartCount": 2, "lastState": {"terminated": ended}}]
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": statuses}
    row = pod_states.describe_pod({"metadata": {"name": "p", "namespace": "ns"}, "status": status}, "c", NOW)
    assert (row["ready"], row["restarts"], row["last_reason"], row["last_seconds_ago"]) == (True, 2, "OOMKilled", 60)
    assert not pod_states.describe_pod({"metadata": {"name": "p"}}, "c", NOW)["ready"]


def pod(name: str, phase: str, *, ready: bool) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": {"name": name}, "status": {"phase": phase, "conditions": conditions}}


def test_pods_that_crash_come_first_and_then_those_that_have_not_started() -> None:
    pods = [
        pod("well", "Running", ready=True),
        pod("evicted", "Failed", ready=False),
        pod("waits", "Pending", ready=False),
        # A pod in CrashLoopBackOff has phase Running.
        pod("crashes", "Running", ready=False),
    ]
    names = [found["metadata"]["name"] for found in pod_states.sort_by_trouble(pods)]
    assert names == ["crashes", "waits", "well", "evicted"]


@pytest.mark.parametrize(
    ("limit", "limit_bytes"),
    [
        ("1Ki", 1024),
        (1024, 1024),
        ("1e9", 10**9),
        ("107374182400m", 107374182),  # so the API server writes 0.1Gi
        (None, 0),
        ("much", 0),
    ],
)
def test_a_memory_limit_is_read_as_the_api_server_writes_it(limit: Any, limit_bytes: int) -> None:
    assert pod_states.read_memory_limit({"resources": {"limits": {"memory": limit}}}) == limit_bytes
