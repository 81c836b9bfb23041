# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads and custom resources in states of a rollout."""

from __future__ import annotations

from typing import Any

T0 = "2026-01-01T00:00:00Z"
DONE = {"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}
DS_DONE = {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}
ONE = {"availableReplicas": 1, "currentRevision": "a", "updateRevision": "a"}


def workload(kind: str, status: Any, **spec: Any) -> Any:
    metadata = {"generation": 2, "uid": "w", "name": "a", "creationTimestamp": T0}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": status}


def deployment(**status: Any) -> Any:
    return workload("Deployment", status, replicas=2)


def daemon_set(strategy: str = "RollingUpdate", **status: Any) -> Any:
    return workload("DaemonSet", {"observedGeneration": 2, **status}, updateStrategy={"type": strategy})


def stateful_set(status: Any = None, **spec: Any) -> Any:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    status = {"observedGeneration": 2, **(status or {})}
    return workload("StatefulSet", status, **{"replicas": 1, "updateStrategy": strategy, **spec})


def resource(*conditions: Any, generation: Any = 1, **status: Any) -> Any:
    listed = [{"type": name, "status": value} for name, value in conditions]
    return {"kind": "Other", "metadata": {"generation": generation}, "status": {"conditions": listed, **status}}
