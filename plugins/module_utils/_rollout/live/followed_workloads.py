# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources of the operator, each with the workloads that decide whether it is ready. Private.

The operator makes workloads for a resource such as an OpenTelemetryCollector. Waits follow these workloads. A workload
that is no resource of the operator is followed itself.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from itertools import islice

from ..._kube.live.cluster import Cluster
from ..._kube.live.kinds import ApiResources
from ..._kube.operator_status import Child, explain_unreconciled, is_followed, list_children
from ..._otelcol.kube.objects import ref
from ..failures import OWNER_NAME_KEY, Object

# Returns whether a workload is ready, such as `is_ready` of readiness.py.
ReadinessCheck = Callable[[Object], bool]


@dataclass
class FollowedResource:
    """The current state of one resource, and the workloads that decide whether it is ready."""

    live_object: Object | None
    """The resource; None if the cluster does not have it."""
    workloads: list[Object]
    """The resource itself if it is a workload, else those that the operator made for it."""
    unreconciled_reason: str
    """Why the workloads are not those of the current resource: the operator has not reconciled it. Else empty."""

    def list_unfinished(self, is_ready: ReadinessCheck) -> list[Object]:
        """Return the objects that are not ready: the resource until the operator has reconciled it, then its workloads.

        Until then the workloads belong to an older generation of the resource, so their failures may be obsolete.
        """
        if self.unreconciled_reason:
            return [self.live_object] if self.live_object else []
        return [workload for workload in self.workloads if not is_ready(workload)]

    def is_done(self, is_ready: ReadinessCheck) -> bool:
        """Return whether the resource exists and is reconciled, and all its workloads are ready."""
        if self.live_object is None or self.unreconciled_reason:
            return False
        return not self.list_unfinished(is_ready)


def read_followed_resources(
    cluster: Cluster, states: Sequence[Object | None], kinds_without_workloads: Container[str] = ()
) -> list[FollowedResource]:
    """Read the workloads of all resources at once. `states` are the resources as they are in the cluster.

    A resource of a kind in `kinds_without_workloads` is followed itself, though the operator makes workloads for it.
    """
    child_lists = [_list_followed_children(state, kinds_without_workloads) for state in states]
    paths: list[str] = []
    for children in child_lists:
        paths += [ApiResources.build_path(child.kind, child.namespace, child.name) for child in children or ()]
    # The children of all resources in one row: each resource takes as many of them as it has, in the same order.
    live_children = iter(cluster.call_in_parallel(cluster.get, paths))
    followed_resources = []
    for state, children in zip(states, child_lists, strict=True):
        if state is None or children is None:
            followed_resources.append(FollowedResource(state, [state] if state else [], ""))
        else:
            children_of_state = list(islice(live_children, len(children)))
            followed_resources.append(_collect_followed_resource(state, children_of_state))
    return followed_resources


def _list_followed_children(state: Object | None, kinds_without_workloads: Container[str]) -> list[Child] | None:
    """Return the workloads that the operator makes for a resource; None if the object is followed itself."""
    if state is None or not is_followed(state) or state["kind"] in kinds_without_workloads:
        return None
    return list_children(state)


def _collect_followed_resource(state: Object, current_children: list[Object | None]) -> FollowedResource:
    """Return a resource of the operator with those of its workloads that exist."""
    workloads = [{**child, OWNER_NAME_KEY: str(ref(state))} for child in current_children if child]
    return FollowedResource(state, workloads, explain_unreconciled(state, current_children))
