# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change reaches the pods of a workload, and what is at risk meanwhile, in words for check mode. Private.

For example: `Deployment ns/a: canary of 1 of 3 pods, judged for 60 s; then the others, judged for 60 s; goes back if it
fails. Risks: without a Service, clients keep the addresses of pods that stop.`
"""

from __future__ import annotations

from collections.abc import Iterator

from ..._collector.change_options import CANARY, ROLLBACK
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube.objects import Manifest, ref
from ..collector_change import ChangeOptions
from ..workload_kinds import WORKLOAD_KINDS
from .hold import count_all_pods, explain_exclusive_pods, hold_workload


def describe_plan(workload: Manifest, live: Manifest, options: ChangeOptions, has_service: bool) -> str:
    """Return how a change reaches the pods of a workload, in one line."""
    failure_clause = "goes back if it fails" if options["on_failure"] == ROLLBACK else "stays if it fails"
    plan_text = f"{ref(workload)}: {_describe_method(workload, live, options)}; {failure_clause}."
    risks = list(_find_risks(workload, live, has_service))
    return f"{plan_text} Risks: {'; '.join(risks)}." if risks else plan_text


def _describe_method(workload: Manifest, live: Manifest, options: ChangeOptions) -> str:
    """Return in which order pods change, and for how long they are judged."""
    if options["strategy"] != CANARY:
        return "rolling"
    observe_seconds = options.get("observe_seconds")
    hold = hold_workload(workload, live, str(options.get("share") or "1"))
    if hold:
        return f"canary of {hold}, judged for {observe_seconds} s; then the others, judged for {observe_seconds} s"
    return f"rolling, since no pod can keep the earlier config; then judged for {observe_seconds} s"


def _find_risks(workload: Manifest, live: Manifest, has_service: bool) -> Iterator[str]:
    """Yield what may be lost while the pods of a workload are replaced."""
    kind, pod_spec = workload["kind"], mapping_at(workload, "spec", "template", "spec")
    if kind not in WORKLOAD_KINDS:
        return
    exclusive_reason = explain_exclusive_pods(workload) if kind == "Deployment" else ""
    if exclusive_reason:
        yield f"a pod stops before its replacement starts, since {exclusive_reason}"
    if kind == "DaemonSet":
        yield "a node has no pod while its pod is replaced"
    elif count_all_pods(live) == 1 and (exclusive_reason or kind == "StatefulSet"):
        yield "with one replica no other pod receives meanwhile"
    if kind != "DaemonSet" and not has_service:
        yield "without a Service, clients keep the addresses of pods that stop"
    if not any(container.get("readinessProbe") for container in list_at(pod_spec, "containers")):
        yield "without a readiness probe, a pod counts as ready as soon as its process runs"
