# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of a Job that a run has made, while the run waits for them. Private.

The caller takes from the pods what it waits for, such as their logs. A symptom is a fault that keeps pods from running
(failures.py). One that lasts ends the wait. A caller that knows more about its Job than the table of faults gives
`adapt_symptom`, which returns a symptom with another fix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..._kube.live.cluster import Cluster
from ..._otelcol.config.paths import list_at
from ..._otelcol.kube.objects import Manifest
from ..failures import Symptom, WorkloadSymptom
from .explain_failures import WorkloadStatus
from .jmespath_search import compile_search

# For how long a pod of the Job may find no node.
UNSCHEDULABLE_SECONDS = 30.0


def _keep_symptom(symptom: Symptom) -> Symptom:
    return symptom


def poll_job_pods(
    cluster: Cluster, job: Manifest, timeout_seconds: float, adapt_symptom: Callable[[Symptom], Symptom] = _keep_symptom
) -> Iterator[list[Manifest]]:
    """Yield the pods of a Job, again and again until the time is over.

    Raises Failure, with symptoms as `adapt_symptom` returns them, for what keeps its pods from running.
    """
    workload_status = WorkloadStatus(cluster, compile_search(), unschedulable_seconds=UNSCHEDULABLE_SECONDS)
    for _poll in cluster.iter_polls(timeout_seconds):
        fatal_symptoms = workload_status.select_lasting(workload_status.find_current_symptoms([job]))
        if fatal_symptoms:
            raise workload_status.build_failure(
                [WorkloadSymptom(workload, adapt_symptom(symptom)) for workload, symptom in fatal_symptoms]
            )
        yield [pod for pod in workload_status.list_read_objects("Pod") if _is_owned_by_job(pod, job)]


def _is_owned_by_job(pod: Manifest, job: Manifest) -> bool:
    return any(owner["uid"] == job["metadata"]["uid"] for owner in list_at(pod, "metadata", "ownerReferences"))
