# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the fields of OpenTelemetryCollectors: which modes support them, and their lowest values. Private.

Source: the CRD of OpenTelemetryCollector with its CEL rules, and Validate in the operator's internal/webhook.

custom_resource_rules.py reads them. For example, the row `ModeField(("affinity",), _MODES_WITH_PODS)` finds that
`mode: sidecar` cannot have `spec.affinity`. A new field is a new row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..config.paths import Path, value_at

DAEMONSET = "daemonset"
DEPLOYMENT = "deployment"
SIDECAR = "sidecar"
STATEFULSET = "statefulset"
MODES = (DAEMONSET, DEPLOYMENT, SIDECAR, STATEFULSET)


class ModeField(NamedTuple):
    """A field of `spec` that not all modes support."""

    path: Path
    """Leads to the field below `spec`."""
    supporting_modes: tuple[str, ...]
    is_refused: bool = True
    """Whether the operator rejects it in other modes; else it ignores it there."""
    value: Any = ...
    """The only value that needs one of the modes; `...` stands for any value."""

    def is_used_in(self, spec: Mapping[str, Any]) -> bool:
        """Whether a spec has the field, with the value that needs one of the modes."""
        field_value = value_at(spec, self.path)
        return field_value not in EMPTY and self.value in (..., field_value)


_MODES_WITH_PODS = (DAEMONSET, DEPLOYMENT, STATEFULSET)
_MODES_WITH_REPLICAS = (DEPLOYMENT, STATEFULSET)
MODE_FIELDS = (
    ModeField(("tolerations",), _MODES_WITH_PODS),
    ModeField(("priorityClassName",), _MODES_WITH_PODS),
    ModeField(("affinity",), _MODES_WITH_PODS),
    ModeField(("additionalContainers",), _MODES_WITH_PODS),
    ModeField(("volumeClaimTemplates",), (STATEFULSET,)),
    ModeField(("persistentVolumeClaimRetentionPolicy",), (STATEFULSET,)),
    ModeField(("daemonSetUpdateStrategy", "type"), (DAEMONSET,)),
    ModeField(("deploymentUpdateStrategy", "type"), (DEPLOYMENT,)),
    ModeField(("ingress", "type"), _MODES_WITH_PODS, value="ingress"),
    ModeField(("topologySpreadConstraints",), _MODES_WITH_REPLICAS, is_refused=False),
    ModeField(("podDisruptionBudget",), _MODES_WITH_REPLICAS, is_refused=False),
    ModeField(("serviceName",), (STATEFULSET,), is_refused=False),
    ModeField(("podManagementPolicy",), (STATEFULSET,), is_refused=False),
    ModeField(("nodeSelector",), _MODES_WITH_PODS, is_refused=False),
    ModeField(("hostNetwork",), _MODES_WITH_PODS, is_refused=False),
    ModeField(("podSecurityContext",), _MODES_WITH_PODS, is_refused=False),
    ModeField(("podAnnotations",), _MODES_WITH_PODS, is_refused=False),
    ModeField(("terminationGracePeriodSeconds",), _MODES_WITH_PODS, is_refused=False),
)
# Values that count as absent: an empty list or text, but not an empty mapping.
EMPTY: tuple[Any, ...] = (None, [], "", False)

# The lowest numbers that the CRD takes in fields of `spec`.
_LOWEST_PROBE_VALUES = {
    "failureThreshold": 1,
    "initialDelaySeconds": 0,
    "periodSeconds": 1,
    "successThreshold": 1,
    "terminationGracePeriodSeconds": 1,
    "timeoutSeconds": 1,
}
LOWEST_VALUES: dict[Path, int] = {
    ("configVersions",): 1,
    ("autoscaler", "minReplicas"): 1,
    ("autoscaler", "maxReplicas"): 1,
    ("autoscaler", "targetCPUUtilization"): 1,
    ("autoscaler", "targetMemoryUtilization"): 1,
    **{
        (probe, key): value
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        for key, value in _LOWEST_PROBE_VALUES.items()
    },
}
