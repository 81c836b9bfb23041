# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why does a webhook not answer the API server? The causes, by the words of the API server. Private.

`webhook_steps.py` asks for the cause of a failed call, and `live/webhook_trust.py` whether it is a lost trust. For
example:

    failed calling webhook "m.example.com": failed to call webhook: Post "https://operator-webhook.otel.svc:443/mutate":
    dial tcp 10.0.0.1:9443: connect: connection refused

has the cause `refused`: nothing listens behind the Service otel/operator-webhook yet.
"""

from __future__ import annotations

import re

from .._kube.namespaced_name import NamespacedName
from .._telemetry.log_causes import Cause, find_causes

# Parts of the messages that ErrCallingWebhook of k8s.io/apiserver builds.
# The address in `Post "https://operator-webhook.otel.svc:443/mutate?timeout=10s"`.
_SERVICE_URL = re.compile(r"https://(?P<name>[-a-z0-9]+)\.(?P<namespace>[-a-z0-9]+)\.svc[:/.]")
# The name in `failed calling webhook "m.example.com"`.
_FAILED_WEBHOOK = re.compile(r'failed calling webhook "(?P<name>[^"]{1,300})"')

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
# The causes whose fix names the {port} of the webhook's pods.
CAUSES_WITH_PORT = ("refused", "unreachable")


def find_webhook_cause(message: str) -> Cause:
    """Return the cause of a failed call, by the message of the API server, with the Service in its text."""
    service = find_unreachable_service(message)
    subject = f"Service {service}" if service else "webhook"
    return next(find_causes(message, WEBHOOK_CAUSES, service=subject))


def find_unreachable_service(message: str) -> NamespacedName | None:
    """Return the Service that the API server could not reach; None if its message names none."""
    match = _SERVICE_URL.search(message)
    return NamespacedName(match["namespace"], match["name"]) if match else None


def find_distrusted_webhook(message: str) -> str:
    """Return the name of the webhook whose certificate the server does not accept, such as `m.example.com`.

    It is empty for a message about something else.
    """
    match = _FAILED_WEBHOOK.search(message)
    return match["name"] if match and "x509: " in message else ""
