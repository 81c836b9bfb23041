# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a webhook does not answer: its CA, its Service, its pods, and the way to them. Private."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..._kube.conditions import condition_of
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import METADATA, ApiError, Cluster
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Ref, ref
from ..failures import Object
from ..readiness import count, is_ready
from ..webhooks import (
    ALLOW_INJECTION,
    CAINJECTOR,
    CAUSES,
    INJECT_CERTIFICATE,
    INJECT_SECRET,
    OTHER_INJECTORS,
    cause,
    injector,
    port,
    selects,
    service_in,
)
from .explain_failures import WorkloadStatus
from .failure_texts import Found, described, unfinished
from .jmespath_search import checked_search

CERTIFICATES = "/apis/cert-manager.io/v1"
WORKLOADS = {"Deployment": "deployments", "DaemonSet": "daemonsets", "StatefulSet": "statefulsets"}
# Enough to see whether a Secret is there and what it says of itself; its values stay on the server.

Service = tuple[str, str]


class Pending(NamedTuple):
    """One step that hangs: the step, the object, the problem, and the required Services."""

    id: str
    subject: Ref
    wrong: str
    services: tuple[Service, ...] = ()
    configuration: Object | None = None


def silent(error: ApiError, name: Ref) -> Pending:
    """Return what it means that a webhook does not answer."""
    service, row = service_in(error.message), cause(error.message)
    services = (service,) if service else ()
    return Pending(row.id, name, f"{row.text} ({error.message})", services=services)


def unanswered(cluster: Cluster, error: ApiError, name: Ref) -> Problem:
    """Return why an object was not accepted; for a silent webhook with the reason behind it."""
    if not error.of_webhook:
        return explain(error, f"Apply {name}")
    reasons = Reasons(cluster, WorkloadStatus(cluster, checked_search({}), unschedulable_seconds=0))
    pending = silent(error, name)
    lines, failures = reasons.describe([pending])
    wrong = f"an admission webhook does not answer: {pending.wrong}"
    return Failure(wrong, asked=f"Apply {name}", fix="\n".join(lines), facts={"failures": failures})


class Reasons:
    """Asks the cluster why something hangs. What this user may not see is no reason to fail."""

    def __init__(self, cluster: Cluster, look: WorkloadStatus) -> None:
        self.cluster, self.look = cluster, look

    def fail_early(self, pending: list[Pending]) -> None:
        """Fail when the pods of a webhook, or those that inject its CA, cannot work."""
        fatal = self.look.lasting(self._symptoms(self._unready(pending)))
        if fatal:
            raise self.look.failure(fatal)

    def describe(self, pending: list[Pending]) -> tuple[list[str], list[dict[str, Any]]]:
        """Return for people and for machines what hangs and why."""
        late = self._unready(pending)
        facts, problems = described(self.cluster, self._symptoms(late))
        lines: list[str] = []
        steps = []
        for step in pending:
            lines_of_step = self._lines(step)
            lines += lines_of_step
            steps.append(_fact(step, lines_of_step))
        lines += [f"{ref(workload)}: {count(workload)}." for workload in late]
        lines += [str(problem) for problem in problems]
        lines += unfinished(late, self.look.events())
        return list(dict.fromkeys(lines)), steps + facts

    def slices(self, service: Service) -> list[Object]:
        """Return where a Service sends to; one slice without a word when that is not to be seen."""
        namespace, name = service
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        found = self._listed(path, {"labelSelector": f"kubernetes.io/service-name={name}"})
        return [{"endpoints": [{}]}] if found is None else found

    def _symptoms(self, workloads: list[Object]) -> Found:
        try:
            return self.look.current_symptoms(workloads) if workloads else []
        except Problem:  # this user may not list pods there
            return []

    def _unready(self, pending: list[Pending]) -> list[Object]:
        """Return the workloads that something pending needs and that are not rolled out."""
        services: set[Service] = set()
        for step in pending:
            services.update(step.services)
        needed: list[Object] = []
        for service in sorted(services):
            needed += self._behind(service)
        if any(step.id == "ca" for step in pending):
            needed += self._injectors()
        unique = {ref(workload): workload for workload in needed}.values()
        return [workload for workload in unique if not is_ready(workload)]

    def _behind(self, service: Service) -> list[Object]:
        namespace, name = service
        selecting = self._get(f"/api/v1/namespaces/{namespace}/services/{name}")
        return [item for item in self._workloads(f"/namespaces/{namespace}") if selects(selecting or {}, item)]

    def _injectors(self) -> list[Object]:
        return self._workloads("", {"labelSelector": CAINJECTOR})

    def _workloads(self, scope: str, query: dict[str, Any] | None = None) -> list[Object]:
        workloads: list[Object] = []
        for kind, plural in WORKLOADS.items():
            for workload in self._listed(f"/apis/apps/v1{scope}/{plural}", query) or []:
                workloads.append({**workload, "apiVersion": "apps/v1", "kind": kind})
        return workloads

    def _listed(self, path: str, query: dict[str, Any] | None = None) -> list[Object] | None:
        try:
            return list(self.cluster.items(path, query))
        except ApiError:
            return None

    def _get(self, path: str) -> Object | None:
        try:
            return self.cluster.get(path)
        except ApiError:
            return None

    def _lines(self, step: Pending) -> list[str]:
        """Return for people why a step hangs, and how to go on."""
        if step.configuration:
            return [f"{step.subject}: {self._uninjected(step.configuration)}"]
        fix = FIXES.get(step.id) or _FIX_OF_CAUSE[step.id]
        if not step.services:
            return [f"{step.subject}: {fix.format(service='/', port='')}"]
        lines = []
        for service in step.services:
            number = port(self.slices(service))
            lines.append(f"{step.subject}: {fix.format(service='/'.join(service), port=number)}")
        for service in step.services:
            lines += self._lines_of_service(service)
        return lines

    def _lines_of_service(self, service: Service) -> Iterable[str]:
        namespace, name = service
        live = self._get(f"/api/v1/namespaces/{namespace}/services/{name}")
        if not live:
            yield f"There is no Service {namespace}/{name}."
        elif live["spec"].get("selector") and not self._behind(service):
            yield f"The Service {namespace}/{name} selects the pods of no Deployment, DaemonSet or StatefulSet."

    def _uninjected(self, configuration: Object) -> str:
        """Return why a configuration has no CA of its webhook."""
        annotation, value = injector(configuration)
        if not annotation:
            return (
                f"it has no annotation {INJECT_CERTIFICATE}, so cert-manager leaves it alone."
                " Add it (NAMESPACE/CERTIFICATE), or set caBundle."
            )
        if annotation in OTHER_INJECTORS:
            return f"{annotation} asks the platform for it; look at the operator that does it there."
        namespace, _slash, name = value.partition("/")
        wrong = ""
        if annotation == INJECT_CERTIFICATE:
            wrong = self._certificate(namespace, name)
        elif annotation == INJECT_SECRET:
            wrong = self._secret(namespace, name)
        return wrong or self._injector(annotation, value)

    def _certificate(self, namespace: str, name: str) -> str:
        """Return why a CA cannot come from a Certificate, or an empty string."""
        told_as = f"the Certificate {namespace}/{name} that {INJECT_CERTIFICATE} names"
        try:
            certificate = self.cluster.get(f"{CERTIFICATES}/namespaces/{namespace}/certificates/{name}")
        except ApiError as error:
            return f"{told_as} cannot be read: {error.message}."
        if certificate is None:
            served = self._listed(f"{CERTIFICATES}/certificates", {"limit": 1})
            return f"{told_as} does not exist." if served is not None else "cert-manager is not installed here."
        ready = condition_of(certificate, "Ready")
        if ready.get("status") == "True":
            return ""
        said = [text for text in (ready.get("reason"), ready.get("message")) if text]
        why = ": ".join(said) or "no controller has processed it"
        return f"{told_as} is not ready ({why}). See `kubectl -n {namespace} describe certificate {name}`."

    def _secret(self, namespace: str, name: str) -> str:
        """Return why a CA cannot come from a Secret, or an empty string."""
        told_as = f"the Secret {namespace}/{name} that {INJECT_SECRET} names"
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        try:
            answer = self.cluster.request("GET", path, accept=METADATA)
        except ApiError as error:
            return f"{told_as} cannot be read: {error.message}."
        allowed = (answer["metadata"].get("annotations") or {}).get(ALLOW_INJECTION)
        return "" if allowed == "true" else f'{told_as} has no annotation {ALLOW_INJECTION}: "true".'

    def _injector(self, annotation: str, value: str) -> str:
        """Return what the program that injects CAs lacks, given that its source is there."""
        injectors = self._injectors()
        if not injectors:
            return f"the cluster has no cainjector of cert-manager, and {annotation} needs one."
        states = ", ".join(f"{ref(workload)}: {count(workload)}" for workload in injectors)
        if not any((workload.get("status") or {}).get("availableReplicas") for workload in injectors):
            return f"{annotation} names {value}, which is there, but the cainjector does not run ({states}). Start it."
        return f"{annotation} names {value}, which is there; look at the log of the cainjector ({states})."


def _fact(step: Pending, lines: list[str]) -> dict[str, Any]:
    """Return the row of a task's result."""
    empty = {"of": "", "pod": "", "node": "", "container": "", "log": []}
    return {
        "id": step.id,
        **step.subject._asdict(),
        **empty,
        "reason": step.id,
        "message": step.wrong,
        "fix": "\n".join(lines),
    }


_FIX_OF_CAUSE = {row.id: row.fix for row in CAUSES}


FIXES = {
    "missing": "Apply it; no controller creates it.",
    "kind_missing": "Install its CustomResourceDefinition, and look at its conditions.",
    "server": "Look at the API server's log.",
}
