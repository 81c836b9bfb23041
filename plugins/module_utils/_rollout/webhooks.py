# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks: the Services behind them, the injectors of their CA, and why a webhook fails. Private.

`live/webhook_wait.py` and `live/webhook_reasons.py` read the objects, and ask here what these say. An injector is
a program that writes the CA of a webhook into its configuration, such as the cainjector of cert-manager. A CA bundle
is the field `caBundle`, by which the API server trusts the certificate of a webhook.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .._kube.namespaced_name import NamespacedName
from .._otelcol.config.paths import list_at, mapping_at
from .._telemetry.log_causes import Cause, find_causes

Object = dict[str, Any]

# Messages of the API server: apiserver's ErrCallingWebhook. For example: `failed calling webhook "m.example.com":
# failed to call webhook: Post "https://operator-webhook.otel.svc:443/mutate?timeout=10s": EOF`.
_SERVICE_URL = re.compile(r"https://(?P<name>[-a-z0-9]+)\.(?P<namespace>[-a-z0-9]+)\.svc[:/.]")
_FAILED_WEBHOOK = re.compile(r'failed calling webhook "(?P<name>[^"]{1,300})"')
_CERTIFICATE = b"BEGIN CERTIFICATE"

# The annotations with which a webhook configuration requests a CA from a Certificate, or from a Secret.
INJECT_CERTIFICATE = "cert-manager.io/inject-ca-from"
INJECT_SECRET = "cert-manager.io/inject-ca-from-secret"
# cert-manager reads a Secret without a Certificate only if it has this annotation (its docs, "CA Injector").
ALLOW_INJECTION = "cert-manager.io/allow-direct-injection"
# The annotations that request CA injection, cert-manager's cainjector first.
INJECTORS = (INJECT_CERTIFICATE, INJECT_SECRET, "cert-manager.io/inject-apiserver-ca")
OTHER_INJECTORS = ("service.beta.openshift.io/inject-cabundle",)
# The cainjector's label in cert-manager's manifest and chart, as a label selector.
CAINJECTOR = "app.kubernetes.io/name=cainjector"
# Tried from the top for a message of the API server; the first match counts, and the last row matches any message.
# {service} is `Service namespace/name`, {port} that of its pods.
WEBHOOK_CAUSES = (
    Cause("no_service", r'service "[^"]*" not found', "the {service} does not exist", "Create the Service."),
    Cause(
        "no_endpoints",
        "no endpoints available",
        "the {service} has no pod that is ready",
        "Check the pods that the Service selects.",
    ),
    Cause(
        "certificate_name",
        r"x509: (certificate is (not )?valid for|certificate relies on|cannot validate)",
        "the certificate of the {service} is for another name",
        "The Certificate needs the names SERVICE.NAMESPACE.svc among its dnsNames; on Fargate and in the host's network"
        " the kubelet may hold the webhook's port (10250).",
    ),
    Cause(
        "certificate_time",
        "x509: certificate has expired or is not yet valid",
        "the certificate of the {service} has expired, or the clocks differ",
        "Renew the certificate, and restart the webhook if it does not load the new one.",
    ),
    Cause(
        "untrusted",
        "x509:|tls: |certificate signed by unknown authority",
        "the API server does not trust the certificate of the {service}: the CA bundle belongs to another CA",
        "Compare the webhook's caBundle with the ca.crt of the Secret that its pods mount; restart the pods"
        " that started before the certificate was renewed.",
    ),
    Cause(
        "refused",
        r"connection refused|connection reset|\bEOF\b",
        "nothing listens behind the {service} yet",
        "The pods must listen on port {port}. Check their log.",
    ),
    # cert-manager's docs, "Compatibility with Kubernetes Platform Providers" and "The Definitive Debugging Guide for
    # the cert-manager Webhook Pod"; GKE's docs, "Add firewall rules" of private clusters.
    Cause(
        "unreachable",
        "deadline exceeded|i/o timeout|Client.Timeout|no route to host|network is unreachable|No agent available"
        "|no such host|unable to handle the request",
        "the control plane gets no answer from the {service}",
        "If its pods are ready, let the control plane reach their TCP port {port}: on EKS in the security groups of the"
        " nodes (with another network plugin, run the webhook with hostNetwork), on a private GKE cluster by"
        " a firewall rule for the control plane's range, elsewhere in NetworkPolicies.",
    ),
    Cause(
        "no_path",
        "could not find the requested resource|404",
        "the server behind the {service} does not have this webhook",
        "Make sure that the webhook configuration and the pods have the same version.",
    ),
    Cause("other", "", "the {service} does not answer as a webhook", "Check the log of the webhook's pods."),
)


def find_distrusted_webhook(message: str) -> str:
    """Return the name of the webhook whose certificate the server does not accept, or an empty string."""
    match = _FAILED_WEBHOOK.search(message)
    return match["name"] if match and "x509: " in message else ""


def find_webhook_cause(message: str) -> Cause:
    """Return why a webhook does not answer, given the message of the API server."""
    service = find_unreachable_service(message)
    subject = f"Service {service}" if service else "webhook"
    return next(find_causes(message, WEBHOOK_CAUSES, service=subject))


def find_unreachable_service(message: str) -> NamespacedName | None:
    """Return the Service that the API server could not reach; None if its message names none."""
    match = _SERVICE_URL.search(message)
    return NamespacedName(match["namespace"], match["name"]) if match else None


def _list_webhook_clients(configuration: Object) -> Iterator[tuple[str, Object]]:
    """Yield the name and the `clientConfig` of each webhook, which says how the API server reaches it.

    `configuration` is a webhook configuration, or a CustomResourceDefinition with a webhook that converts its objects.
    """
    for webhook in list_at(configuration, "webhooks"):
        yield webhook.get("name") or "", mapping_at(webhook, "clientConfig")
    conversion = mapping_at(configuration, "spec", "conversion")
    if conversion.get("strategy") == "Webhook":
        yield "conversion", mapping_at(conversion, "webhook", "clientConfig")


def list_webhooks_without_ca(configuration: Object) -> list[str]:
    """Return the webhooks without a CA. A webhook with a URL needs none: the API server uses the system's CAs."""
    webhooks_without_ca = []
    for name, client in _list_webhook_clients(configuration):
        if "url" not in client and not _has_certificate(client.get("caBundle") or ""):
            webhooks_without_ca.append(name)
    return webhooks_without_ca


def _has_certificate(bundle: str) -> bool:
    """Return whether a caBundle holds a certificate. Templates have a line break in its place."""
    try:
        return _CERTIFICATE in base64.b64decode(bundle)
    except (binascii.Error, ValueError):
        return False


def list_webhook_services(configurations: Iterable[Object]) -> list[NamespacedName]:
    """Return the Services behind the webhooks of some configurations, each once."""
    service_names: list[NamespacedName] = []
    for configuration in configurations:
        for _name, client in _list_webhook_clients(configuration):
            service = client.get("service")
            if service:
                service_names.append(NamespacedName(service.get("namespace") or "", service.get("name") or ""))
    return list(dict.fromkeys(service_names))


def find_injection_request(configuration: Object) -> tuple[str, str]:
    """Return the annotation that requests CA injection and its value, or two empty strings."""
    annotations = mapping_at(configuration, "metadata", "annotations")
    for annotation in INJECTORS + OTHER_INJECTORS:
        if annotations.get(annotation):
            return annotation, annotations[annotation]
    return "", ""


def selects_workload(service: Object, workload: Object) -> bool:
    """Return whether a Service sends to the pods of a workload."""
    selector = mapping_at(service, "spec", "selector")
    labels = mapping_at(workload, "spec", "template", "metadata", "labels")
    return bool(selector) and selector.items() <= labels.items()


def has_ready_endpoint(slices: Iterable[Object]) -> bool:
    """Return whether a Service has a ready endpoint. An endpoint without the condition counts as ready."""
    for endpoint_slice in slices:
        for endpoint in list_at(endpoint_slice, "endpoints"):
            if mapping_at(endpoint, "conditions").get("ready", True) is not False:
                return True
    return False


def describe_pod_ports(slices: Iterable[Object]) -> str:
    """Return the port on which the pods behind a Service listen, such as `9443`, as the end of `port …`."""
    port_numbers: set[str] = set()
    for endpoint_slice in slices:
        for endpoint_port in list_at(endpoint_slice, "ports"):
            if endpoint_port.get("port"):
                port_numbers.add(str(endpoint_port["port"]))
    return " or ".join(sorted(port_numbers)) or "that its targetPort names"
