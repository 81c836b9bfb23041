# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an EKS cluster, and check that it can give its pods roles by a provider of identities. Private.

| provider | what the cluster needs |
|---|---|
| `irsa` | an issuer of tokens |
| `pod_identity` | the agent of EKS Pod Identity: an add-on, or built in with Auto Mode |

For example, without the agent:

    Give obs/gateway a role by EKS Pod Identity: the cluster production has neither the add-on eks-pod-identity-agent
    nor Auto Mode (at provider). Install it (eks_addon with name: eks-pod-identity-agent), or set agent to ignored …
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..iam_policy import IRSA, EksCluster, ServiceAccount, parse_eks_cluster
from ..oidc_provider import NO_ISSUER_FIX, find_issuer
from .call_errors import CallErrors
from .service_calls import ServiceCalls

# The add-on of EKS that gives pods the credentials of their association.
AGENT_ADDON = "eks-pod-identity-agent"


class IdentityNeed(NamedTuple):
    """What a cluster is needed for: a service account shall get a role."""

    cluster_name: str
    service_account: ServiceAccount
    provider: str
    """IRSA or POD_IDENTITY."""
    requires_agent: bool
    """Whether the agent of EKS Pod Identity must be there. IRSA needs none."""


def read_identity_cluster(eks: ServiceCalls, need: IdentityNeed) -> EksCluster:
    """Return the cluster. Raises Problem if it lacks what the provider of identities needs."""
    cluster = _describe_cluster(eks, need.cluster_name)
    if need.provider == IRSA:
        _require_issuer(cluster, need)
    elif need.requires_agent:
        _require_agent(eks, cluster, need)
    return parse_eks_cluster(str(cluster["arn"]), find_issuer(cluster))


@CallErrors.common_error_handler("describe the cluster")
def _describe_cluster(eks: ServiceCalls, name: str) -> dict[str, Any]:
    cluster: dict[str, Any] = eks("describe_cluster", name=name)["cluster"]
    return cluster


def _require_issuer(cluster: Mapping[str, Any], need: IdentityNeed) -> None:
    """Raise Problem if the cluster has no issuer of tokens."""
    if not find_issuer(cluster):
        wrong = f"the cluster {need.cluster_name} has no issuer"
        raise Problem(wrong, asked=f"Give {need.service_account} a role", fix=NO_ISSUER_FIX)


def _require_agent(eks: ServiceCalls, cluster: Mapping[str, Any], need: IdentityNeed) -> None:
    """Raise Problem if the cluster has neither Auto Mode nor the add-on of the agent."""
    has_auto_mode = mapping_at(cluster, "computeConfig").get("enabled")
    if has_auto_mode or _describe_agent_addon(eks, need.cluster_name):
        return
    wrong = f"the cluster {need.cluster_name} has neither the add-on {AGENT_ADDON} nor Auto Mode"
    fix = f"Install it (eks_addon with name: {AGENT_ADDON}), or set agent to ignored where it was installed otherwise."
    raise Problem(wrong, asked=f"Give {need.service_account} a role by EKS Pod Identity", where="provider", fix=fix)


@CallErrors.list_error_handler(f"describe the add-on {AGENT_ADDON}", {})
def _describe_agent_addon(eks: ServiceCalls, cluster_name: str) -> dict[str, Any]:
    """Return the add-on of the agent; empty if the cluster does not have it."""
    addon: dict[str, Any] = eks("describe_addon", clusterName=cluster_name, addonName=AGENT_ADDON)["addon"]
    return addon
