# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a custom resource to the workloads that its operator makes, and to the operator when it makes none. Private."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from ..._core.cluster.bundle import ref
from ..._core.cluster.operator_status import OPERATOR_PODS, Child, children, followed, untaken
from ..._core.cluster.rollout import OF, Object
from ..api.cluster import ApiError, Cluster
from ..api.kinds import ApiResources, version_for

# How the operator's leases end, whatever their beginning.
LEASE = ".opentelemetry.io"
LOG_LINES, SHOWN, LINE_LENGTH = 500, 2, 500

Ready = Callable[[Object], bool]


@dataclass
class Followed:
    """One thing to wait for as it is now: the resource, and the workloads that it is ready by."""

    state: Object | None
    parts: list[Object]
    untaken: str

    def late(self, ready: Ready) -> list[Object]:
        """Return what must still become ready: the resource until it is taken up, and its workloads from then on.

        Before that they are those of an older generation, whose troubles may be over in a moment.
        """
        if self.untaken:
            return [self.state] if self.state else []
        return [part for part in self.parts if not ready(part)]

    def done(self, ready: Ready) -> bool:
        """Return whether there is nothing to wait for."""
        return self.state is not None and not self.untaken and not self.late(ready)


def follow(cluster: Cluster, states: Sequence[Object | None], plain: Container[str] = ()) -> list[Followed]:
    """Read the workloads of all resources at once; kinds of `plain` are ready by themselves."""
    wanted = [children(state) if state and followed(state) and state["kind"] not in plain else None for state in states]
    found = iter(cluster.parallel(cluster.get, [_path(child) for group in wanted for child in group or ()]))
    return [_seen(state, group, found) for state, group in zip(states, wanted, strict=True)]


def _seen(state: Object | None, group: list[Child] | None, found: Iterator[Object | None]) -> Followed:
    if state is None or group is None:
        return Followed(state, [state] if state else [], "")
    live = [next(found) for _child in group]
    return Followed(state, [{**part, OF: str(ref(state))} for part in live if part], untaken(state, live))


def _path(child: Child) -> str:
    resource = ApiResources.known(version_for(child.kind), child.kind)
    return resource.path(child.namespace, child.name) if resource else ""


def operator_lines(cluster: Cluster, resources: list[Object]) -> list[str]:
    """Return what the operator says of resources that it does not take up, or that there is none."""
    if not resources:
        return []
    try:
        pods = list(cluster.items("/api/v1/pods", {"labelSelector": OPERATOR_PODS}))
    except ApiError:  # this user may not look for it
        return []
    if not pods:
        return [f"No pod of the operator is to be seen ({OPERATOR_PODS}): install it, or start it."]
    lines = _leaderless(cluster, pods)
    for pod in pods:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
        lines += [
            f"The operator {metadata['namespace']}/{metadata['name']}: {said}"
            for said in _said(cluster, path, resources)
        ]
    return lines


def _leaderless(cluster: Cluster, pods: list[Object]) -> list[str]:
    """Return whose lease is in the way: one that was killed holds it until it ends, and the next one only watches."""
    names = {pod["metadata"]["name"] for pod in pods}
    lines = []
    for namespace in sorted({pod["metadata"]["namespace"] for pod in pods}):
        try:
            leases = list(cluster.items(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"))
        except ApiError:
            continue
        for lease in leases:
            holder = str(lease["spec"].get("holderIdentity") or "").rpartition("_")[0]
            if lease["metadata"]["name"].endswith(LEASE) and holder and holder not in names:
                lines.append(
                    f"The operator in {namespace} waits for the lease of {holder}, which is gone."
                    f" It takes it over some {lease['spec'].get('leaseDurationSeconds')} s after its own start."
                )
    return lines


def _said(cluster: Cluster, path: str, resources: list[Object]) -> list[str]:
    """Return the last errors of a log that name one of the resources. The operator logs objects of JSON."""
    try:
        lines = cluster.text(path, {"tailLines": LOG_LINES}).splitlines()
    except ApiError:
        return []
    names = [f'"name":"{item["metadata"]["name"]}"' for item in resources]
    said = (_error(line) for line in lines if any(name in line for name in names))
    return list(dict.fromkeys(text[:LINE_LENGTH] for text in said if text))[-SHOWN:]


def _error(line: str) -> str:
    try:
        return str(json.loads(line).get("error") or "")
    except ValueError:
        return ""
