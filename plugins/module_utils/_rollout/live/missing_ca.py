# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why has a webhook configuration no CA? Its annotation, the source of the CA, and the injector of it. Private.

`webhook_reasons.py` asks this for a configuration without a CA bundle, when a wait fails. For example:

    cert-manager.io/inject-ca-from names ns/webhook, which is there, but the cainjector does not run (Deployment
    cert-manager/cert-manager-cainjector: 0 of 1 ready). Start it.
"""

from __future__ import annotations

from ..._kube.conditions import find_condition
from ..._kube.live.cluster import METADATA, ApiError
from ..._otelcol.kube.objects import ref
from ..failures import Object
from ..readiness import describe_pod_counts
from ..webhooks import (
    ALLOW_INJECTION,
    CAINJECTOR,
    INJECT_APISERVER_CA,
    INJECT_CERTIFICATE,
    INJECT_SECRET,
    OTHER_INJECTORS,
    InjectionRequest,
    find_injection_request,
)
from .allowed_reads import AllowedReads

CERTIFICATES = "/apis/cert-manager.io/v1"


class MissingCa:
    """Looks in the cluster for the reason of a missing CA."""

    def __init__(self, reads: AllowedReads) -> None:
        self._reads = reads

    def list_injectors(self) -> list[Object]:
        """Return the workloads of cert-manager that write CAs into webhook configurations."""
        return self._reads.list_workloads(selector=CAINJECTOR)

    def explain(self, configuration: Object) -> str:
        """Return why a configuration has no CA of its webhook, as the rest of a sentence about the configuration.

        The annotation of the configuration names the source of the CA: a Certificate, a Secret or the platform. If the
        source is as it should be, the fault is at the injector, which copies the CA from there.
        """
        request = find_injection_request(configuration)
        if request is None:
            return (
                f"it has no annotation {INJECT_CERTIFICATE}, so cert-manager leaves it alone."
                " Add it (NAMESPACE/CERTIFICATE), or set caBundle."
            )
        if request.annotation in OTHER_INJECTORS:
            return f"{request.annotation} asks the platform for it; look at the operator that does it there."
        return self._explain_source(request) or self._explain_injector(request)

    def _explain_source(self, request: InjectionRequest) -> str:
        """Return why a CA cannot come from the Certificate or the Secret of a request, or an empty text if it can."""
        namespace, _slash, name = request.value.partition("/")
        if request.annotation == INJECT_CERTIFICATE:
            return self._explain_certificate(namespace, name)
        if request.annotation == INJECT_SECRET:
            return self._explain_secret(namespace, name)
        return ""

    def _explain_certificate(self, namespace: str, name: str) -> str:
        """Return why a CA cannot come from a Certificate, or an empty text if it can."""
        description = f"the Certificate {namespace}/{name} that {INJECT_CERTIFICATE} names"
        try:
            certificate = self._reads.cluster.get(f"{CERTIFICATES}/namespaces/{namespace}/certificates/{name}")
        except ApiError as error:
            return f"{description} cannot be read: {error.message}."
        if certificate is None:
            if self._reads.list_objects(f"{CERTIFICATES}/certificates", {"limit": 1}) is None:
                return "cert-manager is not installed here."
            return f"{description} does not exist."
        ready_condition = find_condition(certificate, "Ready")
        if ready_condition.get("status") == "True":
            return ""
        condition_texts = [text for text in (ready_condition.get("reason"), ready_condition.get("message")) if text]
        reason = ": ".join(condition_texts) or "no controller has processed it"
        return f"{description} is not ready ({reason}). See `kubectl -n {namespace} describe certificate {name}`."

    def _explain_secret(self, namespace: str, name: str) -> str:
        """Return why a CA cannot come from a Secret, or an empty text if it can."""
        description = f"the Secret {namespace}/{name} that {INJECT_SECRET} names"
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        try:
            # The metadata are enough, so the values of the Secret stay on the server.
            secret = self._reads.cluster.request("GET", path, accept=METADATA)
        except ApiError as error:
            return f"{description} cannot be read: {error.message}."
        injection_allowed = (secret["metadata"].get("annotations") or {}).get(ALLOW_INJECTION)
        if injection_allowed == "true":
            return ""
        return f'{description} has no annotation {ALLOW_INJECTION}: "true".'

    def _explain_injector(self, request: InjectionRequest) -> str:
        """Return what is wrong with the cainjector, if the source of the CA is as it should be."""
        injectors = self.list_injectors()
        if not injectors:
            return f"the cluster has no cainjector of cert-manager, and {request.annotation} needs one."
        if request.annotation == INJECT_APISERVER_CA:
            source_text = f"{request.annotation} asks for the CA of the API server"
        else:
            source_text = f"{request.annotation} names {request.value}, which is there"
        injector_states = ", ".join(f"{ref(workload)}: {describe_pod_counts(workload)}" for workload in injectors)
        if not any((workload.get("status") or {}).get("availableReplicas") for workload in injectors):
            return f"{source_text}, but the cainjector does not run ({injector_states}). Start it."
        return f"{source_text}; look at the log of the cainjector ({injector_states})."
