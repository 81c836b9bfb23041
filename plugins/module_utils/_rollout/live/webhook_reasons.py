# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a webhook does not answer: its CA, its Service, its pods, and the way to them. Private."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

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
from .explain_failures import Found, WorkloadStatus, checked_search, described, unfinished

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
    service, found = service_in(error.message), cause(error.message)
    return Pending(found.id, name, f"{found.text} ({error.message})", services=(service,) if service else ())


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
        lines = [line for item in pending for line in self._lines(item)]
        counts = [f"{ref(workload)}: {count(workload)}." for workload in late]
        notes = [str(problem) for problem in problems] + unfinished(late, self.look.events())
        steps = [_fact(item, self._lines(item)) for item in pending]
        return list(dict.fromkeys([*lines, *counts, *notes])), steps + facts

    def slices(self, service: Service) -> list[Object]:
        """Return where a Service sends to; one slice without a word when that is not to be seen."""
        namespace, name = service
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        found = self._listed(path, {"labelSelector": f"kubernetes.io/service-name={name}"})
        return [{"endpoints": [{}]}] if found is None else found

    def _symptoms(self, workloads: list[Object]) -> Found:
        try:
            return self.look.at(workloads) if workloads else []
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

    def _lines(self, item: Pending) -> list[str]:
        if item.configuration:
            return [f"{item.subject}: {self._uninjected(item.configuration)}"]
        fixes = {row.id: row.fix for row in CAUSES} | FIXES
        where = [(service, port(self.slices(service))) for service in item.services] or [(("", ""), "")]
        return [
            f"{item.subject}: {fixes[item.id].format(service='/'.join(service), port=number)}"
            for service, number in where
        ] + [line for service in item.services for line in self._service(service)]

    def _service(self, service: Service) -> Iterable[str]:
        found = self._get(f"/api/v1/namespaces/{service[0]}/services/{service[1]}")
        if not found:
            yield f"There is no Service {'/'.join(service)}."
        elif found["spec"].get("selector") and not self._behind(service):
            yield f"The Service {'/'.join(service)} selects the pods of no Deployment, DaemonSet or StatefulSet."

    def _uninjected(self, configuration: Object) -> str:
        annotation, value = injector(configuration)
        if not annotation:
            return (
                f"it has no annotation {INJECT_CERTIFICATE}, so cert-manager leaves it alone."
                " Add it (NAMESPACE/CERTIFICATE), or set caBundle."
            )
        if annotation in OTHER_INJECTORS:
            return f"{annotation} asks the platform for it; look at the operator that does it there."
        namespace, _slash, name = value.partition("/")
        source = {INJECT_CERTIFICATE: self._certificate, INJECT_SECRET: self._secret}.get(annotation)
        return (source(namespace, name) if source else "") or self._injector(annotation, value)

    def _certificate(self, namespace: str, name: str) -> str:
        told_as = f"the Certificate {namespace}/{name} that {INJECT_CERTIFICATE} names"
        try:
            found = self.cluster.get(f"{CERTIFICATES}/namespaces/{namespace}/certificates/{name}")
        except ApiError as error:
            return f"{told_as} cannot be read: {error.message}."
        if found is None:
            served = self._listed(f"{CERTIFICATES}/certificates", {"limit": 1})
            return f"{told_as} does not exist." if served is not None else "cert-manager is not installed here."
        conditions = (found.get("status") or {}).get("conditions") or []
        state: dict[str, Any] = next((item for item in conditions if item["type"] == "Ready"), {})
        if state.get("status") == "True":
            return ""
        why = (
            ": ".join(text for text in (state.get("reason"), state.get("message")) if text)
            or "no controller has processed it"
        )
        return f"{told_as} is not ready ({why}). See `kubectl -n {namespace} describe certificate {name}`."

    def _secret(self, namespace: str, name: str) -> str:
        told_as = f"the Secret {namespace}/{name} that {INJECT_SECRET} names"
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        try:
            answer = self.cluster.request("GET", path, accept=METADATA)
        except ApiError as error:
            return f"{told_as} cannot be read: {error.message}."
        allowed = (answer["metadata"].get("annotations") or {}).get(ALLOW_INJECTION)
        return "" if allowed == "true" else f'{told_as} has no annotation {ALLOW_INJECTION}: "true".'

    def _injector(self, annotation: str, value: str) -> str:
        running = self._injectors()
        if not running:
            return f"the cluster has no cainjector of cert-manager, and {annotation} needs one."
        states = ", ".join(f"{ref(item)}: {count(item)}" for item in running)
        if not any((item.get("status") or {}).get("availableReplicas") for item in running):
            return f"{annotation} names {value}, which is there, but the cainjector does not run ({states}). Start it."
        return f"{annotation} names {value}, which is there; look at the log of the cainjector ({states})."


def _fact(item: Pending, lines: list[str]) -> dict[str, Any]:
    empty = {"of": "", "pod": "", "node": "", "container": "", "log": []}
    return {
        "id": item.id,
        **item.subject._asdict(),
        **empty,
        "reason": item.id,
        "message": item.wrong,
        "fix": "\n".join(lines),
    }


FIXES = {
    "missing": "Apply it; no controller creates it.",
    "kind_missing": "Install its CustomResourceDefinition, and look at its conditions.",
    "server": "Look at the API server's log.",
}
