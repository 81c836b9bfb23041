# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on custom resources."""

from __future__ import annotations

from typing import Any

from .cases import Table
from .shapes import Json, running

CONFIG = running()
PODS = {"type": "Pods", "pods": {"target": {"type": "AverageValue", "averageValue": "10"}}}


def of(version: str = "v1beta1", **spec: Any) -> Json:
    """Return what a case needs to be about a custom resource."""
    api = f"opentelemetry.io/{version}"
    return {"resource": {"apiVersion": api, "kind": "OpenTelemetryCollector", "spec": spec}}


def case(complaint: str, **spec: Any) -> tuple[Any, ...]:
    return CONFIG, complaint, of(**spec)


SCALER = {"minReplicas": 1, "maxReplicas": 2}
NODES = [{"operator": "Exists"}]
CASES: Table = {
    "resource-field": {
        "a misspelt field": case("spec.replica: has no 'replica' here; did you mean 'replicas'", replica=2),
        "the right field": case("", replicas=2),
        "one of the autoscaler": case(
            "spec.autoscaler.minReplica: did you mean 'minReplicas'", autoscaler={"minReplica": 1}
        ),
        "one of monitors": case(
            "spec.targetAllocator.prometheusCR.serviceMonitors: has no 'serviceMonitors' here",
            targetAllocator={"prometheusCR": {"serviceMonitors": {}}},
        ),
        "an older version, whose fields are others": case("", version="v1alpha1", minReplicas=1),
    },
    "resource-value": {
        "another word": case("spec.mode: 'daemon' is not an allowed value; did you mean", mode="daemon"),
        "its words": case("", mode="daemonset", upgradeStrategy="none"),
        "no version kept": case("spec.configVersions: 0 is not a number of 1 or more", configVersions=0),
        "text for a number": case(
            "spec.livenessProbe.periodSeconds: 2s is not a number of 1 or more", livenessProbe={"periodSeconds": "2s"}
        ),
        "a probe at once": case("", livenessProbe={"initialDelaySeconds": 0}),
        "a strategy": case(
            "spec.targetAllocator.allocationStrategy: did you mean 'per-node'",
            targetAllocator={"allocationStrategy": "per_node"},
        ),
    },
    "resource-mode": {
        "a sidecar that tolerates": case(
            "spec.tolerations: mode sidecar cannot have tolerations Remove it, or use mode daemonset or "
            "deployment or statefulset.",
            mode="sidecar",
            tolerations=NODES,
        ),
        "an agent that tolerates": case("", mode="daemonset", tolerations=NODES),
        "nothing to tolerate": case("", mode="sidecar", tolerations=[], priorityClassName=""),
        "an affinity without a word": case("spec.affinity: mode sidecar", mode="sidecar", affinity={}),
        "a claim of a deployment": case("spec.volumeClaimTemplates: deployment", volumeClaimTemplates=[{}]),
        "the strategy of another": case(
            "spec.daemonSetUpdateStrategy.type: mode statefulset cannot have daemonSetUpdateStrategy.type "
            "Remove it, or use mode daemonset.",
            mode="statefulset",
            daemonSetUpdateStrategy={"type": "OnDelete"},
        ),
        "a route to a sidecar": case("", mode="sidecar", ingress={"type": "route"}),
        "an ingress to a sidecar": case(
            "spec.ingress.type: mode sidecar cannot have ingress.type", mode="sidecar", ingress={"type": "ingress"}
        ),
        "what nobody reads": case(
            "spec.topologySpreadConstraints: mode daemonset does nothing with topologySpreadConstraints",
            mode="daemonset",
            topologySpreadConstraints=[{"maxSkew": 1}],
        ),
        "no mode at all": case("", mode="sidecat", tolerations=NODES),
    },
    "resource-autoscaler": {
        "crossed bounds": case(
            "spec.autoscaler.minReplicas: minReplicas 3 is above maxReplicas 2", autoscaler={**SCALER, "minReplicas": 3}
        ),
        "bounds in order": case("", autoscaler=SCALER, replicas=2),
        "more replicas": case("spec.replicas: replicas 3 is above", autoscaler=SCALER, replicas=3),
        "no upper bound": case("spec.autoscaler: no maxReplicas", autoscaler={"minReplicas": 1}),
        "a long window": case(
            "spec.autoscaler.behavior.scaleDown.stabilizationWindowSeconds: 3601 is outside",
            autoscaler={**SCALER, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 3601}}},
        ),
        "a metric of pods": case("", autoscaler={**SCALER, "metrics": [PODS]}),
        "a metric of a resource": case(
            "spec.autoscaler.metrics[0]: a metric of type Resource is not supported",
            autoscaler={**SCALER, "metrics": [{"type": "Resource"}]},
        ),
        "a share as target": case(
            "spec.autoscaler.metrics[0]: neither an average value nor a value",
            autoscaler={**SCALER, "metrics": [{"type": "Pods", "pods": {"target": {"type": "Utilization"}}}]},
        ),
        "nothing as target": case(
            "spec.autoscaler.metrics[0].pods.target.value: 0 is below 1",
            autoscaler={**SCALER, "metrics": [{"type": "Pods", "pods": {"target": {"type": "Value", "value": 0}}}]},
        ),
    },
    "resource-port": {
        "capital letters": case(
            "spec.ports[0]: 'OTLP_grpc' is not a valid port name", ports=[{"name": "OTLP_grpc", "port": 4317}]
        ),
        "a name and a number": case("", ports=[{"name": "otlp-grpc", "port": 4317, "hostPort": 0}]),
        "no name": case("spec.ports[0]: the port has no name", ports=[{"port": 4317}]),
        "a large number": case("spec.ports[0].port: 70000 is no", ports=[{"name": "a", "port": 70000}]),
        "a large number on the node": case(
            "spec.ports[0].hostPort: -1 is not a valid port number Write 0 to 65535.",
            ports=[{"name": "a", "port": 1, "hostPort": -1}],
        ),
    },
    "resource-host": {
        "below nothing": case("spec.ingress: need a parent host name", ingress={"ruleType": "subdomain"}),
        "below a host": case("", ingress={"ruleType": "subdomain", "hostname": "example.com"}),
        "paths": case("", ingress={"ruleType": "path"}),
    },
}
