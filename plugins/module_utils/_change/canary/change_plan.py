# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change reaches the pods of a workload, and what is at risk meanwhile, in words. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._collector.change_options import CANARY, ROLLBACK
from ..._otelcol.config.paths import items, section
from ..._otelcol.kube.objects import Manifest, ref
from ..workload_kinds import WORKLOADS
from .hold import held_workload, pod_total, why_exclusive


def plan_line(workload: Manifest, live: Manifest, options: Mapping[str, Any], has_service: bool) -> str:
    """Return how a change reaches the pods of a workload, in a line for check mode."""
    hold = held_workload(workload, live, str(options.get("share") or "1")) if options["strategy"] == CANARY else None
    seconds = options.get("observe_seconds")
    if hold:
        how = f"canary of {hold}, judged for {seconds} s; then the others, judged for {seconds} s"
    elif options["strategy"] == CANARY:
        how = f"rolling, since no pod can keep the earlier config; then judged for {seconds} s"
    else:
        how = "rolling"
    back = "goes back if it fails" if options["on_failure"] == ROLLBACK else "stays if it fails"
    line = f"{ref(workload)}: {how}; {back}."
    risks = list(_risks(workload, live, has_service))
    return f"{line} Risks: {'; '.join(risks)}." if risks else line


def _risks(workload: Manifest, live: Manifest, has_service: bool) -> Iterator[str]:
    """Yield what may be lost while the pods of a workload are replaced."""
    kind, pod = workload["kind"], section(workload, "spec", "template", "spec")
    if kind not in WORKLOADS:
        return
    exclusive = why_exclusive(workload) if kind == "Deployment" else ""
    if exclusive:
        yield f"a pod stops before its replacement starts, since {exclusive}"
    if kind == "DaemonSet":
        yield "a node has no pod while its pod is replaced"
    elif pod_total(live) == 1 and (exclusive or kind == "StatefulSet"):
        yield "with one replica no other pod receives meanwhile"
    if kind != "DaemonSet" and not has_service:
        yield "without a Service, clients keep the addresses of pods that stop"
    if not any(container.get("readinessProbe") for container in items(pod, "containers")):
        yield "without a readiness probe, a pod counts as ready as soon as its process runs"
