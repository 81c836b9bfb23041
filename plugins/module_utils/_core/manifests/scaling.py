# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HorizontalPodAutoscaler and PodDisruptionBudget. Private."""

from __future__ import annotations

from typing import Any

from ..errors import Problem
from .build import Build, Manifest, frame, present

_KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet"}


def horizontal_pod_autoscaler(build: Build) -> Manifest | None:
    """Return the autoscaler, or nothing when none is asked for. Raises Problem when its bounds are crossed."""
    collector = build.collector
    options = collector.autoscaling
    if not options:
        return None
    least, most = bounds(build)
    metrics = [_utilization(name, options.get(f"{name}_percent")) for name in ("cpu", "memory")]
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": _KINDS[collector.mode], "name": collector.name},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [metric for metric in metrics if metric],
        **present(behavior=options.get("behavior")),
    }
    return frame(build, "autoscaling/v2", "HorizontalPodAutoscaler", spec=spec)


def pod_disruption_budget(build: Build) -> Manifest | None:
    """Return the disruption budget, or nothing when none is asked for."""
    budget = disruption_budget(build)
    if not budget:
        return None
    return frame(
        build,
        "policy/v1",
        "PodDisruptionBudget",
        spec={"selector": {"matchLabels": build.collector.selector}, **budget},
    )


def bounds(build: Build) -> tuple[int, int]:
    """Return the fewest and the most replicas of who is autoscaled. Raises Problem when they are crossed."""
    options = build.collector.autoscaling
    least, most = options["min_replicas"], options["max_replicas"]
    if least > most:
        raise Problem(
            f"collector '{build.collector.name}' has min_replicas {least} above max_replicas {most}",
            fix="Swap or raise them.",
        )
    return least, most


def disruption_budget(build: Build) -> dict[str, Any]:
    """Return the budget as Kubernetes spells it, empty when none is asked for. Raises Problem when two are."""
    options = build.collector.disruption_budget
    budget = present(minAvailable=options.get("min_available"), maxUnavailable=options.get("max_unavailable"))
    if len(budget) > 1:
        raise Problem(
            f"collector '{build.collector.name}' has both min_available and max_unavailable in its disruption_budget",
            fix="Kubernetes takes one of them.",
        )
    return budget


def _utilization(resource: str, percent: int | None) -> dict[str, Any] | None:
    if not percent:
        return None
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}
