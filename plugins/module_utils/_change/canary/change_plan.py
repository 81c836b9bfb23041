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


def describe_plan(workload: Manifest, live: Manifest, options: ChangeOptions, *, has_service: bool) -> str:
    """Return how a change reaches the pods of a workload, in one line."""
    failure_clause = "goes back if it fails" if options["on_failure"] == ROLLBACK else "stays if it fails"
    plan_text = f"{ref(workload)}: {_describe_method(workload, live, options)}; {failure_clause}."
    risks = list(_find_risks(workload, live, has_service=has_service))
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


def _find_risks(workload: Manifest, live: Manifest, *, has_service: bool) -> Iterator[str]:
    """Yield what may be lost while the pods of a workload are replaced."""
    if workload["kind"] not in WORKLOAD_KINDS:
        return
    if workload["kind"] == "DaemonSet":
        yield "a node has no pod while its pod is replaced"
    else:
        yield from _find_replica_risks(workload, live, has_service=has_service)
    if not _has_readiness_probe(workload):
        yield "without a readiness probe, a pod counts as ready as soon as its process runs"


def _find_replica_risks(workload: Manifest, live: Manifest, *, has_service: bool) -> Iterator[str]:
    """Yield what may be lost while the replicas of a Deployment or a StatefulSet are replaced."""
    # A StatefulSet always stops a pod before it starts the replacement, so that alone is not told.
    stops_old_first = workload["kind"] == "StatefulSet"
    exclusive_reason = explain_exclusive_pods(workload) if workload["kind"] == "Deployment" else ""
    if exclusive_reason:
        stops_old_first = True
        yield f"a pod stops before its replacement starts, since {exclusive_reason}"
    if stops_old_first and count_all_pods(live) == 1:
        yield "with one replica no other pod receives meanwhile"
    if not has_service:
        yield "without a Service, clients keep the addresses of pods that stop"


def _has_readiness_probe(workload: Manifest) -> bool:
    """Return whether a container of the pods has a readiness probe."""
    pod_spec = mapping_at(workload, "spec", "template", "spec")
    return any(container.get("readinessProbe") for container in list_at(pod_spec, "containers"))
