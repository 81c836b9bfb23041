# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks: the Services behind them, the injectors of their CA, and why a webhook fails. Private."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .._otelcol.config.paths import items, section
from .._telemetry.log_causes import Cause, causes_in

Object = dict[str, Any]

# Messages of the API server: apiserver's ErrCallingWebhook.
_SERVICE = re.compile(r"https://(?P<name>[-a-z0-9]+)\.(?P<namespace>[-a-z0-9]+)\.svc[:/.]")
_CALLED = re.compile(r'failed calling webhook "(?P<name>[^"]{1,300})"')
_CERTIFICATE = b"BEGIN CERTIFICATE"

INJECT_CERTIFICATE = "cert-manager.io/inject-ca-from"
INJECT_SECRET = "cert-manager.io/inject-ca-from-secret"
# cert-manager reads a Secret without a Certificate only if it has this annotation (its docs, "CA Injector").
ALLOW_INJECTION = "cert-manager.io/allow-direct-injection"
# The annotations that request CA injection, cert-manager's cainjector first.
INJECTORS = (INJECT_CERTIFICATE, INJECT_SECRET, "cert-manager.io/inject-apiserver-ca")
OTHER_INJECTORS = ("service.beta.openshift.io/inject-cabundle",)
# The cainjector's label in cert-manager's manifest and chart.
CAINJECTOR = "app.kubernetes.io/name=cainjector"
# Tried from the top for a message of the API server. {service} is `Service namespace/name`, {port} that of its pods.
CAUSES = (
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


def distrusted(message: str) -> str:
    """Return the name of the webhook whose certificate the server does not accept, or an empty string."""
    match = _CALLED.search(message)
    return match["name"] if match and "x509: " in message else ""


def cause(message: str) -> Cause:
    """Return why a webhook does not answer."""
    service = service_in(message)
    return next(causes_in(message, CAUSES, service=f"Service {'/'.join(service)}" if service else "webhook"))


def service_in(message: str) -> tuple[str, str] | None:
    """Return namespace and name of the Service that the server could not reach."""
    match = _SERVICE.search(message)
    return (match["namespace"], match["name"]) if match else None


def _clients(configuration: Object) -> Iterator[tuple[str, Object]]:
    """Yield the name and the client of each webhook: admission's, or the conversion of a definition."""
    for webhook in items(configuration, "webhooks"):
        yield webhook.get("name") or "", section(webhook, "clientConfig")
    conversion = section(configuration, "spec", "conversion")
    if conversion.get("strategy") == "Webhook":
        yield "conversion", section(conversion, "webhook", "clientConfig")


def uninjected(configuration: Object) -> list[str]:
    """Return the webhooks without a CA. A webhook with a URL needs none: the API server uses the system's CAs."""
    without_ca = []
    for name, client in _clients(configuration):
        if "url" not in client and not _has_certificate(client.get("caBundle") or ""):
            without_ca.append(name)
    return without_ca


def _has_certificate(bundle: str) -> bool:
    """Return whether a caBundle holds a certificate. Templates have a line break in its place."""
    try:
        return _CERTIFICATE in base64.b64decode(bundle)
    except (binascii.Error, ValueError):
        return False


def services(configurations: Iterable[Object]) -> list[tuple[str, str]]:
    """Return namespace and name of the Services behind webhooks."""
    found = []
    for configuration in configurations:
        for _name, client in _clients(configuration):
            service = client.get("service")
            if service:
                found.append((service.get("namespace") or "", service.get("name") or ""))
    return list(dict.fromkeys(found))


def injector(configuration: Object) -> tuple[str, str]:
    """Return the annotation that requests CA injection and its value, or two empty strings."""
    annotations = section(configuration, "metadata", "annotations")
    for key in INJECTORS + OTHER_INJECTORS:
        if annotations.get(key):
            return key, annotations[key]
    return "", ""


def selects(service: Object, workload: Object) -> bool:
    """Return whether a Service sends to the pods of a workload."""
    selector = section(service, "spec", "selector")
    labels = section(workload, "spec", "template", "metadata", "labels")
    return bool(selector) and selector.items() <= labels.items()


def ready(slices: Iterable[Object]) -> bool:
    """Return whether a Service has a ready endpoint. An endpoint without the condition counts as ready."""
    for endpoint_slice in slices:
        for endpoint in items(endpoint_slice, "endpoints"):
            if section(endpoint, "conditions").get("ready", True) is not False:
                return True
    return False


def port(slices: Iterable[Object]) -> str:
    """Return the port on which the pods behind a Service listen."""
    ports = (port.get("port") for endpoint_slice in slices for port in items(endpoint_slice, "ports"))
    numbers = sorted({str(number) for number in ports if number})
    return " or ".join(numbers) or "that its targetPort names"
