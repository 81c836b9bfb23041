# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a workload that does not become ready works worse than before its change. Private.

A pod that did not work before either, such as one on a node that is down, says nothing about a new config. A place is
where a DaemonSet or a StatefulSet has one pod at a time: `node NAME` or `pod NAME`. Pods of a Deployment have no place,
so only their number counts. A place is idle if it has no ready pod. For example:

| workload | ready before | ready with the new config | worse? |
|---|---|---|---|
| Deployment | 3 pods | 2 pods | yes |
| DaemonSet | nodes a and b, not c | node a, and b still has its earlier pod | no: nothing shows that b would fail |
| DaemonSet | nodes a and b, not c | node a, and not b | yes, because of b |
| DaemonSet | nodes a and b, not c | none of the new pods | yes: the new config works nowhere |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .._kube.conditions import is_ready
from .._kube.nodes import DOWN_FIX, find_node, join_first_names
from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.objects import Manifest, ref


class WorkingState(NamedTuple):
    """How many pods of a workload worked before its change, and the places of those that did not."""

    working_pod_count: int
    places_without_ready_pod: tuple[str, ...] = ()


class _Places(NamedTuple):
    """The places of the pods that are ready, and of those that are not."""

    ready_places: set[str]
    unready_places: set[str]

    @property
    def places_without_ready_pod(self) -> set[str]:
        return self.unready_places - self.ready_places


def find_place(workload: Manifest, pod: Manifest) -> str:
    """Return where a workload has one pod at a time; an empty string for a Deployment, whose pods have no place."""
    if workload["kind"] == "StatefulSet":
        return f"pod {pod['metadata']['name']}"
    if workload["kind"] == "DaemonSet":
        return f"node {find_node(pod)}"
    return ""


def measure_working_state(workload: Manifest, available: int, pods: Iterable[Manifest]) -> WorkingState:
    """Return how a workload works now, given its number of available pods, and all pods if some are not available."""
    if workload["kind"] == "Deployment":
        return WorkingState(available)
    return WorkingState(available, tuple(sorted(_group_places(workload, pods).places_without_ready_pod)))


def _group_places(workload: Manifest, pods: Iterable[Manifest]) -> _Places:
    """Return the places of the pods of a workload: those of ready pods, and those of others."""
    places = _Places(set(), set())
    for pod in pods:
        places_of_state = places.ready_places if is_ready(pod) else places.unready_places
        places_of_state.add(find_place(workload, pod))
    return places


def is_worse(workload: Manifest, state_before: WorkingState | None, new_pods: Sequence[Manifest]) -> bool:
    """Return whether the new config works worse, or was tried nowhere, given the pods that run it.

    Without a state from before, it counts as worse. A Deployment is worse with fewer ready pods than before. Any other
    workload is worse if a place has no ready pod that had one before, or if no new pod is ready at all. A controller
    may wait for a pod that will never be ready before it replaces the others: those say nothing.
    """
    if state_before is None:
        return True
    if workload["kind"] == "Deployment":
        return sum(map(is_ready, new_pods)) < state_before.working_pod_count
    places = _group_places(workload, new_pods)
    # With OnDelete there may be no new pod at all until somebody deletes an old one, so none says nothing.
    if not places.ready_places and not _is_replaced_by_hand(workload):
        return True
    return not places.places_without_ready_pod <= set(state_before.places_without_ready_pod)


def describe_unfinished_pods(
    workload: Manifest, state_before: WorkingState, new_pods: Sequence[Manifest], old_pods: Sequence[Manifest]
) -> list[str]:
    """Return which pods are not ready as before the change, which still run the earlier config, and what to do."""
    ready_places = _group_places(workload, new_pods).ready_places
    still_idle_places = [
        idle_place for idle_place in state_before.places_without_ready_pod if idle_place not in ready_places
    ]
    old_pod_names = sorted(f"pod {pod['metadata']['name']}" for pod in old_pods)
    lines = []
    if still_idle_places:
        line = f"Not ready, as before the change: {join_first_names(still_idle_places)}."
        if workload["kind"] != "DaemonSet":  # the wait has said so of the nodes of a DaemonSet
            line += f" {DOWN_FIX}"
        lines.append(line)
    if old_pod_names:
        lines.append(
            f"Still with the earlier config: {join_first_names(old_pod_names)}."
            f" {_describe_replacement(workload, len(still_idle_places))}"
        )
    return lines


def _is_replaced_by_hand(workload: Manifest) -> bool:
    """Return whether the controller waits until somebody deletes its pods."""
    return bool(mapping_at(workload, "spec", "updateStrategy").get("type") == "OnDelete")


def _describe_replacement(workload: Manifest, idle_count: int) -> str:
    """Return when the controller replaces the older pods, and for a DaemonSet how to replace them at once.

    It makes a deleted pod from the new template. A StatefulSet may make it from the old one, and waits for its order.
    """
    delete_command = f"`kubectl -n {workload['metadata']['namespace']} delete pod NAME`"
    if _is_replaced_by_hand(workload):
        return f"Its update strategy OnDelete leaves them to you: {delete_command}."
    replacement_text = f"{ref(workload)} replaces them when its other pods are ready or gone."
    if workload["kind"] != "DaemonSet" or not idle_count:
        return replacement_text
    strategy_text = f"`update_strategy: {{rollingUpdate: {{maxUnavailable: {idle_count + 1}}}}}`"
    return (
        f"{replacement_text} To replace them now, delete them ({delete_command}), or set {strategy_text} and run again."
    )


def parse_working_states(data: Any) -> dict[str, WorkingState]:
    """Return what the data of a record say: by workload, the fields of `WorkingState` as a list.

    Raises TypeError, ValueError or AttributeError for other data.
    """
    return {str(name): WorkingState(int(pods), tuple(map(str, idle))) for name, (pods, idle) in data.items()}
