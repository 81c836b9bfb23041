# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All canaries of a run: prepared before the first write, then judged at the same time. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from ..._kube.live.cluster import Cluster
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..collector_change import CollectorChange
from .bundle_run import BundleRun
from .canary import Canary

# What the caller says of a collector or another workload that did not become complete.
Ended = TypeVar("Ended")


def prepare_canaries(
    bundle: BundleRun, changes: Iterable[CollectorChange], live_objects: Mapping[ObjectRef, Manifest | None]
) -> dict[str, Canary]:
    """Return the canaries among changes that make new pods, by the name of the collector.

    Raises Problem if one could not be judged.
    """
    canaries: list[Canary] = []
    for change in changes:
        live_workload = live_objects.get(ref(change.workloads[0]))
        if change.is_canary and live_workload:
            canaries.append(Canary(bundle, change, live_workload))
    pods_are_made = bundle.cluster.call_in_parallel(lambda canary: canary.makes_new_pods(), canaries)
    return {
        canary.change.name: canary for canary, makes_pods in zip(canaries, pods_are_made, strict=True) if makes_pods
    }


def judge_canaries_together(
    cluster: Cluster,
    canaries: Mapping[str, Canary],
    complete: Callable[[Canary], list[Ended]],
    fail: Callable[[str, Problem], Ended],
    beside: Callable[[], list[Ended]],
) -> list[Ended]:
    """Complete all canaries at the same time. Return what became of those that failed, and of the rest of the bundle.

    `complete` takes a canary from its first pods to the last. As soon as it raises Problem, `fail` brings that canary
    back. `beside` is called once at the same time: it waits for the workloads that are no canaries.
    """

    def complete_or_fail(name: str) -> list[Ended]:
        try:
            return complete(canaries[name])
        except Problem as problem:
            return [fail(name, problem)]

    steps: list[Callable[[], list[Ended]]] = [beside, *(partial(complete_or_fail, name) for name in canaries)]
    outcome_lists = cluster.call_in_parallel(lambda step: step(), steps)
    return [outcome for outcomes in outcome_lists for outcome in outcomes]
