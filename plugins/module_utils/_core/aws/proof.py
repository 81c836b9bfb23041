# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How it is seen that a service account has its role: what EKS puts into its pods, and what STS says. Private.

Source of the variables: aws/amazon-eks-pod-identity-webhook, pkg/handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..collector.names import COLLECTOR_LABEL
from ..config.paths import items
from .answers import FailedCall
from .trust import IRSA, POD_IDENTITY, Account

ROLE_VARIABLE, CREDENTIALS_VARIABLE = "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
VARIABLES = {IRSA: ROLE_VARIABLE, POD_IDENTITY: CREDENTIALS_VARIABLE}
# What STS says while IAM has not told it of the role, its trust or the OIDC provider.
LAGGING = frozenset({"AccessDenied", "InvalidIdentityToken", "IDPCommunicationError", "NoSuchEntity"})
_PAUSE_IMAGE = "registry.k8s.io/pause:3.10"


def equipped(pod: Mapping[str, Any], provider: str, role_arn: str) -> bool:
    """Return whether EKS has given a pod what its containers take the role on by."""
    variable = VARIABLES[provider]
    given = [entry for container in items(pod, "spec", "containers") for entry in items(container, "env")]
    values = [entry.get("value") for entry in given if isinstance(entry, dict) and entry.get("name") == variable]
    return bool(values) and (provider != IRSA or role_arn in values)


def trial(account: Account) -> dict[str, Any]:
    """Return a pod that every namespace would take, to be tried and not made."""
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


def theirs(pod: Mapping[str, Any], account: Account) -> bool:
    """Return whether a pod is a collector of ours that runs as this account, and is to stay."""
    metadata = pod.get("metadata") or {}
    runs = (pod.get("spec") or {}).get("serviceAccountName") == account.name
    ours = COLLECTOR_LABEL in (metadata.get("labels") or {})
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return runs and ours and not ended and not metadata.get("deletionTimestamp")


def lags(answer: FailedCall) -> bool:
    """Return whether STS may say yes in a moment."""
    return answer.code in LAGGING
