# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a workload that does not become ready works worse than before its change. Private.

A pod that did not work before either, such as one on a node that is down, says nothing about a new config.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .._kube.conditions import is_ready
from .._kube.nodes import DOWN, few, node_of
from .._otelcol.config.paths import section
from .._otelcol.kube.objects import Manifest, ref


class Worked(NamedTuple):
    """How many pods of a workload worked before its change, and the places of those that did not."""

    pods: int
    idle: tuple[str, ...] = ()


class _Places(NamedTuple):
    """The places of the pods that are ready, and of those that are not."""

    ready: set[str]
    idle: set[str]

    @property
    def without_ready_pod(self) -> set[str]:
        return self.idle - self.ready


def place(workload: Manifest, pod: Manifest) -> str:
    """Return where a workload has one pod at a time; an empty string for a Deployment, whose pods have no place."""
    if workload["kind"] == "StatefulSet":
        return f"pod {pod['metadata']['name']}"
    if workload["kind"] == "DaemonSet":
        return f"node {node_of(pod)}"
    return ""


def worked(workload: Manifest, available: int, pods: Iterable[Manifest]) -> Worked:
    """Return how a workload works now, given its number of available pods, and all pods if some are not available."""
    if workload["kind"] == "Deployment":
        return Worked(available)
    return Worked(available, tuple(sorted(_places(workload, pods).without_ready_pod)))


def _places(workload: Manifest, pods: Iterable[Manifest]) -> _Places:
    places = _Places(set(), set())
    for pod in pods:
        places_of_state = places.ready if is_ready(pod) else places.idle
        places_of_state.add(place(workload, pod))
    return places


def is_worse(workload: Manifest, before: Worked | None, new: Sequence[Manifest]) -> bool:
    """Return whether the new config works worse, or was tried nowhere, given the pods that run it.

    A controller may wait for a pod that will never be ready before it replaces the others: those say nothing.
    """
    if before is None:
        return True
    if workload["kind"] == "Deployment":
        return sum(map(is_ready, new)) < before.pods
    places = _places(workload, new)
    if not places.ready and not _is_replaced_by_hand(workload):
        return True
    return not places.without_ready_pod <= set(before.idle)


def unfinished(workload: Manifest, before: Worked, new: Sequence[Manifest], old: Sequence[Manifest]) -> list[str]:
    """Return which pods are not ready as before the change, which still run the earlier config, and what to do."""
    ready = _places(workload, new).ready
    still_idle = [name for name in before.idle if name not in ready]
    old_names = sorted(f"pod {pod['metadata']['name']}" for pod in old)
    lines = []
    if still_idle:
        line = f"Not ready, as before the change: {few(still_idle)}."
        if workload["kind"] != "DaemonSet":  # the wait has said so of the nodes of a DaemonSet
            line += f" {DOWN}"
        lines.append(line)
    if old_names:
        lines.append(f"Still with the earlier config: {few(old_names)}. {_replacement(workload, len(still_idle))}")
    return lines


def _is_replaced_by_hand(workload: Manifest) -> bool:
    """Return whether the controller waits until somebody deletes its pods."""
    return bool(section(workload, "spec", "updateStrategy").get("type") == "OnDelete")


def _replacement(workload: Manifest, idle_count: int) -> str:
    """Return when the controller replaces the older pods, and for a DaemonSet how to replace them at once.

    It makes a deleted pod from the new template. A StatefulSet may make it from the old one, and waits for its order.
    """
    by_hand = f"`kubectl -n {workload['metadata']['namespace']} delete pod NAME`"
    if _is_replaced_by_hand(workload):
        return f"Its update strategy OnDelete leaves them to you: {by_hand}."
    after = f"{ref(workload)} replaces them when its other pods are ready or gone."
    if workload["kind"] != "DaemonSet" or not idle_count:
        return after
    more = f"`update_strategy: {{rollingUpdate: {{maxUnavailable: {idle_count + 1}}}}}`"
    return f"{after} To replace them now, delete them ({by_hand}), or set {more} and run again."


def worked_of(data: Any) -> dict[str, Worked]:
    """Return what the data of a record say. Raises an error of Python for other data."""
    return {str(name): Worked(int(pods), tuple(map(str, idle))) for name, (pods, idle) in data.items()}
