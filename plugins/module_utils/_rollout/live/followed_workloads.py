# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources of the operator, each with the workloads that decide whether it is ready. Private."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from ..._kube.live.cluster import Cluster
from ..._kube.live.kinds import ApiResources
from ..._kube.operator_status import Child, explain_unreconciled, is_followed, list_children
from ..._otelcol.kube.objects import ref
from ..failures import OWNER_NAME_KEY, Object

ReadinessCheck = Callable[[Object], bool]


@dataclass
class FollowedResource:
    """The current state of one resource, and the workloads that decide whether it is ready."""

    live_object: Object | None
    workloads: list[Object]
    unreconciled_reason: str

    def list_unfinished(self, is_ready: ReadinessCheck) -> list[Object]:
        """Return the unfinished objects: the resource until the operator reconciles it, then its workloads.

        Until then the workloads belong to an older generation, and their failures may be obsolete.
        """
        if self.unreconciled_reason:
            return [self.live_object] if self.live_object else []
        return [workload for workload in self.workloads if not is_ready(workload)]

    def is_done(self, is_ready: ReadinessCheck) -> bool:
        """Return whether the resource exists, and all that decides is ready."""
        if self.live_object is None or self.unreconciled_reason:
            return False
        return not self.list_unfinished(is_ready)


def read_followed_resources(
    cluster: Cluster, states: Sequence[Object | None], kinds_without_workloads: Container[str] = ()
) -> list[FollowedResource]:
    """Read the workloads of all resources in parallel.

    Kinds in `kinds_without_workloads` have no workloads to follow.
    """
    child_groups: list[list[Child] | None] = []
    paths = []
    for state in states:
        child_references = None
        if state and is_followed(state) and state["kind"] not in kinds_without_workloads:
            child_references = list_children(state)
            paths += [ApiResources.build_path(*child_reference[:3]) for child_reference in child_references]
        child_groups.append(child_references)
    live_children = iter(cluster.call_in_parallel(cluster.get, paths))
    return [
        _collect_followed_resource(state, child_references, live_children)
        for state, child_references in zip(states, child_groups, strict=True)
    ]


def _collect_followed_resource(
    state: Object | None, child_references: list[Child] | None, live_children: Iterator[Object | None]
) -> FollowedResource:
    """Return a resource with its workloads, which are the next ones of all live children."""
    if state is None or child_references is None:
        return FollowedResource(state, [state] if state else [], "")
    current_children = [next(live_children) for _child in child_references]
    workloads = [{**child, OWNER_NAME_KEY: str(ref(state))} for child in current_children if child]
    return FollowedResource(state, workloads, explain_unreconciled(state, current_children))
