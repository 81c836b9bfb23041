# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the controller of a changed workload stop after the first pods have the change. Private.

Such a workload is *held*. `live/canary.py` applies it in that form, judges the first pods, and then applies it as it is
meant, so that the other pods follow. The controller waits by itself: a run that is killed leaves the workload held. For
example, a Deployment with three pods and `share: 1` is applied with these fields:

    strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
    minReadySeconds: 31536000
    → one new pod starts beside the three old ones, and none is replaced until it has been ready for a year

A StatefulSet is held by its `partition`. The pods of a DaemonSet are replaced by nobody (`OnDelete`), so the run evicts
the first ones itself (evictions.py).
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
        """Return how many pods change first, such as `1 of 3 pods` or `1 of 1 node`."""
        unit_word = "node" if self.needs_eviction else "pod"
        return f"{self.changed_pod_count} of {self.pod_count} {unit_word}{'s' if self.pod_count > 1 else ''}"


def hold_workload(workload: Manifest, live: Manifest, share: str) -> Hold | None:
    """Return a workload as it is held, or None if none of its pods can keep the earlier config meanwhile.

    `share` is how many pods change first, such as `1` or `25%`. A workload surges if new pods start beside old ones;
    otherwise an old pod stops first, so a workload with one pod cannot be held.
    """
    kind, spec = workload["kind"], mapping_at(workload, "spec")
    if kind not in WORKLOAD_KINDS:
        return None
    pod_count = count_all_pods(live)
    surges = kind == "Deployment" and not explain_exclusive_pods(workload)
    # One pod that must stop before its replacement starts leaves none with the earlier config to compare with.
    if pod_count < 1 or (pod_count == 1 and not surges):
        return None
    changed_count = count_pods_of_share(share, pod_count)
    if kind == "Deployment":
        held_fields = _build_deployment_fields(changed_count, surges=surges)
    elif kind == "StatefulSet":
        held_fields = _build_stateful_set_fields(workload, pod_count - changed_count)
    else:
        # The run itself replaces the pods of a DaemonSet: `minReadySeconds` would make its old pods unavailable too.
        held_fields = {"updateStrategy": {"type": "OnDelete"}}
    # A new number of replicas waits too: while it changes, nobody could say how many pods of each revision there are.
    kept_fields = {"replicas": pod_count} if "replicas" in spec else {}
    manifest = {**workload, "spec": {**spec, **kept_fields, **held_fields}}
    return Hold(manifest, changed_count, pod_count, needs_eviction=kind == "DaemonSet")


def _build_deployment_fields(changed_count: int, *, surges: bool) -> dict[str, Any]:
    """Return the fields of a Deployment's spec with which its controller stops after so many new pods."""
    limits = (
        {"maxSurge": changed_count, "maxUnavailable": 0} if surges else {"maxSurge": 0, "maxUnavailable": changed_count}
    )
    return {
        "strategy": {"type": "RollingUpdate", "rollingUpdate": limits},
        "minReadySeconds": _HELD_SECONDS,
        "progressDeadlineSeconds": _HELD_SECONDS + 1,  # the server requires more than minReadySeconds
    }


def _build_stateful_set_fields(workload: Manifest, kept_count: int) -> dict[str, Any]:
    """Return the fields of a StatefulSet's spec with which so many pods keep the earlier config.

    A `partition` of the user may keep more.
    """
    rolling_update = mapping_at(workload, "spec", "updateStrategy", "rollingUpdate")
    partition = max(kept_count, int(rolling_update.get("partition") or 0))
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {**rolling_update, "partition": partition}}}


def count_all_pods(live: Manifest) -> int:
    """Return how many pods a live workload has when it is complete."""
    if live["kind"] == "DaemonSet":
        return int(mapping_at(live, "status").get("desiredNumberScheduled") or 0)
    return int(mapping_at(live, "spec").get("replicas", 1))


def explain_exclusive_pods(workload: Manifest) -> str:
    """Return why a new pod may not start beside an old one, such as `it uses the host port 4317`; empty if it may."""
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
