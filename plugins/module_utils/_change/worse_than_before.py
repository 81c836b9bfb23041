# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a workload that does not become ready works worse than before its change. Private.

A pod that did not work before either, such as one on a node that is down, says nothing about a new config.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .._kube.nodes import DOWN, few, is_ready, node_of
from .._otelcol.config.paths import section
from .._otelcol.kube.objects import Manifest, ref


class Worked(NamedTuple):
    """How many pods of a workload worked before its change, and the places of those that did not."""

    pods: int
    idle: tuple[str, ...] = ()


def place(workload: Manifest, pod: Manifest) -> str:
    """Return where a workload has one pod at a time; an empty string for a Deployment, whose pods have no place."""
    if workload["kind"] == "StatefulSet":
        return f"pod {pod['metadata']['name']}"
    return f"node {node_of(pod)}" if workload["kind"] == "DaemonSet" else ""


def worked(workload: Manifest, pods: int, found: Iterable[Manifest]) -> Worked:
    """Return how a workload works now, given its number of available pods, and all pods if some are not available."""
    ready, idle = _places(workload, found)
    return Worked(pods, () if workload["kind"] == "Deployment" else tuple(sorted(idle - ready)))


def _places(workload: Manifest, pods: Iterable[Manifest]) -> tuple[set[str], set[str]]:
    """Return the places of the pods that are ready, and of those that are not."""
    ready: set[str] = set()
    idle: set[str] = set()
    for pod in pods:
        places = ready if is_ready(pod) else idle
        places.add(place(workload, pod))
    return ready, idle


def is_worse(workload: Manifest, before: Worked | None, new: Sequence[Manifest]) -> bool:
    """Return whether the new config works worse, or was tried nowhere, given the pods that run it.

    A controller may wait for a pod that will never be ready before it replaces the others: those say nothing.
    """
    if before is None:
        return True
    if workload["kind"] == "Deployment":
        return sum(map(is_ready, new)) < before.pods
    ready, idle = _places(workload, new)
    by_hand = section(workload, "spec", "updateStrategy").get("type") == "OnDelete"
    return not (ready or by_hand) or not idle - ready <= set(before.idle)


def unfinished(workload: Manifest, before: Worked, new: Sequence[Manifest], old: Sequence[Manifest]) -> list[str]:
    """Return which pods are not ready as before the change, which still run the earlier config, and what to do."""
    ready, _idle = _places(workload, new)
    late = [name for name in before.idle if name not in ready]
    names = sorted(f"pod {pod['metadata']['name']}" for pod in old)
    down = "" if workload["kind"] == "DaemonSet" else f" {DOWN}"  # the wait has said so of the nodes of a DaemonSet
    lines = []
    if late:
        lines.append(f"Not ready, as before the change: {few(late)}.{down}")
    if names:
        lines.append(f"Still with the earlier config: {few(names)}. {_replacement(workload, len(late))}")
    return lines


def _replacement(workload: Manifest, late: int) -> str:
    """Return when the controller replaces the older pods, and for a DaemonSet how to replace them at once.

    It makes a deleted pod from the new template. A StatefulSet may make it from the old one, and waits for its order.
    """
    by_hand = f"`kubectl -n {workload['metadata']['namespace']} delete pod NAME`"
    if section(workload, "spec", "updateStrategy").get("type") == "OnDelete":
        return f"Its update strategy OnDelete leaves them to you: {by_hand}."
    after = f"{ref(workload)} replaces them when its other pods are ready or gone."
    if workload["kind"] != "DaemonSet" or not late:
        return after
    more = f"`update_strategy: {{rollingUpdate: {{maxUnavailable: {late + 1}}}}}`"
    return f"{after} To replace them now, delete them ({by_hand}), or set {more} and run again."


def worked_of(data: Any) -> dict[str, Worked]:
    """Return what the data of a record say. Raises an error of Python for other data."""
    return {str(name): Worked(int(pods), tuple(map(str, idle))) for name, (pods, idle) in data.items()}
