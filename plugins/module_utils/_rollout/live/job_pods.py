# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of a Job that a run has made, while the run waits for them. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..._kube.live.cluster import Cluster
from ..._otelcol.config.paths import items
from ..._otelcol.kube.objects import Manifest
from ..failures import Symptom
from .explain_failures import WorkloadStatus
from .jmespath_search import checked_search

UNSCHEDULABLE_SECONDS = 30.0


def _as_it_is(symptom: Symptom) -> Symptom:
    return symptom


def polled_pods(
    cluster: Cluster, job: Manifest, seconds: float, fitting: Callable[[Symptom], Symptom] = _as_it_is
) -> Iterator[list[Manifest]]:
    """Yield the pods of a Job, again and again until the time is over.

    Raises Failure, with symptoms as `fitting` returns them, for what keeps its pods from running.
    """
    look = WorkloadStatus(cluster, checked_search({}), unschedulable_seconds=UNSCHEDULABLE_SECONDS)
    for _poll in cluster.polls(seconds):
        fatal = look.lasting(look.current_symptoms([job]))
        if fatal:
            raise look.failure([(workload, fitting(symptom)) for workload, symptom in fatal])
        yield [pod for pod in look.objects_read("Pod") if _is_of(pod, job)]


def _is_of(pod: Manifest, job: Manifest) -> bool:
    return any(owner["uid"] == job["metadata"]["uid"] for owner in items(pod, "metadata", "ownerReferences"))
