# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on memory."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running, where

HERE = "processors.memory_limiter"


def limiter(**settings: Any) -> Json:
    return running(processors={"memory_limiter": {"check_interval": "1s", **settings}})


def attributes(settings: Any) -> Json:
    return running(processors={"k8sattributes": settings})


CASES = [
    Case(
        "memory-limiter-settings", "no interval", limiter(check_interval="0s", limit_mib=9), HERE, "check_interval: 1s"
    ),
    Case(
        "memory-limiter-settings",
        "no limit",
        limiter(),
        HERE,
        "'memory_limiter' has no limit Add `limit_percentage: 80`",
    ),
    Case("memory-limiter-settings", "limits of zero", limiter(limit_mib=0, limit_percentage=0), HERE, "no limit"),
    Case(
        "memory-limiter-settings",
        "a spike as large as all",
        limiter(limit_mib=400, spike_limit_mib=400),
        f"{HERE}.spike_limit_mib",
        "spike_limit_mib is 400, not smaller than limit_mib, which is 400 Write about a quarter of limit_mib: 100.",
    ),
    Case(
        "memory-limiter-settings",
        "more than everything",
        limiter(limit_percentage=120),
        f"{HERE}.limit_percentage",
        "limit_percentage is 120, more than all",
    ),
    Case("memory-limiter-settings", "percentages", limiter(limit_percentage=80, spike_limit_percentage=25)),
    Case("memory-limiter-settings", "a variable", limiter(limit_mib="${env:LIMIT}", check_interval="${env:I}")),
    Case("memory-limiter-settings", "all in a file", running(processors={"memory_limiter": "${file:limiter.yaml}"})),
    Case(
        "memory-limiter-above-container",
        "beyond the container",
        limiter(limit_mib=512),
        f"{HERE}.limit_mib",
        "the container may use only 512 MiB Write at most 409, with a `spike_limit_mib` of 128",
        where(memory_limit_mib=512),
    ),
    Case("memory-limiter-above-container", "within it", limiter(limit_mib=400), more=where(memory_limit_mib=512)),
    Case("memory-limiter-above-container", "not known", limiter(limit_mib=4000), more=where()),
    Case(
        "memory-limiter-unbounded",
        "of the node",
        limiter(limit_percentage=80),
        f"{HERE}.limit_percentage",
        "a percentage of the node's memory",
        where(memory_limit_mib=0),
    ),
    Case(
        "memory-limiter-unbounded", "of the container", limiter(limit_percentage=80), more=where(memory_limit_mib=512)
    ),
    Case("memory-limiter-unbounded", "not known", limiter(limit_percentage=80), more=where()),
    Case(
        "whole-cluster-cache",
        "an agent without a filter",
        attributes(None),
        "processors.k8sattributes",
        "Add `filter: {node_from_env_var: K8S_NODE_NAME}`.",
        where("daemonset"),
    ),
    Case("whole-cluster-cache", "its own node", attributes({"filter": {"node": "x"}}), more=where("daemonset")),
    Case("whole-cluster-cache", "that only passes on", attributes({"passthrough": True}), more=where("daemonset")),
    Case("whole-cluster-cache", "a gateway", attributes(None), more=where()),
]
