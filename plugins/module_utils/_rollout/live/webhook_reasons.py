# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why does a webhook not answer? Its CA, its Service, its pods, and the network between. Private.

`webhook_wait.py` asks this while it waits and when its time is over. _change asks it when a webhook hinders an object
that a run applies. A step is what has to happen before the webhook answers (webhook_steps.py). The report on pending
steps has lines for people, from the step to the pods that it needs:

    the fix of the step             ConfigMap obs/try: The pods must listen on port 9443. Check their log.
    why no pod can be behind it     There is no Service otel/hook.
    a workload behind a Service     Deployment otel/hook: 0 of 1 ready.
    a symptom of its pods           Wait for Deployment otel/hook: ErrImagePull: manifest unknown …
    the latest warnings             Pod hook-x7k2p: BackOff: Back-off pulling image …

A symptom is a fault of a workload or a pod (failures.py). A workload here is a Deployment, DaemonSet or StatefulSet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.namespaced_name import NamespacedName
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import ObjectRef, ref
from ..failures import Object, WorkloadSymptom
from ..readiness import describe_pod_counts, is_ready
from ..webhook_steps import PendingStep, build_silent_webhook_step
from ..webhooks import describe_pod_ports, selects_workload
from .allowed_reads import AllowedReads
from .explain_failures import WorkloadStatus
from .failure_texts import FailureResult, describe_symptoms, describe_unfinished
from .jmespath_search import compile_search
from .missing_ca import MissingCa


class PendingReport(NamedTuple):
    """Why steps are pending."""

    lines: list[str]
    """For people, each line once."""
    rows: list[FailureResult]
    """For the result of a task: a row for each step, or for each symptom."""


def explain_rejected_object(cluster: Cluster, error: ApiError, subject: ObjectRef) -> Problem:
    """Return why the server did not accept an object, with the reason in the cluster if a webhook did not answer."""
    if not error.is_webhook_error:
        return explain(error, f"Apply {subject}")
    # A report has every symptom, whether it lasts or not. So no grace period counts, and none is waited for.
    workload_status = WorkloadStatus(cluster, compile_search(), unschedulable_seconds=0)
    pending_step = build_silent_webhook_step(subject, error.message)
    report = WebhookReasons(cluster, workload_status).describe_steps([pending_step])
    wrong = f"an admission webhook does not answer: {pending_step.wrong}"
    return Failure(wrong, asked=f"Apply {subject}", fix="\n".join(report.lines), facts={"failures": report.rows})


class WebhookReasons:
    """Asks the cluster why steps are pending. It goes on without what this user may not read."""

    def __init__(self, cluster: Cluster, workload_status: WorkloadStatus) -> None:
        self.cluster, self.workload_status = cluster, workload_status
        self._reads = AllowedReads(cluster)
        self._missing_ca = MissingCa(self._reads)

    def fail_early(self, pending_steps: list[PendingStep]) -> None:
        """Raise Failure if the pods behind a webhook, or those that inject its CA, have a symptom that lasts."""
        symptoms = self._find_symptoms(self._list_unready_workloads(pending_steps))
        fatal_symptoms = self.workload_status.select_lasting(symptoms)
        if fatal_symptoms:
            raise self.workload_status.build_failure(fatal_symptoms)

    def describe_steps(self, pending_steps: list[PendingStep]) -> PendingReport:
        """Return why steps are pending: what each step lacks, then what is wrong with the workloads that they need."""
        workload_report = self._describe_workloads(self._list_unready_workloads(pending_steps))
        lines: list[str] = []
        rows: list[FailureResult] = []
        for step in pending_steps:
            step_lines = list(self._explain_step(step))
            lines += step_lines
            rows.append(_build_failure_row(step, step_lines))
        # Several steps may need the same Service, whose lines then come once for each.
        unique_lines = list(dict.fromkeys([*lines, *workload_report.lines]))
        return PendingReport(unique_lines, [*rows, *workload_report.rows])

    def _describe_workloads(self, unready_workloads: list[Object]) -> PendingReport:
        """Return how many pods of some workloads are ready, their symptoms, and the latest warnings about them."""
        symptom_rows, problems = describe_symptoms(self.cluster, self._find_symptoms(unready_workloads))
        lines = [f"{ref(workload)}: {describe_pod_counts(workload)}." for workload in unready_workloads]
        lines += [str(problem) for problem in problems]
        lines += describe_unfinished(unready_workloads, self.workload_status.list_events())
        return PendingReport(lines, symptom_rows)

    def read_endpoint_slices(self, service: NamespacedName) -> list[Object] | None:
        """Return the EndpointSlices of a Service; None if this user may not list them."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{service.namespace}/endpointslices"
        return self._reads.list_objects(path, {"labelSelector": f"kubernetes.io/service-name={service.name}"})

    # ── The pods of the webhook ──

    def _find_symptoms(self, workloads: list[Object]) -> list[WorkloadSymptom]:
        """Return the symptoms of some workloads; none if they cannot be found out."""
        if not workloads:
            return []
        try:
            return self.workload_status.find_current_symptoms(workloads)
        except Problem:
            # Such as for a user who may not list the pods there. The other lines of a report help all the same, and
            # a wait goes on until its time is over.
            return []

    def _list_unready_workloads(self, pending_steps: list[PendingStep]) -> list[Object]:
        """Return the workloads that pending steps need and that are not ready, each once."""
        services: set[NamespacedName] = set()
        for step in pending_steps:
            services.update(step.needed_services)
        needed_workloads: list[Object] = []
        for service in sorted(services):
            needed_workloads += self._list_workloads_behind(service)
        lacks_ca = any(step.configuration for step in pending_steps)
        if lacks_ca:
            needed_workloads += self._missing_ca.list_injectors()
        unique_workloads = {ref(workload): workload for workload in needed_workloads}.values()
        return [workload for workload in unique_workloads if not is_ready(workload)]

    def _list_workloads_behind(self, service: NamespacedName) -> list[Object]:
        """Return the workloads whose pods a Service selects."""
        live_service = self._read_service(service) or {}
        workloads = self._reads.list_workloads(service.namespace)
        return [workload for workload in workloads if selects_workload(live_service, workload)]

    def _read_service(self, service: NamespacedName) -> Object | None:
        return self._reads.read_object(f"/api/v1/namespaces/{service.namespace}/services/{service.name}")

    # ── Lines for people ──

    def _explain_step(self, step: PendingStep) -> Iterator[str]:
        """Yield why a step is pending, and how to go on."""
        if step.configuration:  # it lacks its CA, whose source alone says what to do
            yield f"{step.subject}: {self._missing_ca.explain(step.configuration)}"
            return
        if not step.needed_services:
            yield f"{step.subject}: {step.fix}"
            return
        for service in step.needed_services:
            pod_port = describe_pod_ports(self.read_endpoint_slices(service) or [])
            yield f"{step.subject}: {step.fix.format(port=pod_port)}"
        for service in step.needed_services:
            yield from self._explain_service(service)

    def _explain_service(self, service: NamespacedName) -> Iterator[str]:
        """Yield why no pod is behind a Service; nothing if there may be one."""
        live_service = self._read_service(service)
        if not live_service:
            yield f"There is no Service {service}."
        # Somebody else writes the endpoints of a Service without a selector.
        elif live_service["spec"].get("selector") and not self._list_workloads_behind(service):
            yield f"The Service {service} selects the pods of no Deployment, DaemonSet or StatefulSet."


def _build_failure_row(step: PendingStep, lines: list[str]) -> FailureResult:
    """Return a step as a row of a task's result. A step is of no pod, so the fields about pods are empty."""
    return {
        "id": step.id,
        "kind": step.subject.kind,
        "namespace": step.subject.namespace,
        "name": step.subject.name,
        "of": "",
        "pod": "",
        "node": "",
        "container": "",
        "log": [],
        "reason": step.id,
        "message": step.wrong,
        "fix": "\n".join(lines),
    }
