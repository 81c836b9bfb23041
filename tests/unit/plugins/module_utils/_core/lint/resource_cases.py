# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on custom resources."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running

CONFIG = running()
PODS = {"type": "Pods", "pods": {"target": {"type": "AverageValue", "averageValue": "10"}}}


def of(version: str = "v1beta1", **spec: Any) -> Json:
    """Return what a case needs to be about a custom resource."""
    api = f"opentelemetry.io/{version}"
    return {"resource": {"apiVersion": api, "kind": "OpenTelemetryCollector", "spec": spec}}


def case(rule: str, name: str, path: str | None, says: str = "", **spec: Any) -> Case:
    return Case(rule, name, CONFIG, path, says, of(**spec))


SCALER = {"minReplicas": 1, "maxReplicas": 2}
NODES = [{"operator": "Exists"}]
CASES = [
    case(
        "resource-field",
        "a misspelt field",
        "spec.replica",
        "has no 'replica' here; did you mean 'replicas'",
        replica=2,
    ),
    case("resource-field", "the right field", None, replicas=2),
    case(
        "resource-field",
        "one of the autoscaler",
        "spec.autoscaler.minReplica",
        "did you mean 'minReplicas'",
        autoscaler={"minReplica": 1},
    ),
    case(
        "resource-field",
        "one of monitors",
        "spec.targetAllocator.prometheusCR.serviceMonitors",
        "has no 'serviceMonitors' here",
        targetAllocator={"prometheusCR": {"serviceMonitors": {}}},
    ),
    case("resource-field", "an older version, whose fields are others", None, version="v1alpha1", minReplicas=1),
    case(
        "resource-value", "another word", "spec.mode", "'daemon' is not an allowed value; did you mean", mode="daemon"
    ),
    case("resource-value", "its words", None, mode="daemonset", upgradeStrategy="none"),
    case(
        "resource-value", "no version kept", "spec.configVersions", "0 is not a number of 1 or more", configVersions=0
    ),
    case(
        "resource-value",
        "text for a number",
        "spec.livenessProbe.periodSeconds",
        "2s is not a number of 1 or more",
        livenessProbe={"periodSeconds": "2s"},
    ),
    case("resource-value", "a probe at once", None, livenessProbe={"initialDelaySeconds": 0}),
    case(
        "resource-value",
        "a strategy",
        "spec.targetAllocator.allocationStrategy",
        "did you mean 'per-node'",
        targetAllocator={"allocationStrategy": "per_node"},
    ),
    case(
        "resource-mode",
        "a sidecar that tolerates",
        "spec.tolerations",
        "mode sidecar cannot have tolerations Remove it, or use mode daemonset or deployment or statefulset.",
        mode="sidecar",
        tolerations=NODES,
    ),
    case("resource-mode", "an agent that tolerates", None, mode="daemonset", tolerations=NODES),
    case("resource-mode", "nothing to tolerate", None, mode="sidecar", tolerations=[], priorityClassName=""),
    case("resource-mode", "an affinity without a word", "spec.affinity", "mode sidecar", mode="sidecar", affinity={}),
    case(
        "resource-mode", "a claim of a deployment", "spec.volumeClaimTemplates", "deployment", volumeClaimTemplates=[{}]
    ),
    case(
        "resource-mode",
        "the strategy of another",
        "spec.daemonSetUpdateStrategy.type",
        "mode statefulset cannot have daemonSetUpdateStrategy.type Remove it, or use mode daemonset.",
        mode="statefulset",
        daemonSetUpdateStrategy={"type": "OnDelete"},
    ),
    case("resource-mode", "a route to a sidecar", None, mode="sidecar", ingress={"type": "route"}),
    case(
        "resource-mode",
        "an ingress to a sidecar",
        "spec.ingress.type",
        "mode sidecar cannot have ingress.type",
        mode="sidecar",
        ingress={"type": "ingress"},
    ),
    case(
        "resource-mode",
        "what nobody reads",
        "spec.topologySpreadConstraints",
        "mode daemonset does nothing with topologySpreadConstraints",
        mode="daemonset",
        topologySpreadConstraints=[{"maxSkew": 1}],
    ),
    case("resource-mode", "no mode at all", None, mode="sidecat", tolerations=NODES),
    case(
        "resource-autoscaler",
        "crossed bounds",
        "spec.autoscaler.minReplicas",
        "minReplicas 3 is above maxReplicas 2",
        autoscaler={**SCALER, "minReplicas": 3},
    ),
    case("resource-autoscaler", "bounds in order", None, autoscaler=SCALER, replicas=2),
    case("resource-autoscaler", "more replicas", "spec.replicas", "replicas 3 is above", autoscaler=SCALER, replicas=3),
    case("resource-autoscaler", "no upper bound", "spec.autoscaler", "no maxReplicas", autoscaler={"minReplicas": 1}),
    case(
        "resource-autoscaler",
        "a long window",
        "spec.autoscaler.behavior.scaleDown.stabilizationWindowSeconds",
        "3601 is outside",
        autoscaler={**SCALER, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 3601}}},
    ),
    case("resource-autoscaler", "a metric of pods", None, autoscaler={**SCALER, "metrics": [PODS]}),
    case(
        "resource-autoscaler",
        "a metric of a resource",
        "spec.autoscaler.metrics[0]",
        "a metric of type Resource is not supported",
        autoscaler={**SCALER, "metrics": [{"type": "Resource"}]},
    ),
    case(
        "resource-autoscaler",
        "a share as target",
        "spec.autoscaler.metrics[0]",
        "neither an average value nor a value",
        autoscaler={**SCALER, "metrics": [{"type": "Pods", "pods": {"target": {"type": "Utilization"}}}]},
    ),
    case(
        "resource-autoscaler",
        "nothing as target",
        "spec.autoscaler.metrics[0].pods.target.value",
        "0 is below 1",
        autoscaler={**SCALER, "metrics": [{"type": "Pods", "pods": {"target": {"type": "Value", "value": 0}}}]},
    ),
    case(
        "resource-port",
        "capital letters",
        "spec.ports[0]",
        "'OTLP_grpc' is not a valid port name",
        ports=[{"name": "OTLP_grpc", "port": 4317}],
    ),
    case("resource-port", "a name and a number", None, ports=[{"name": "otlp-grpc", "port": 4317, "hostPort": 0}]),
    case("resource-port", "no name", "spec.ports[0]", "the port has no name", ports=[{"port": 4317}]),
    case("resource-port", "a large number", "spec.ports[0].port", "70000 is no", ports=[{"name": "a", "port": 70000}]),
    case(
        "resource-port",
        "a large number on the node",
        "spec.ports[0].hostPort",
        "-1 is not a valid port number Write 0 to 65535.",
        ports=[{"name": "a", "port": 1, "hostPort": -1}],
    ),
    case(
        "resource-host", "below nothing", "spec.ingress", "need a parent host name", ingress={"ruleType": "subdomain"}
    ),
    case("resource-host", "below a host", None, ingress={"ruleType": "subdomain", "hostname": "example.com"}),
    case("resource-host", "paths", None, ingress={"ruleType": "path"}),
]
