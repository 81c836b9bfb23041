# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold a changed workload after a share of its pods. Private.

A held workload is stable: its controller waits by itself, so a run that is killed leaves it held.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..._collector.change_options import count_pods_of_share
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube.objects import Manifest
from ..host_ports import list_template_ports
from ..workload_kinds import WORKLOAD_KINDS

# A new pod of a Deployment counts as available after this time, and until then no other pod is replaced. It applies to
# pods of the newest revision alone: a ReplicaSet of an older one keeps the value that it was created with.
# Source: getNewReplicaSet in k8s.io/kubernetes/pkg/controller/deployment/sync.go.
# A year: the controller lets the others follow by itself after that, also those of a canary that has failed.
_HELD_SECONDS = 31_536_000


class Hold(NamedTuple):
    """A workload with its change, held: what to apply, and how many of all pods get the change first."""

    manifest: Manifest
    """The workload in the form in which its controller stops after the first pods."""
    changed_pod_count: int
    pod_count: int
    needs_eviction: bool = False
    """Whether the controller leaves it to others to stop the old pods, as for a DaemonSet."""

    def __str__(self) -> str:
        unit_word = "nodes" if self.needs_eviction else "pods"
        return f"{self.changed_pod_count} of {self.pod_count} {unit_word if self.pod_count > 1 else unit_word[:-1]}"


def hold_workload(workload: Manifest, live: Manifest, share: str) -> Hold | None:
    """Return a workload as it is held, or None if none of its pods can keep the earlier config meanwhile.

    `share` is how many pods change first, such as `1` or `25%`. A workload surges if new pods start beside old ones;
    otherwise an old pod stops first, so a workload with one pod cannot be held.
    """
    kind, spec = workload["kind"], mapping_at(workload, "spec")
    if kind not in WORKLOAD_KINDS:
        return None
    total = count_all_pods(live)
    surges = kind == "Deployment" and not explain_exclusive_pods(workload)
    if total < 1 or (total == 1 and not surges):
        return None
    count = count_pods_of_share(share, total)
    # A change of the count would change how many pods of each revision there are.
    kept_fields = {"replicas": total} if "replicas" in spec else {}
    manifest = {**workload, "spec": {**spec, **kept_fields, **_build_held_fields(workload, count, total, surges)}}
    return Hold(manifest, count, total, kind == "DaemonSet")


def count_all_pods(live: Manifest) -> int:
    """Return how many pods a live workload has when it is complete."""
    if live["kind"] == "DaemonSet":
        return int(mapping_at(live, "status").get("desiredNumberScheduled") or 0)
    return int(mapping_at(live, "spec").get("replicas", 1))


def _build_held_fields(workload: Manifest, count: int, total: int, surges: bool) -> dict[str, Any]:
    """Return the fields of a spec with which the controller stops after so many pods."""
    if workload["kind"] == "Deployment":
        max_surge, max_unavailable = (count, 0) if surges else (0, count)
        return {
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": max_surge, "maxUnavailable": max_unavailable},
            },
            "minReadySeconds": _HELD_SECONDS,
            "progressDeadlineSeconds": _HELD_SECONDS + 1,
        }
    if workload["kind"] == "StatefulSet":
        rolling_update = mapping_at(workload, "spec", "updateStrategy", "rollingUpdate")
        partition = max(total - count, int(rolling_update.get("partition") or 0))
        return {
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {**rolling_update, "partition": partition}}
        }
    # The run itself replaces the pods of a DaemonSet: `minReadySeconds` would make its old pods unavailable too.
    return {"updateStrategy": {"type": "OnDelete"}}


def explain_exclusive_pods(workload: Manifest) -> str:
    """Return why a new pod may not start beside an old one, or an empty string."""
    pod_spec = mapping_at(workload, "spec", "template", "spec")
    if pod_spec.get("hostNetwork"):
        return "it uses the network of its node"
    ports = sorted({port.port for port in list_template_ports(workload)})
    if ports:
        port_word = "port" if len(ports) == 1 else "ports"
        return f"it uses the host {port_word} {', '.join(map(str, ports))}"
    if any(mapping_at(volume, "persistentVolumeClaim") for volume in list_at(pod_spec, "volumes")):
        return "it uses a PersistentVolumeClaim"
    if mapping_at(workload, "spec", "strategy").get("type") == "Recreate":
        return "its strategy is Recreate"
    if mapping_at(pod_spec, "affinity", "podAntiAffinity") or pod_spec.get("topologySpreadConstraints"):
        return "its pods are spread over nodes"
    return ""
