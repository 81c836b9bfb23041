# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold a changed workload after a share of its pods, and say what a change does to its pods. Private.

A held workload is stable: its controller waits by itself, so a run that is killed leaves it held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._collector.change_options import CANARY, ROLLBACK, share_of
from ..._kube.conditions import is_ready
from ..._otelcol.config.paths import items, section
from ..._otelcol.kube.objects import Manifest, ref
from ..host_ports import template_ports
from ..tree_parts import is_within
from ..workload_kinds import WORKLOADS

# A new pod of a Deployment counts as available after this time, and until then no other pod is replaced. It applies to
# pods of the newest revision alone: a ReplicaSet of an older one keeps the value that it was created with.
# Source: getNewReplicaSet in k8s.io/kubernetes/pkg/controller/deployment/sync.go.
# A year: the controller lets the others follow by itself after that, also those of a canary that has failed.
_HELD_SECONDS = 31_536_000


class Hold(NamedTuple):
    """A workload with its change, held: what to apply, and how many of all pods get the change first."""

    manifest: Manifest
    pods: int
    total: int
    # Whether the controller leaves it to others to stop the old pods.
    by_eviction: bool = False

    def __str__(self) -> str:
        what = "nodes" if self.by_eviction else "pods"
        return f"{self.pods} of {self.total} {what if self.total > 1 else what[:-1]}"


def held(workload: Manifest, live: Manifest, share: str) -> Hold | None:
    """Return a workload as it is held, or None if none of its pods can keep the earlier config meanwhile."""
    kind, spec = workload["kind"], section(workload, "spec")
    if kind not in WORKLOADS:
        return None
    total = _total(live)
    surges = kind == "Deployment" and not _exclusive(workload)
    if total < 1 or (total == 1 and not surges):
        return None
    count = share_of(share, total)
    # A change of the count would change how many pods of each revision there are.
    kept = {"replicas": total} if "replicas" in spec else {}
    manifest = {**workload, "spec": {**spec, **kept, **_held_fields(workload, count, total, surges)}}
    return Hold(manifest, count, total, kind == "DaemonSet")


def _total(live: Manifest) -> int:
    if live["kind"] == "DaemonSet":
        return int(section(live, "status").get("desiredNumberScheduled") or 0)
    return int(section(live, "spec").get("replicas", 1))


def _held_fields(workload: Manifest, count: int, total: int, surges: bool) -> dict[str, Any]:
    """Return the fields of a spec with which the controller stops after so many pods."""
    if workload["kind"] == "Deployment":
        more, fewer = (count, 0) if surges else (0, count)
        return {
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": more, "maxUnavailable": fewer}},
            "minReadySeconds": _HELD_SECONDS,
            "progressDeadlineSeconds": _HELD_SECONDS + 1,
        }
    if workload["kind"] == "StatefulSet":
        given = section(workload, "spec", "updateStrategy", "rollingUpdate")
        partition = max(total - count, int(given.get("partition") or 0))
        return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {**given, "partition": partition}}}
    # The run itself replaces the pods of a DaemonSet: `minReadySeconds` would make its old pods unavailable too.
    return {"updateStrategy": {"type": "OnDelete"}}


# The controller cannot count the pods of the budget, such as for `maxUnavailable` and a DaemonSet.
_UNSYNCED = "SyncFailed"
# Fields of an OpenTelemetryCollector that say how many pods there are, and how they are replaced.
_SCALE = (
    *("replicas", "autoscaler", "podDisruptionBudget", "deploymentUpdateStrategy", "daemonSetUpdateStrategy"),
    *("configVersions", "upgradeStrategy"),
)


def _exclusive(workload: Manifest) -> str:
    """Return why a new pod may not start beside an old one, or an empty string."""
    pod = section(workload, "spec", "template", "spec")
    if pod.get("hostNetwork"):
        return "it uses the network of its node"
    ports = sorted({port.port for port in template_ports(workload)})
    if ports:
        word = "port" if len(ports) == 1 else "ports"
        return f"it uses the host {word} {', '.join(map(str, ports))}"
    if any(section(volume, "persistentVolumeClaim") for volume in items(pod, "volumes")):
        return "it uses a PersistentVolumeClaim"
    if section(workload, "spec", "strategy").get("type") == "Recreate":
        return "its strategy is Recreate"
    if section(pod, "affinity", "podAntiAffinity") or pod.get("topologySpreadConstraints"):
        return "its pods are spread over nodes"
    return ""


def renews_pods(workload: Manifest, live: Manifest, after: Manifest | None, before: Manifest | None = None) -> bool:
    """Return whether a change makes pods that the workload did not have; without an answer of the server, it may.

    `before` is the workload before an interrupted change, whose pods are no canary when the inventory goes back to it.
    """
    if after is None:
        return True
    wanted, now, then, given = map(_of_pods, (after, live, before, workload))
    if before is None:
        return wanted != now
    return not (is_within(then, wanted) and is_within(given, then))


def _of_pods(workload: Manifest | None) -> Mapping[str, Any]:
    """Return what pods are made from: a template, or what remains of a resource of an operator."""
    spec = section(workload, "spec")
    of_scale = {key: value for key, value in spec.items() if key not in _SCALE}
    return section(spec, "template") if "template" in spec else of_scale


def pods_to_evict(old: Iterable[Manifest], count: int) -> list[Manifest]:
    """Return so many pods, first those that are ready, by their nodes."""
    found = sorted(old, key=lambda pod: (not is_ready(pod), str(section(pod, "spec").get("nodeName"))))
    return found[: max(count, 0)]


def eviction(pod: Manifest, *, tried: bool = False) -> Manifest:
    """Return the request to evict this very pod, or to say whether that is allowed, which evicts nothing."""
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
    options: dict[str, Any] = {"preconditions": {"uid": pod["metadata"]["uid"]}}
    options |= {"dryRun": ["All"]} if tried else {}
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options}


def never_allows(budget: Manifest) -> bool:
    """Return whether a PodDisruptionBudget allows no eviction even when all its pods are healthy.

    Source: pkg/controller/disruption of Kubernetes, and its docs, "Specifying a Disruption Budget".
    """
    if any(condition.get("reason") == _UNSYNCED for condition in items(budget, "status", "conditions")):
        return True
    status = section(budget, "status")
    return int(status.get("desiredHealthy") or 0) >= int(status.get("expectedPods") or 0)


def plan(workload: Manifest, live: Manifest, options: Mapping[str, Any], has_service: bool) -> str:
    """Return how a change reaches the pods of a workload, in a line for check mode."""
    hold = held(workload, live, str(options.get("share") or "1")) if options["strategy"] == CANARY else None
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


def _risks(workload: Manifest, live: Manifest, has_service: bool) -> Iterable[str]:
    kind, pod = workload["kind"], section(workload, "spec", "template", "spec")
    if kind not in WORKLOADS:
        return
    exclusive = _exclusive(workload) if kind == "Deployment" else ""
    if exclusive:
        yield f"a pod stops before its replacement starts, since {exclusive}"
    if kind == "DaemonSet":
        yield "a node has no pod while its pod is replaced"
    elif _total(live) == 1 and (exclusive or kind == "StatefulSet"):
        yield "with one replica no other pod receives meanwhile"
    if kind != "DaemonSet" and not has_service:
        yield "without a Service, clients keep the addresses of pods that stop"
    if not any(container.get("readinessProbe") for container in items(pod, "containers")):
        yield "without a readiness probe, a pod counts as ready as soon as its process runs"
