# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources of the operator, each with the workloads that decide whether it is ready. Private."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from ..._kube.live.cluster import Cluster
from ..._kube.live.kinds import ApiResources
from ..._kube.operator_status import Child, children, followed, unreconciled
from ..._otelcol.kube.objects import ref
from ..failures import OF, Object

Ready = Callable[[Object], bool]


@dataclass
class Followed:
    """The current state of one resource, and the workloads that decide whether it is ready."""

    state: Object | None
    parts: list[Object]
    unreconciled: str

    def late(self, ready: Ready) -> list[Object]:
        """Return the unfinished objects: the resource until the operator reconciles it, then its workloads.

        Until then the workloads belong to an older generation, and their failures may be obsolete.
        """
        if self.unreconciled:
            return [self.state] if self.state else []
        return [part for part in self.parts if not ready(part)]

    def done(self, ready: Ready) -> bool:
        """Return whether the resource exists, and all that decides is ready."""
        if self.state is None or self.unreconciled:
            return False
        return not self.late(ready)


def follow(cluster: Cluster, states: Sequence[Object | None], plain: Container[str] = ()) -> list[Followed]:
    """Read the workloads of all resources in parallel. Kinds in `plain` have no workloads to follow."""
    groups: list[list[Child] | None] = []
    paths = []
    for state in states:
        group = None
        if state and followed(state) and state["kind"] not in plain:
            group = children(state)
            paths += [ApiResources.path_of(*child[:3]) for child in group]
        groups.append(group)
    live_children = iter(cluster.parallel(cluster.get, paths))
    return [_followed_by(state, group, live_children) for state, group in zip(states, groups, strict=True)]


def _followed_by(state: Object | None, group: list[Child] | None, live_children: Iterator[Object | None]) -> Followed:
    """Return a resource with its workloads, which are the next ones of all live children."""
    if state is None or group is None:
        return Followed(state, [state] if state else [], "")
    live = [next(live_children) for _child in group]
    parts = [{**part, OF: str(ref(state))} for part in live if part]
    return Followed(state, parts, unreconciled(state, live))
