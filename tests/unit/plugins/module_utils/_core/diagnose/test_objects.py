# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes' objects as facts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose import objects
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.times import age, seconds_between

NOW = "2026-01-01T00:10:00Z"


def test_a_pod_tells_how_its_last_run_ended() -> None:
    ended = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-01-01T00:09:00Z"}
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "app"}, {"name": "c", "restartCount": 2, "lastState": {"terminated": ended}}],
    }
    row = objects.pod({"metadata": {"name": "p", "namespace": "ns"}, "status": status}, "c", NOW)
    assert (row["ready"], row["restarts"], row["last_reason"], row["last_seconds_ago"]) == (True, 2, "OOMKilled", 60)
    assert not objects.pod({"metadata": {"name": "p"}}, "c", NOW)["ready"]


def event(uid: str, minute: int, kind: str = "Warning", reason: str = "Failed") -> dict[str, Any]:
    about = {"uid": uid, "kind": "Pod", "name": "p"}
    time = f"2026-01-01T00:{minute:02}:00Z"
    return {
        "metadata": {},
        "involvedObject": about,
        "type": kind,
        "reason": reason,
        "message": "it\nbroke",
        "lastTimestamp": time,
    }


def test_recent_warnings_of_ones_own_once_each() -> None:
    events = [event("a", 5), event("a", 8), event("b", 9), event("a", 9, "Normal"), event("a", 9, reason="Other")]
    rows = objects.warnings(events, {"a": 1}, NOW)
    assert [(row["reason"], row["seconds_ago"], row["message"]) for row in rows] == [
        ("Other", 60, "it broke"),
        ("Failed", 120, "it broke"),
    ]
    assert objects.warnings([event("a", 1)], {"a": 1}, "2026-01-01T01:00:00Z") == []


@pytest.mark.parametrize(("limit", "size"), [("1Ki", 1024), (None, 0), ("much", 0)])
def test_memory_limits(limit: Any, size: int) -> None:
    assert objects.memory_limit({"resources": {"limits": {"memory": limit}}}) == size


def test_autoscalers() -> None:
    def scaler(current: int, *conditions: tuple[str, str]) -> dict[str, Any]:
        listed = [{"type": name, "status": value, "message": "no metrics"} for name, value in conditions]
        spec = {"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "maxReplicas": 2}
        return {"metadata": {"name": "h"}, "spec": spec, "status": {"currentReplicas": current, "conditions": listed}}

    def told(item: Any) -> Any:
        (row,) = objects.autoscalers([item], [("Deployment", "a")])
        return row["at_max"], row["broken"]

    assert told(scaler(2, ("ScalingLimited", "True"))) == (True, "")
    assert told(scaler(1, ("ScalingLimited", "True"))) == (False, "")
    assert told(scaler(1, ("ScalingActive", "False"))) == (False, "no metrics")
    assert objects.autoscalers([scaler(1)], [("Deployment", "b")]) == []


def test_certificates_of_mounted_secrets() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "False", "message": "no issuer"}]}
    item: dict[str, Any] = {"metadata": {"name": "c"}, "spec": {"secretName": "s"}, "status": ready}
    assert objects.certificate_resources([item], ["s"])[0] == {
        "name": "c",
        "secret": "s",
        "ready": False,
        "message": "no issuer",
    }
    assert objects.certificate_resources([item], ["t"]) == []


def test_targets_are_shared() -> None:
    told = objects.share({"b": {"c-0": 2, "c-1": 0}, "a": {}})
    assert told["jobs"] == [{"name": "a", "targets": 0}, {"name": "b", "targets": 2}]
    assert told["collectors"] == [{"name": "c-0", "targets": 2}, {"name": "c-1", "targets": 0}]


def test_times() -> None:
    assert seconds_between("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:01+00:00") == pytest.approx(0.876544)
    assert seconds_between("", NOW) == 0
    assert [age(5), age(180), age(7200), age(180000)] == ["5 s", "3 min", "2 h", "2 days"]
