# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions with which an object says how it is. Private.

A controller writes them at `status.conditions`, one of each type. The diagnosis, canaries and captures read them here:

    {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]}}
    → find_condition(pod, "Ready")["reason"] is "ContainersNotReady", and is_ready(pod) is False

Whether a workload is ready, such as a Deployment, depends on more than this: `_rollout/readiness.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._otelcol.config.paths import mappings_at


def find_condition(resource: Mapping[str, Any], condition_type: str) -> dict[str, Any]:
    """Return a condition of an object by its type; empty if no controller has written it."""
    for condition in mappings_at(resource, "status", "conditions"):
        if condition.get("type") == condition_type:
            return condition
    return {}


def is_ready(resource: Mapping[str, Any]) -> bool:
    """Return whether an object has the condition Ready, such as a pod, a node or a Certificate."""
    return find_condition(resource, "Ready").get("status") == "True"
