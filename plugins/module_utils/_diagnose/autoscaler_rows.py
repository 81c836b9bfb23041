# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HorizontalPodAutoscalers of a collector, as rows of its diagnosis. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from .._kube.conditions import find_condition
from .._otelcol.config.paths import mapping_at, value_at

Object = Mapping[str, Any]
"""An object of Kubernetes."""


class AutoscalerRow(TypedDict):
    """A HorizontalPodAutoscaler. `broken` is why it does not scale; empty if it does."""

    name: str
    current: int
    max: int
    at_max: bool
    broken: str


def list_autoscalers(scalers: Iterable[Object], targets: Iterable[tuple[str, str]]) -> list[AutoscalerRow]:
    """Return the HorizontalPodAutoscalers among `scalers` that scale one of the targets, each a kind and a name."""
    own_targets = set(targets)
    rows: list[AutoscalerRow] = []
    for scaler in scalers:
        target = mapping_at(scaler, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) not in own_targets:
            continue
        current_replicas = value_at(scaler, ("status", "currentReplicas"), 0)
        max_replicas = value_at(scaler, ("spec", "maxReplicas"), 0)
        is_limited = find_condition(scaler, "ScalingLimited").get("status") == "True"
        rows.append(
            {
                "name": value_at(scaler, ("metadata", "name")),
                "current": current_replicas,
                "max": max_replicas,
                "at_max": is_limited and current_replicas >= max_replicas,
                "broken": _explain_inactive(scaler),
            }
        )
    return rows


def _explain_inactive(scaler: Object) -> str:
    """Return why an autoscaler does not scale, or an empty text."""
    active_condition = find_condition(scaler, "ScalingActive")
    if active_condition.get("status") != "False":
        return ""
    return str(active_condition.get("message") or "")
