# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a service account its role yet? What answers of AWS and what pods show. Private.

`live/identity_wait.py` asks this while it waits: a change at AWS reaches all its servers some seconds later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._kube.aws_failures import FailedCall
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.names import COLLECTOR_LABEL
from .iam_policy import IRSA, POD_IDENTITY, ServiceAccount

# The variable that EKS sets in the containers of a pod with a role, by provider.
# Source: aws/amazon-eks-pod-identity-webhook, pkg/handler.
_ROLE_VARIABLES = {IRSA: "AWS_ROLE_ARN", POD_IDENTITY: "AWS_CONTAINER_CREDENTIALS_FULL_URI"}
# The answers of STS before it knows of the role, its trust or the OIDC provider.
_PROPAGATION_ERRORS = frozenset({"AccessDenied", "InvalidIdentityToken", "IDPCommunicationError", "NoSuchEntity"})
_PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
_ENDED_PHASES = ("Succeeded", "Failed")


def is_propagation_error(answer: FailedCall) -> bool:
    """Return whether STS refuses because a change at AWS has not propagated yet."""
    return answer.code in _PROPAGATION_ERRORS


def has_credentials(pod: Mapping[str, Any], provider: str, role_arn: str) -> bool:
    """Return whether EKS has set the variable by which the containers of a pod find their credentials.

    `provider` is `irsa` or `pod_identity`. The variable of `irsa` must have the ARN of the role.
    """
    variable = _ROLE_VARIABLES[provider]
    values: list[Any] = []
    for container in list_at(pod, "spec", "containers"):
        for entry in list_at(container, "env"):
            if isinstance(entry, dict) and entry.get("name") == variable:
                values.append(entry.get("value"))
    return role_arn in values if provider == IRSA else bool(values)


def is_collector_of(pod: Mapping[str, Any], account: ServiceAccount) -> bool:
    """Return whether a pod is a collector of this collection that runs as this account, and stays."""
    metadata = mapping_at(pod, "metadata")
    if mapping_at(pod, "spec").get("serviceAccountName") != account.name:
        return False
    if COLLECTOR_LABEL not in mapping_at(metadata, "labels"):
        return False
    has_ended = mapping_at(pod, "status").get("phase") in _ENDED_PHASES
    return not has_ended and not metadata.get("deletionTimestamp")


def dry_run_pod(account: ServiceAccount) -> dict[str, Any]:
    """Return a pod for a dry run, which every Pod Security Standard admits."""
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 65534,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    resources = {"limits": {"cpu": "10m", "memory": "16Mi"}, "requests": {"cpu": "10m", "memory": "16Mi"}}
    container = {"name": "trial", "image": _PAUSE_IMAGE, "securityContext": security, "resources": resources}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "o11y-identity-trial-", "namespace": account.namespace},
        "spec": {"serviceAccountName": account.name, "containers": [container]},
    }
