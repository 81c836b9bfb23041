# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a webhook does not answer: its CA, its Service, its pods, and the way to them. Private.

`webhook_wait.py` asks this while it waits, and apply.py of _change when a webhook rejects an object.

A step is what has to happen before the API server calls the webhook with success, such as `the Service has a ready
pod`; a step that has not happened is a `PendingStep`. The fix of a step comes from one of three places, by its `id`:

| id | from where | fix |
|---|---|---|
| `missing`, `kind_missing`, `server` | `webhook_wait.py` | FIXES_OF_STEPS, at the end of this file |
| such as `no_endpoints` | a row of WEBHOOK_CAUSES that fits the API server's answer | the fix of that row |
| `ca` | `webhook_wait.py`: a webhook configuration without a CA | `_explain_missing_ca` looks for the reason |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..._kube.conditions import find_condition
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import METADATA, ApiError, Cluster
from ..._kube.namespaced_name import NamespacedName
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
from .failure_texts import FailureFact, FoundSymptoms, describe_symptoms, describe_unfinished
from .jmespath_search import compile_search

CERTIFICATES = "/apis/cert-manager.io/v1"
PLURALS_OF_WORKLOADS = {"Deployment": "deployments", "DaemonSet": "daemonsets", "StatefulSet": "statefulsets"}


class PendingStep(NamedTuple):
    """What hangs before a webhook lets an object pass."""

    id: str
    """A key of FIXES_OF_STEPS, the id of a row of WEBHOOK_CAUSES, or `ca` for a missing CA."""
    subject: ObjectRef
    """The object that has to pass, or the configuration of the webhook."""
    wrong: str
    """What is wrong, in words, with the answer of the API server if there is one."""
    needed_services: tuple[NamespacedName, ...] = ()
    """The Services whose pods must answer; empty if none is known, such as for a webhook with a URL."""
    configuration: Object | None = None
    """The webhook configuration that has no CA, for the step `ca`; None for any other step."""


def describe_silent_webhook(error: ApiError, subject: ObjectRef) -> PendingStep:
    """Return the step that hangs because a webhook does not answer."""
    webhook_cause = find_webhook_cause(error.message)
    service = find_unreachable_service(error.message)
    services = (service,) if service else ()
    return PendingStep(webhook_cause.id, subject, f"{webhook_cause.text} ({error.message})", needed_services=services)


def explain_rejected_object(cluster: Cluster, error: ApiError, subject: ObjectRef) -> Problem:
    """Return why the server did not accept an object, with the reason in the cluster if a webhook did not answer."""
    if not error.is_webhook_error:
        return explain(error, f"Apply {subject}")
    reasons = WebhookReasons(cluster, WorkloadStatus(cluster, compile_search({}), unschedulable_seconds=0))
    pending_step = describe_silent_webhook(error, subject)
    lines, failures = reasons.describe_steps([pending_step])
    wrong = f"an admission webhook does not answer: {pending_step.wrong}"
    return Failure(wrong, asked=f"Apply {subject}", fix="\n".join(lines), facts={"failures": failures})


class WebhookReasons:
    """Asks the cluster why steps hang. It goes on without what this user may not read.

    A workload here is a Deployment, DaemonSet or StatefulSet, as the API server returns it.
    """

    def __init__(self, cluster: Cluster, workload_status: WorkloadStatus) -> None:
        self.cluster, self.workload_status = cluster, workload_status

    def fail_early(self, pending_steps: list[PendingStep]) -> None:
        """Raise Failure if the pods of a webhook, or those that inject its CA, cannot work."""
        symptoms = self._find_symptoms(self._list_unready_workloads(pending_steps))
        fatal_symptoms = self.workload_status.select_lasting(symptoms)
        if fatal_symptoms:
            raise self.workload_status.build_failure(fatal_symptoms)

    def describe_steps(self, pending_steps: list[PendingStep]) -> tuple[list[str], list[FailureFact]]:
        """Return what hangs and why: as lines for people, and as rows of a task's result."""
        unready_workloads = self._list_unready_workloads(pending_steps)
        symptom_rows, problems = describe_symptoms(self.cluster, self._find_symptoms(unready_workloads))
        lines: list[str] = []
        step_rows: list[FailureFact] = []
        for step in pending_steps:
            step_lines = self._explain_step(step)
            lines += step_lines
            step_rows.append(_build_failure_row(step, step_lines))
        lines += [f"{ref(workload)}: {describe_pod_counts(workload)}." for workload in unready_workloads]
        lines += [str(problem) for problem in problems]
        lines += describe_unfinished(unready_workloads, self.workload_status.list_events())
        return list(dict.fromkeys(lines)), step_rows + symptom_rows

    def read_endpoint_slices(self, service: NamespacedName) -> list[Object]:
        """Return the EndpointSlices of a Service.

        If this user may not list them, return one with an endpoint without conditions: `has_ready_endpoint` of
        webhooks.py takes that for ready, so nobody waits for what nobody may see.
        """
        path = f"/apis/discovery.k8s.io/v1/namespaces/{service.namespace}/endpointslices"
        query = {"labelSelector": f"kubernetes.io/service-name={service.name}"}
        endpoint_slices = self._list_if_allowed(path, query)
        return [{"endpoints": [{}]}] if endpoint_slices is None else endpoint_slices

    def _find_symptoms(self, workloads: list[Object]) -> FoundSymptoms:
        try:
            return self.workload_status.find_current_symptoms(workloads) if workloads else []
        except Problem:  # this user may not list pods there
            return []

    def _list_unready_workloads(self, pending_steps: list[PendingStep]) -> list[Object]:
        """Return the workloads that pending steps need and that are not ready, each once."""
        services: set[NamespacedName] = set()
        for step in pending_steps:
            services.update(step.needed_services)
        needed_workloads: list[Object] = []
        for service in sorted(services):
            needed_workloads += self._list_workloads_behind(service)
        if any(step.id == "ca" for step in pending_steps):
            needed_workloads += self._list_injectors()
        unique_workloads = {ref(workload): workload for workload in needed_workloads}.values()
        return [workload for workload in unique_workloads if not is_ready(workload)]

    def _list_workloads_behind(self, service: NamespacedName) -> list[Object]:
        """Return the workloads whose pods a Service selects."""
        live_service = self._read_service(service) or {}
        workloads = self._list_workloads(f"/namespaces/{service.namespace}")
        return [workload for workload in workloads if selects_workload(live_service, workload)]

    def _read_service(self, service: NamespacedName) -> Object | None:
        return self._read_if_allowed(f"/api/v1/namespaces/{service.namespace}/services/{service.name}")

    def _list_injectors(self) -> list[Object]:
        """Return the workloads of cert-manager that write CAs into webhook configurations."""
        return self._list_workloads("", {"labelSelector": CAINJECTOR})

    def _list_workloads(self, scope: str, query: dict[str, Any] | None = None) -> list[Object]:
        """Return the workloads of a scope: `/namespaces/NAME`, or an empty text for all namespaces."""
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
            # A fix with the field {port} tells what to do with the port of pods, and here no pods are known.
            is_about_pods = "{port}" in fix
            return [f"{step.subject}: {_FIX_OF_URL if is_about_pods else fix}"]
        lines = []
        for service in step.needed_services:
            pod_ports = describe_pod_ports(self.read_endpoint_slices(service))
            lines.append(f"{step.subject}: {fix.format(service=str(service), port=pod_ports)}")
        for service in step.needed_services:
            lines += self._explain_service(service)
        return lines

    def _explain_service(self, service: NamespacedName) -> Iterable[str]:
        """Yield why no pod is behind a Service; nothing if there may be one."""
        live_service = self._read_service(service)
        if not live_service:
            yield f"There is no Service {service}."
        elif live_service["spec"].get("selector") and not self._list_workloads_behind(service):
            yield f"The Service {service} selects the pods of no Deployment, DaemonSet or StatefulSet."

    def _explain_missing_ca(self, configuration: Object) -> str:
        """Return why a configuration has no CA of its webhook, as the rest of a sentence about the configuration.

        The annotation of the configuration names the source of the CA: a Certificate, a Secret or the platform. If the
        source is as it should be, the fault is at the injector, which copies the CA from there.
        """
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
            if self._list_if_allowed(f"{CERTIFICATES}/certificates", {"limit": 1}) is None:
                return "cert-manager is not installed here."
            return f"{description} does not exist."
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
            # The metadata are enough, so the values of the Secret stay on the server.
            secret = self.cluster.request("GET", path, accept=METADATA)
        except ApiError as error:
            return f"{description} cannot be read: {error.message}."
        injection_allowed = (secret["metadata"].get("annotations") or {}).get(ALLOW_INJECTION)
        return "" if injection_allowed == "true" else f'{description} has no annotation {ALLOW_INJECTION}: "true".'

    def _explain_injector(self, annotation: str, value: str) -> str:
        """Return what is wrong with the cainjector; `value` is the source of the CA that the annotation names."""
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


def _build_failure_row(step: PendingStep, lines: list[str]) -> FailureFact:
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


# What to do if a webhook has a URL in place of a Service: then no pods are known whose port could be named.
_FIX_OF_URL = "Let the control plane reach the URL of the webhook, and look at the log of what listens there."
_FIXES_OF_CAUSES = {row.id: row.fix for row in WEBHOOK_CAUSES}


# The fixes of the steps that `webhook_wait.py` finds by itself, by the id of the step.
FIXES_OF_STEPS = {
    "missing": "Apply it; no controller creates it.",
    "kind_missing": "Install its CustomResourceDefinition, and look at its conditions.",
    "server": "Look at the API server's log.",
}
