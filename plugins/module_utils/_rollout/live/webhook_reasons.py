# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a webhook does not answer: its CA, its Service, its pods, and the way to them. Private."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..._kube.conditions import find_condition
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import METADATA, ApiError, Cluster
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import ObjectRef, ref
from ..failures import Object
from ..readiness import describe_pod_counts, is_ready
from ..webhooks import (
    ALLOW_INJECTION,
    CAINJECTOR,
    INJECT_CERTIFICATE,
    INJECT_SECRET,
    OTHER_INJECTORS,
    WEBHOOK_CAUSES,
    describe_pod_ports,
    find_injection_request,
    find_unreachable_service,
    find_webhook_cause,
    selects_workload,
)
from .explain_failures import WorkloadStatus
from .failure_texts import FoundSymptoms, describe_symptoms, describe_unfinished
from .jmespath_search import compile_search

CERTIFICATES = "/apis/cert-manager.io/v1"
PLURALS_OF_WORKLOADS = {"Deployment": "deployments", "DaemonSet": "daemonsets", "StatefulSet": "statefulsets"}
# Enough to see whether a Secret is there and what it says of itself; its values stay on the server.

Service = tuple[str, str]


class PendingStep(NamedTuple):
    """One step that hangs: the step, the object, the problem, and the required Services."""

    id: str
    subject: ObjectRef
    wrong: str
    needed_services: tuple[Service, ...] = ()
    configuration: Object | None = None


def describe_silent_webhook(error: ApiError, subject: ObjectRef) -> PendingStep:
    """Return what it means that a webhook does not answer."""
    service, webhook_cause = find_unreachable_service(error.message), find_webhook_cause(error.message)
    services = (service,) if service else ()
    return PendingStep(webhook_cause.id, subject, f"{webhook_cause.text} ({error.message})", needed_services=services)


def explain_rejected_object(cluster: Cluster, error: ApiError, subject: ObjectRef) -> Problem:
    """Return why an object was not accepted; for a silent webhook with the reason behind it."""
    if not error.is_webhook_error:
        return explain(error, f"Apply {subject}")
    reasons = WebhookReasons(cluster, WorkloadStatus(cluster, compile_search({}), unschedulable_seconds=0))
    pending_step = describe_silent_webhook(error, subject)
    lines, failures = reasons.describe_steps([pending_step])
    wrong = f"an admission webhook does not answer: {pending_step.wrong}"
    return Failure(wrong, asked=f"Apply {subject}", fix="\n".join(lines), facts={"failures": failures})


class WebhookReasons:
    """Asks the cluster why something hangs. What this user may not see is no reason to fail."""

    def __init__(self, cluster: Cluster, workload_status: WorkloadStatus) -> None:
        self.cluster, self.workload_status = cluster, workload_status

    def fail_early(self, pending_steps: list[PendingStep]) -> None:
        """Fail when the pods of a webhook, or those that inject its CA, cannot work."""
        fatal_symptoms = self.workload_status.select_lasting(
            self._find_symptoms(self._list_unready_workloads(pending_steps))
        )
        if fatal_symptoms:
            raise self.workload_status.build_failure(fatal_symptoms)

    def describe_steps(self, pending_steps: list[PendingStep]) -> tuple[list[str], list[dict[str, Any]]]:
        """Return for people and for machines what hangs and why."""
        unready_workloads = self._list_unready_workloads(pending_steps)
        symptom_rows, problems = describe_symptoms(self.cluster, self._find_symptoms(unready_workloads))
        lines: list[str] = []
        step_rows = []
        for step in pending_steps:
            step_lines = self._explain_step(step)
            lines += step_lines
            step_rows.append(_build_failure_row(step, step_lines))
        lines += [f"{ref(workload)}: {describe_pod_counts(workload)}." for workload in unready_workloads]
        lines += [str(problem) for problem in problems]
        lines += describe_unfinished(unready_workloads, self.workload_status.list_events())
        return list(dict.fromkeys(lines)), step_rows + symptom_rows

    def read_endpoint_slices(self, service: Service) -> list[Object]:
        """Return where a Service sends to; one slice without a word when that is not to be seen."""
        namespace, name = service
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        endpoint_slices = self._list_if_allowed(path, {"labelSelector": f"kubernetes.io/service-name={name}"})
        return [{"endpoints": [{}]}] if endpoint_slices is None else endpoint_slices

    def _find_symptoms(self, workloads: list[Object]) -> FoundSymptoms:
        try:
            return self.workload_status.find_current_symptoms(workloads) if workloads else []
        except Problem:  # this user may not list pods there
            return []

    def _list_unready_workloads(self, pending_steps: list[PendingStep]) -> list[Object]:
        """Return the workloads that something pending needs and that are not rolled out."""
        services: set[Service] = set()
        for step in pending_steps:
            services.update(step.needed_services)
        needed_workloads: list[Object] = []
        for service in sorted(services):
            needed_workloads += self._list_workloads_behind(service)
        if any(step.id == "ca" for step in pending_steps):
            needed_workloads += self._list_injectors()
        unique_workloads = {ref(workload): workload for workload in needed_workloads}.values()
        return [workload for workload in unique_workloads if not is_ready(workload)]

    def _list_workloads_behind(self, service: Service) -> list[Object]:
        namespace, name = service
        live_service = self._read_if_allowed(f"/api/v1/namespaces/{namespace}/services/{name}")
        return [
            workload
            for workload in self._list_workloads(f"/namespaces/{namespace}")
            if selects_workload(live_service or {}, workload)
        ]

    def _list_injectors(self) -> list[Object]:
        return self._list_workloads("", {"labelSelector": CAINJECTOR})

    def _list_workloads(self, scope: str, query: dict[str, Any] | None = None) -> list[Object]:
        workloads: list[Object] = []
        for kind, plural in PLURALS_OF_WORKLOADS.items():
            for workload in self._list_if_allowed(f"/apis/apps/v1{scope}/{plural}", query) or []:
                workloads.append({**workload, "apiVersion": "apps/v1", "kind": kind})
        return workloads

    def _list_if_allowed(self, path: str, query: dict[str, Any] | None = None) -> list[Object] | None:
        try:
            return list(self.cluster.items(path, query))
        except ApiError:
            return None

    def _read_if_allowed(self, path: str) -> Object | None:
        try:
            return self.cluster.get(path)
        except ApiError:
            return None

    def _explain_step(self, step: PendingStep) -> list[str]:
        """Return for people why a step hangs, and how to go on."""
        if step.configuration:
            return [f"{step.subject}: {self._explain_missing_ca(step.configuration)}"]
        fix = FIXES_OF_STEPS.get(step.id) or _FIXES_OF_CAUSES[step.id]
        if not step.needed_services:
            is_about_pods = "{port}" in fix
            return [f"{step.subject}: {_FIX_OF_URL if is_about_pods else fix}"]
        lines = []
        for service in step.needed_services:
            pod_ports = describe_pod_ports(self.read_endpoint_slices(service))
            lines.append(f"{step.subject}: {fix.format(service='/'.join(service), port=pod_ports)}")
        for service in step.needed_services:
            lines += self._explain_service(service)
        return lines

    def _explain_service(self, service: Service) -> Iterable[str]:
        namespace, name = service
        live_service = self._read_if_allowed(f"/api/v1/namespaces/{namespace}/services/{name}")
        if not live_service:
            yield f"There is no Service {namespace}/{name}."
        elif live_service["spec"].get("selector") and not self._list_workloads_behind(service):
            yield f"The Service {namespace}/{name} selects the pods of no Deployment, DaemonSet or StatefulSet."

    def _explain_missing_ca(self, configuration: Object) -> str:
        """Return why a configuration has no CA of its webhook."""
        annotation, value = find_injection_request(configuration)
        if not annotation:
            return (
                f"it has no annotation {INJECT_CERTIFICATE}, so cert-manager leaves it alone."
                " Add it (NAMESPACE/CERTIFICATE), or set caBundle."
            )
        if annotation in OTHER_INJECTORS:
            return f"{annotation} asks the platform for it; look at the operator that does it there."
        namespace, _slash, name = value.partition("/")
        obstacle = ""
        if annotation == INJECT_CERTIFICATE:
            obstacle = self._explain_certificate(namespace, name)
        elif annotation == INJECT_SECRET:
            obstacle = self._explain_secret(namespace, name)
        return obstacle or self._explain_injector(annotation, value)

    def _explain_certificate(self, namespace: str, name: str) -> str:
        """Return why a CA cannot come from a Certificate, or an empty string."""
        description = f"the Certificate {namespace}/{name} that {INJECT_CERTIFICATE} names"
        try:
            certificate = self.cluster.get(f"{CERTIFICATES}/namespaces/{namespace}/certificates/{name}")
        except ApiError as error:
            return f"{description} cannot be read: {error.message}."
        if certificate is None:
            listed_certificates = self._list_if_allowed(f"{CERTIFICATES}/certificates", {"limit": 1})
            return (
                f"{description} does not exist."
                if listed_certificates is not None
                else "cert-manager is not installed here."
            )
        ready_condition = find_condition(certificate, "Ready")
        if ready_condition.get("status") == "True":
            return ""
        condition_texts = [text for text in (ready_condition.get("reason"), ready_condition.get("message")) if text]
        reason = ": ".join(condition_texts) or "no controller has processed it"
        return f"{description} is not ready ({reason}). See `kubectl -n {namespace} describe certificate {name}`."

    def _explain_secret(self, namespace: str, name: str) -> str:
        """Return why a CA cannot come from a Secret, or an empty string."""
        description = f"the Secret {namespace}/{name} that {INJECT_SECRET} names"
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        try:
            secret = self.cluster.request("GET", path, accept=METADATA)
        except ApiError as error:
            return f"{description} cannot be read: {error.message}."
        injection_allowed = (secret["metadata"].get("annotations") or {}).get(ALLOW_INJECTION)
        return "" if injection_allowed == "true" else f'{description} has no annotation {ALLOW_INJECTION}: "true".'

    def _explain_injector(self, annotation: str, value: str) -> str:
        """Return what the program that injects CAs lacks, given that its source is there."""
        injectors = self._list_injectors()
        if not injectors:
            return f"the cluster has no cainjector of cert-manager, and {annotation} needs one."
        injector_states = ", ".join(f"{ref(workload)}: {describe_pod_counts(workload)}" for workload in injectors)
        if not any((workload.get("status") or {}).get("availableReplicas") for workload in injectors):
            return (
                f"{annotation} names {value}, which is there, but the cainjector does not run ({injector_states})."
                " Start it."
            )
        return f"{annotation} names {value}, which is there; look at the log of the cainjector ({injector_states})."


def _build_failure_row(step: PendingStep, lines: list[str]) -> dict[str, Any]:
    """Return the row of a task's result."""
    empty_fields = {"of": "", "pod": "", "node": "", "container": "", "log": []}
    return {
        "id": step.id,
        **step.subject._asdict(),
        **empty_fields,
        "reason": step.id,
        "message": step.wrong,
        "fix": "\n".join(lines),
    }


# A webhook with a URL in place of a Service has no pods that could be told of.
_FIX_OF_URL = "Let the control plane reach the URL of the webhook, and look at the log of what listens there."
_FIXES_OF_CAUSES = {row.id: row.fix for row in WEBHOOK_CAUSES}


FIXES_OF_STEPS = {
    "missing": "Apply it; no controller creates it.",
    "kind_missing": "Install its CustomResourceDefinition, and look at its conditions.",
    "server": "Look at the API server's log.",
}
