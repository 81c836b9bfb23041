# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What webhook configurations and Services say of a webhook: its CA, its Services and their pods. Private.

`live/webhook_wait.py` and `live/webhook_reasons.py` read the objects, and ask here what these say. A configuration is
a ValidatingWebhookConfiguration, a MutatingWebhookConfiguration, or a CustomResourceDefinition with a webhook that
converts its objects. A CA bundle is its field `caBundle`, by which the API server trusts the certificate of a webhook.
An injector is a program that writes the CA bundle, such as the cainjector of cert-manager. For example:

    metadata: {annotations: {cert-manager.io/inject-ca-from: ns/webhook}}
    webhooks: [{name: m.example.com, clientConfig: {service: {namespace: ns, name: hook}}}]

has no CA bundle yet, requests the CA of the Certificate ns/webhook, and needs a ready pod behind the Service ns/hook.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .._kube.namespaced_name import NamespacedName
from .._otelcol.config.paths import list_at, mapping_at

Object = dict[str, Any]

_CERTIFICATE = b"BEGIN CERTIFICATE"

# The annotations with which a webhook configuration requests a CA from a Certificate, or from a Secret.
INJECT_CERTIFICATE = "cert-manager.io/inject-ca-from"
INJECT_SECRET = "cert-manager.io/inject-ca-from-secret"
# cert-manager reads a Secret without a Certificate only if it has this annotation (its docs, "CA Injector").
ALLOW_INJECTION = "cert-manager.io/allow-direct-injection"
# The annotations that request CA injection, cert-manager's cainjector first.
INJECT_APISERVER_CA = "cert-manager.io/inject-apiserver-ca"
INJECTORS = (INJECT_CERTIFICATE, INJECT_SECRET, INJECT_APISERVER_CA)
OTHER_INJECTORS = ("service.beta.openshift.io/inject-cabundle",)
# The cainjector's label in cert-manager's manifest and chart, as a label selector.
CAINJECTOR = "app.kubernetes.io/name=cainjector"


class InjectionRequest(NamedTuple):
    """The annotation by which a configuration requests a CA, such as INJECT_CERTIFICATE, and its value."""

    annotation: str
    value: str
    """The source of the CA, such as the Certificate `ns/webhook`; `true` for the platform's own."""


class _WebhookClient(NamedTuple):
    """How the API server reaches a webhook."""

    webhook_name: str
    client_config: Object
    """The field `clientConfig`: it has a `service` or a `url`, and the `caBundle`."""


def _list_webhook_clients(configuration: Object) -> Iterator[_WebhookClient]:
    """Yield how the API server reaches each webhook.

    `configuration` is a webhook configuration, or a CustomResourceDefinition with a webhook that converts its objects.
    """
    for webhook in list_at(configuration, "webhooks"):
        yield _WebhookClient(webhook.get("name") or "", mapping_at(webhook, "clientConfig"))
    conversion = mapping_at(configuration, "spec", "conversion")
    if conversion.get("strategy") == "Webhook":
        yield _WebhookClient("conversion", mapping_at(conversion, "webhook", "clientConfig"))


def list_webhooks_without_ca(configuration: Object) -> list[str]:
    """Return the webhooks without a CA. A webhook with a URL needs none: the API server uses the system's CAs."""
    webhooks_without_ca = []
    for name, client_config in _list_webhook_clients(configuration):
        if "url" not in client_config and not _has_certificate(client_config.get("caBundle") or ""):
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
        for client in _list_webhook_clients(configuration):
            service = client.client_config.get("service")
            if service:
                service_names.append(NamespacedName(service.get("namespace") or "", service.get("name") or ""))
    return list(dict.fromkeys(service_names))


def find_injection_request(configuration: Object) -> InjectionRequest | None:
    """Return the annotation by which a configuration requests a CA; None if it requests none."""
    annotations = mapping_at(configuration, "metadata", "annotations")
    for annotation in INJECTORS + OTHER_INJECTORS:
        if annotations.get(annotation):
            return InjectionRequest(annotation, annotations[annotation])
    return None


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
