# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of OpenTelemetryCollector in its CRD and the operator's webhook: values, bounds, modes. Private.

Source: opentelemetry.io_opentelemetrycollectors.yaml (v1beta1), its CEL rules, Validate in internal/webhook, and which
fields internal/manifests/collector and pkg/sidecar read; operator 0.158.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..config.paths import Path

DAEMONSET, DEPLOYMENT, SIDECAR, STATEFULSET = MODES = ("daemonset", "deployment", "sidecar", "statefulset")


class ModeField(NamedTuple):
    """A field of spec, the modes that support it, and whether the operator rejects or ignores it in other modes."""

    path: Path
    modes: tuple[str, ...]
    refused: bool = True
    value: Any = ...


_PODS = (DAEMONSET, DEPLOYMENT, STATEFULSET)
_COUNTED = (DEPLOYMENT, STATEFULSET)
MODE_FIELDS = (
    ModeField(("tolerations",), _PODS),
    ModeField(("priorityClassName",), _PODS),
    ModeField(("affinity",), _PODS),
    ModeField(("additionalContainers",), _PODS),
    ModeField(("volumeClaimTemplates",), (STATEFULSET,)),
    ModeField(("persistentVolumeClaimRetentionPolicy",), (STATEFULSET,)),
    ModeField(("daemonSetUpdateStrategy", "type"), (DAEMONSET,)),
    ModeField(("deploymentUpdateStrategy", "type"), (DEPLOYMENT,)),
    ModeField(("ingress", "type"), _PODS, value="ingress"),
    ModeField(("topologySpreadConstraints",), _COUNTED, refused=False),
    ModeField(("podDisruptionBudget",), _COUNTED, refused=False),
    ModeField(("serviceName",), (STATEFULSET,), refused=False),
    ModeField(("podManagementPolicy",), (STATEFULSET,), refused=False),
    ModeField(("nodeSelector",), _PODS, refused=False),
    ModeField(("hostNetwork",), _PODS, refused=False),
    ModeField(("podSecurityContext",), _PODS, refused=False),
    ModeField(("podAnnotations",), _PODS, refused=False),
    ModeField(("terminationGracePeriodSeconds",), _PODS, refused=False),
)
# Values that count as absent: an empty list or text, but not an empty mapping.
EMPTY: tuple[Any, ...] = (None, [], "", False)

CHOICES: dict[Path, tuple[str, ...]] = {
    ("mode",): MODES,
    ("managementState",): ("managed", "unmanaged"),
    ("upgradeStrategy",): ("automatic", "none"),
    ("podManagementPolicy",): ("OrderedReady", "Parallel"),
    ("ingress", "type"): ("ingress", "route"),
    ("ingress", "ruleType"): ("path", "subdomain"),
    ("ingress", "route", "termination"): ("edge", "insecure", "passthrough", "reencrypt"),
    ("targetAllocator", "allocationStrategy"): ("consistent-hashing", "least-weighted", "per-node"),
    ("targetAllocator", "filterStrategy"): ("", "relabel-config"),
}
_PROBE = {
    "failureThreshold": 1,
    "initialDelaySeconds": 0,
    "periodSeconds": 1,
    "successThreshold": 1,
    "terminationGracePeriodSeconds": 1,
    "timeoutSeconds": 1,
}
LEAST: dict[Path, int] = {
    ("configVersions",): 1,
    ("autoscaler", "minReplicas"): 1,
    ("autoscaler", "maxReplicas"): 1,
    ("autoscaler", "targetCPUUtilization"): 1,
    ("autoscaler", "targetMemoryUtilization"): 1,
    **{
        (probe, key): value
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        for key, value in _PROBE.items()
    },
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The fields of v1beta1, by the mapping that they are in.
FIELDS: dict[Path, frozenset[str]] = {
    (): _names(
        "additionalContainers affinity args autoscaler command config configVersions configmaps "
        "daemonSetUpdateStrategy deploymentUpdateStrategy dnsPolicy env envFrom hostAliases hostNetwork hostPID "
        "hostUsers httpRoute image imagePullPolicy ingress initContainers ipFamilies ipFamilyPolicy lifecycle "
        "livenessProbe managementState mode networkPolicy nodeSelector observability "
        "persistentVolumeClaimRetentionPolicy podAnnotations podDisruptionBudget podDnsConfig podManagementPolicy "
        "podSecurityContext ports priorityClassName readinessProbe replicas resources securityContext serviceAccount "
        "serviceName sessionAffinity sessionAffinityConfig shareProcessNamespace startupProbe targetAllocator "
        "terminationGracePeriodSeconds tolerations topologySpreadConstraints trafficDistribution upgradeStrategy "
        "volumeClaimTemplates volumeMounts volumes"
    ),
    ("autoscaler",): _names("behavior maxReplicas metrics minReplicas targetCPUUtilization targetMemoryUtilization"),
    ("targetAllocator",): _names(
        "affinity allocationStrategy allowInsecureAuthSecrets collectorNotReadyGracePeriod "
        "collectorTargetReloadInterval enabled env filterStrategy image mtls nodeSelector observability "
        "podDisruptionBudget podSecurityContext prometheusCR replicas resources securityContext serviceAccount "
        "tolerations topologySpreadConstraints"
    ),
    ("targetAllocator", "prometheusCR"): _names(
        "allowNamespaces denyFSAccessThroughSMs denyNamespaces enabled evaluationInterval "
        "podMonitorNamespaceSelector podMonitorSelector probeNamespaceSelector probeSelector scrapeClasses "
        "scrapeConfigNamespaceSelector scrapeConfigSelector scrapeInterval scrapeProtocols secretNamespaces "
        "serviceMonitorNamespaceSelector serviceMonitorSelector"
    ),
}
