# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Autoscalers of a collector that are at their limit, or do not scale."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.autoscaler_rows import list_autoscalers

from ..helpers import cases


@cases(
    "current, condition, told",
    (2, ("ScalingLimited", "True"), (True, "")),
    (1, ("ScalingLimited", "True"), (False, "")),
    (1, ("ScalingActive", "False"), (False, "no metrics")),
)
def test_autoscalers(current: int, condition: Any, told: Any) -> None:
    listed = [dict(zip(("type", "status", "message"), (*condition, "no metrics"), strict=True))]
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "maxReplicas": 2}
    scaler = {"metadata": {"name": "h"}, "spec": spec, "status": {"currentReplicas": current, "conditions": listed}}
    (row,) = list_autoscalers([scaler], [("Deployment", "a")])
    assert (row["at_max"], row["broken"]) == told
    assert list_autoscalers([scaler], [("Deployment", "b")]) == []
