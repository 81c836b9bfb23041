# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why can a workload not restart without the loss of a replica meanwhile? Private.

`live/restart.py` asks this before it restarts a workload, and leaves a workload with an obstacle alone. For example,
a Deployment with the strategy `{type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}` and 2 replicas:

    its strategy allows 1 unavailable of 2 replicas; set maxUnavailable to 0

Two fields of a strategy are a number of pods, such as `2`, or a share of them, such as `25%`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._otelcol.kube.objects import Manifest

# A share of the replicas, such as `25%`.
_PERCENT = re.compile(r"(\d+)%\Z")
# The default of maxSurge and maxUnavailable of a Deployment. Source: the API reference of apps/v1.
_DEFAULT_SHARE = "25%"


def find_restart_obstacle(live_workload: Manifest | None) -> str:
    """Return why a workload cannot restart with every replica available; empty if it can.

    The reason is the end of a sentence, such as `it is paused`.
    """
    if live_workload is None:
        return "it no longer exists"
    kind, spec, status = live_workload["kind"], live_workload["spec"], live_workload.get("status") or {}
    if kind == "Deployment":
        return _find_deployment_obstacle(spec, status)
    if kind == "DaemonSet":
        return _find_daemon_set_obstacle(spec, status)
    return f"a {kind} replaces a pod only after the pod is gone"


def _find_daemon_set_obstacle(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """Return why the restart of a DaemonSet takes pods away; empty if it takes none.

    Only `maxSurge` lets a new pod start before the old one stops. A DaemonSet without it has 0.
    """
    strategy = spec.get("updateStrategy") or {}
    rolling_update = strategy.get("rollingUpdate") or {}
    if strategy.get("type") == "OnDelete":
        return "its strategy is OnDelete"
    if _is_zero(rolling_update.get("maxSurge", 0)):
        return "its strategy has no maxSurge, so each node would lose its pod"
    if status.get("numberAvailable", 0) < status.get("desiredNumberScheduled", 0):
        return "not all of its pods are available"
    return ""


def _find_deployment_obstacle(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """Return why a Deployment is not restarted; empty if it may be."""
    replicas = spec.get("replicas", 1)
    if spec.get("paused"):
        return "it is paused"
    if replicas == 0:
        return "it has no replicas"
    strategy_obstacle = _find_deployment_strategy_obstacle(spec.get("strategy") or {}, replicas)
    if strategy_obstacle:
        return strategy_obstacle
    # All of them are the wanted number when a rollout is over.
    replica_counts = {status.get(status_key, 0) for status_key in ("updatedReplicas", "availableReplicas", "replicas")}
    if replica_counts != {replicas}:
        return "a rollout is in progress, or not all of its replicas are available"
    return ""


def _find_deployment_strategy_obstacle(strategy: Mapping[str, Any], replicas: int) -> str:
    """Return why a restart by a strategy takes replicas away; empty if it takes none.

    If both `maxSurge` and `maxUnavailable` come to 0, Kubernetes takes `maxUnavailable` as 1.
    Source: ResolveFenceposts in pkg/controller/deployment/util/deployment_util.go of Kubernetes.
    """
    if strategy.get("type") == "Recreate":
        return "its strategy is Recreate"
    rolling_update = strategy.get("rollingUpdate") or {}
    if _is_zero(rolling_update.get("maxSurge", _DEFAULT_SHARE)):
        return "its strategy has no maxSurge, so it would lose a replica; set maxSurge to 1 and maxUnavailable to 0"
    max_unavailable = _count_unavailable(rolling_update.get("maxUnavailable", _DEFAULT_SHARE), replicas)
    if max_unavailable:
        return f"its strategy allows {max_unavailable} unavailable of {replicas} replicas; set maxUnavailable to 0"
    return ""


def _is_zero(max_surge: int | str) -> bool:
    """Return whether `maxSurge` allows no pod. Kubernetes rounds a share up, so any above `0%` allows at least one."""
    percentage = _PERCENT.match(str(max_surge))
    return int(percentage[1] if percentage else max_surge) == 0


def _count_unavailable(max_unavailable: int | str, replicas: int) -> int:
    """Return how many pods `maxUnavailable` allows to be missing: a share is rounded down, `25%` of 7 is 1."""
    percentage = _PERCENT.match(str(max_unavailable))
    return int(percentage[1]) * replicas // 100 if percentage else int(max_unavailable)
