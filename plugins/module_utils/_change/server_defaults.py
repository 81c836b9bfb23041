# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server adds inside fields that have one owner as a whole, and whether two fields are the same. Private.

applied_state.py asks this: a field has one owner as a whole if no other field manager can own a part of it.
Sources: pkg/apis/{core,apps,networking,rbac,admissionregistration}/v1/defaults.go of Kubernetes; `default` in the
definitions of HTTPRoute, GRPCRoute, ServiceMonitor and PodMonitor; internal/components/receivers of the operator, whose
webhook writes where a protocol of OTLP listens that has no settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RBAC = "rbac.authorization.k8s.io"
# The defaults, by the field that holds a mapping (or a list of mappings), and the key in it. For example, an item of
# `ports` without `protocol` gets TCP.
_DEFAULTS: Mapping[tuple[str, str], Any] = {
    ("fieldRef", "apiVersion"): "v1",
    ("resourceFieldRef", "divisor"): "0",
    ("serviceAccountToken", "expirationSeconds"): 3600,
    ("ports", "protocol"): "TCP",
    ("roleRef", "apiGroup"): _RBAC,
    ("subjects", "apiGroup"): _RBAC,
    ("volumeClaimTemplates", "apiVersion"): "v1",
    ("volumeClaimTemplates", "kind"): "PersistentVolumeClaim",
    ("volumeClaimTemplates", "status"): {"phase": "Pending"},
    ("spec", "volumeMode"): "Filesystem",
    ("rules", "scope"): "*",
    ("rules", "matches"): [{"path": {"type": "PathPrefix", "value": "/"}}],
    ("parentRefs", "group"): "gateway.networking.k8s.io",
    ("parentRefs", "kind"): "Gateway",
    ("backendRefs", "group"): "",
    ("backendRefs", "kind"): "Service",
    ("backendRefs", "weight"): 1,
    ("relabelings", "action"): "replace",
    ("grpc", "endpoint"): "0.0.0.0:4317",
    ("http", "endpoint"): "0.0.0.0:4318",
}


def is_same_tree(desired: Any, live: Any, field: str) -> bool:
    """Return whether two values of a field are the same, with the server's defaults in the live one.

    `field` is the name of the field that holds the values, or the list that they are items of.
    """
    if isinstance(desired, dict) and isinstance(live, dict):
        return all(_is_same_at(key, desired, live, field) for key in {**desired, **live})
    if isinstance(desired, list) and isinstance(live, list):
        if len(desired) != len(live):
            return False
        return all(is_same_tree(*pair, field) for pair in zip(desired, live, strict=True))
    # Python takes true for 1.
    return isinstance(desired, bool) == isinstance(live, bool) and bool(desired == live)


def _is_same_at(key: str, desired: Mapping[str, Any], live: Mapping[str, Any], field: str) -> bool:
    """Return whether two mappings of a field have the same at a key. The server may drop null, or add a default."""
    desired_value, live_value = desired.get(key), live.get(key)
    if desired_value is None and live_value is not None:
        desired_value = _DEFAULTS.get((field, key))
    return is_same_tree(desired_value, live_value, key)
