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
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..collector_change import Change
from .bundle_run import Bundle
from .canary import Canary

Ended = TypeVar("Ended")


def prepared_canaries(
    bundle: Bundle, changes: Iterable[Change], live: Mapping[Ref, Manifest | None]
) -> dict[str, Canary]:
    """Return the canaries among changes that make new pods, by the name of the collector.

    Raises Problem if one could not be judged.
    """
    canaries: list[Canary] = []
    for change in changes:
        now = live.get(ref(change.workloads[0]))
        if change.is_canary and now:
            canaries.append(Canary(bundle, change, now))
    make_pods = bundle.cluster.parallel(lambda canary: canary.prepare(), canaries)
    return {canary.change.name: canary for canary, makes in zip(canaries, make_pods, strict=True) if makes}


def judge_together(
    cluster: Cluster,
    canaries: Mapping[str, Canary],
    complete: Callable[[Canary], list[Ended]],
    fail: Callable[[str, Problem], Ended],
    beside: Callable[[], list[Ended]],
) -> list[Ended]:
    """Complete canaries at the same time, and do what is beside them. Return what became of all that are not complete.

    `fail` brings a canary back as soon as `complete` raises Problem for it.
    """

    def complete_or_fail(name: str) -> list[Ended]:
        try:
            return complete(canaries[name])
        except Problem as problem:
            return [fail(name, problem)]

    work: list[Callable[[], list[Ended]]] = [beside, *(partial(complete_or_fail, name) for name in canaries)]
    lists = cluster.parallel(lambda step: step(), work)
    return [ended for endings in lists for ended in endings]
