# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod says of its collector: its state, how the last run ended, and the memory that it may use. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._kube.conditions import is_ready
from .._kube.quantity_values import parse_quantity
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._telemetry.times import seconds_between
from .result_rows import PodRow

Object = Mapping[str, Any]
"""An object of Kubernetes."""


def describe_pod(pod: Object, container: str, current_time: str) -> PodRow:
    """Return the state of a pod, and how the last run of its collector ended. `container` is the collector's name."""
    own_status = _find_container_status(pod, container)
    last_run = mapping_at(own_status, "lastState", "terminated")
    return {
        "name": value_at(pod, ("metadata", "name")),
        "namespace": value_at(pod, ("metadata", "namespace")),
        "container": container,
        "node": value_at(pod, ("spec", "nodeName"), ""),
        "phase": value_at(pod, ("status", "phase"), ""),
        "ready": is_ready(pod),
        "restarts": int(own_status.get("restartCount") or 0),
        "last_reason": str(last_run.get("reason") or ""),
        "last_exit_code": int(last_run.get("exitCode") or 0),
        "last_seconds_ago": round(seconds_between(str(last_run.get("finishedAt") or ""), current_time)),
    }


def sort_by_trouble(pods: Iterable[Object]) -> list[Object]:
    """Return pods in the order in which their logs are worth reading.

    Pods that run without being ready come first: one in CrashLoopBackOff has phase Running. Pods that have not started
    come second, because most of them have no log. All others follow, each group in its own order.
    """
    return sorted(pods, key=_rank_by_trouble)


def _rank_by_trouble(pod: Object) -> int:
    """Return the place of a pod's group in the order of `sort_by_trouble`."""
    phase = value_at(pod, ("status", "phase"))
    if phase == "Running" and not is_ready(pod):
        return 0
    return 1 if phase == "Pending" else 2


def _find_container_status(pod: Object, container: str) -> Object:
    """Return the status of a container; a sidecar may be an init container."""
    for status in [*list_at(pod, "status", "initContainerStatuses"), *list_at(pod, "status", "containerStatuses")]:
        if status.get("name") == container:
            found_status: Object = status
            return found_status
    return {}


def read_memory_limit(container: Object) -> int:
    """Return the memory limit of a container in bytes; 0 if it has none, or one that is no quantity."""
    return int(parse_quantity(value_at(container, ("resources", "limits", "memory"))) or 0)
