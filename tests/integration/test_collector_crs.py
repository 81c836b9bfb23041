# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server takes every OpenTelemetryCollector that we render, and refuses what our rules refuse.

Its schema and CEL rules judge without an operator. What only the operator's webhook refuses is asked where one runs.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import lint_config
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _tables

from tests.contract.role import RECIPES, ROOT
from tests.contract.test_recipes import request
from tests.support import definitions

PLURAL, KIND = "opentelemetrycollectors", "OpenTelemetryCollector"
GOLDENS = sorted(ROOT.glob("examples/*/rendered/manifests.yml"))
# Platforms that differ in more than the words of a config: here the user of the pod is ours, there the cluster's.
FURTHEST_APART = ("generic", "openshift")
WEBHOOK = "opentelemetry-operator-validating-webhook-configuration"
CONFIG: dict[str, Any] = {
    "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "localhost:4317"}}}},
    "exporters": {"debug": {}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
}
SCALER = {"minReplicas": 1, "maxReplicas": 2}
ON_NODES = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
ALLOCATOR = {"enabled": True}
# By the path at which our rules say so. The schema knows the first ones, only the webhook the others.
BY_SCHEMA: dict[str, dict[str, Any]] = {
    "spec.tolerations": {"mode": "sidecar", "tolerations": [{"operator": "Exists"}]},
    "spec.priorityClassName": {"mode": "sidecar", "priorityClassName": "high"},
    "spec.affinity": {"mode": "sidecar", "affinity": ON_NODES},
    "spec.additionalContainers": {"mode": "sidecar", "additionalContainers": [{"name": "some"}]},
    "spec.mode": {"mode": "agent"},
    "spec.upgradeStrategy": {"mode": "deployment", "upgradeStrategy": "never"},
    "spec.managementState": {"mode": "deployment", "managementState": "mine"},
    "spec.podManagementPolicy": {"mode": "statefulset", "podManagementPolicy": "Serial"},
    "spec.configVersions": {"mode": "deployment", "configVersions": 0},
    "spec.autoscaler.minReplicas": {"mode": "deployment", "autoscaler": {**SCALER, "minReplicas": 0}},
    "spec.livenessProbe.periodSeconds": {"mode": "deployment", "livenessProbe": {"periodSeconds": 0}},
    "spec.ports[0].hostPort": {"mode": "deployment", "ports": [{"name": "a", "port": 1, "hostPort": 65536}]},
    "spec.targetAllocator.allocationStrategy": {
        "mode": "statefulset",
        "targetAllocator": {"allocationStrategy": "by-chance"},
    },
    "spec.targetAllocator.filterStrategy": {"mode": "statefulset", "targetAllocator": {"filterStrategy": "by-chance"}},
    "spec.ingress.ruleType": {"mode": "deployment", "ingress": {"ruleType": "host"}},
}
BY_WEBHOOK: dict[str, dict[str, Any]] = {
    "spec.volumeClaimTemplates": {"mode": "deployment", "volumeClaimTemplates": [{"metadata": {"name": "a"}}]},
    "spec.deploymentUpdateStrategy.type": {"mode": "statefulset", "deploymentUpdateStrategy": {"type": "Recreate"}},
    "spec.daemonSetUpdateStrategy.type": {"mode": "deployment", "daemonSetUpdateStrategy": {"type": "OnDelete"}},
    "spec.autoscaler": {"mode": "deployment", "autoscaler": {"minReplicas": 1}},
    "spec.replicas": {"mode": "deployment", "replicas": 3, "autoscaler": SCALER},
    "spec.autoscaler.behavior.scaleUp.stabilizationWindowSeconds": {
        "mode": "deployment",
        "autoscaler": {**SCALER, "behavior": {"scaleUp": {"stabilizationWindowSeconds": 3601}}},
    },
    "spec.autoscaler.metrics[0]": {
        "mode": "deployment",
        "autoscaler": {**SCALER, "metrics": [{"type": "Resource"}]},
    },
    "spec.ports[0]": {"mode": "deployment", "ports": [{"name": "A_b", "port": 1}]},
    "spec.ports[0].port": {"mode": "deployment", "ports": [{"name": "a", "port": 0}]},
    "spec.ingress": {"mode": "deployment", "ingress": {"ruleType": "subdomain"}},
    "spec.ingress.type": {"mode": "sidecar", "ingress": {"type": "ingress"}},
    "receivers": {"mode": "statefulset", "targetAllocator": ALLOCATOR},
}


def resource(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    head = {"apiVersion": "opentelemetry.io/v1beta1", "kind": KIND, "metadata": metadata}
    return {**head, "spec": {"config": CONFIG, **spec}}


def asked(manifests: list[dict[str, Any]]) -> str:
    """Return what the server has against custom resources, in a namespace that every cluster has."""
    found = [item for item in manifests if item["kind"] == KIND]
    named = [{**item, "metadata": {**item["metadata"], "namespace": "default"}} for item in found]
    assert named
    return definitions.find_refusal({"apiVersion": "v1", "kind": "List", "items": named})


def rendered(platform: str, mode: str) -> Iterator[dict[str, Any]]:
    """Yield what every recipe of a mode renders to, each under a name of its own."""
    for name in RECIPES:
        if mode in RECIPES[name]["modes"]:
            asked_for = request(name, platform, mode)
            for item in _render.build_bundle(_render.judge_request(asked_for))["manifests"]:
                yield {**item, "metadata": {**item["metadata"], "name": name.replace("_", "-")}}


def paths(manifest: dict[str, Any]) -> set[str]:
    """Return where our rules find an error in a custom resource."""
    found = lint_config(
        Subject(manifest["spec"]["config"], custom_resource=manifest, operator_kinds=_tables.read_operator_kinds())
    )
    return {item.path for item in found if item.severity == "error"}


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """An API server that knows the kind."""
    reason = definitions.explain_missing_kind(PLURAL)
    if reason:
        print(f"SKIPPED: whether a server takes our custom resources, because {reason}")
        pytest.skip(reason)
    with definitions.serve_kind(PLURAL):
        yield


def test_the_server_takes_every_custom_resource_of_the_examples() -> None:
    found = [item for path in GOLDENS for item in yaml.safe_load_all(path.read_text()) if item["kind"] == KIND]
    assert {item["spec"]["mode"] for item in found} == set(BACKENDS["operator"].modes)
    assert asked(found) == ""


@pytest.mark.parametrize("platform", FURTHEST_APART)
@pytest.mark.parametrize("mode", BACKENDS["operator"].modes)
def test_the_server_takes_every_recipe(platform: str, mode: str) -> None:
    assert asked(list(rendered(platform, mode))) == ""


def test_the_server_would_notice_an_unknown_field() -> None:
    assert "spec.replica" in definitions.find_refusal(resource("unknown", {"mode": "deployment", "replica": 1}))
    assert definitions.find_refusal(resource("known", {"mode": "deployment", "replicas": 1})) == ""


@pytest.mark.parametrize("path", BY_SCHEMA)
def test_what_the_schema_refuses_our_rules_refuse_at_the_same_place(path: str) -> None:
    broken = resource("broken", BY_SCHEMA[path])
    assert definitions.find_refusal(broken) != ""
    assert paths(broken) == {path}


@pytest.mark.parametrize("path", BY_WEBHOOK)
def test_what_the_operator_refuses_our_rules_refuse_at_the_same_place(path: str) -> None:
    broken = resource("broken", BY_WEBHOOK[path])
    assert paths(broken) == {path}
    get = ("kubectl", "get", "validatingwebhookconfiguration", WEBHOOK)
    if subprocess.run(get, capture_output=True, check=False, timeout=60).returncode:
        print(f"SKIPPED: whether the operator refuses {path}, because none runs in this cluster")
        pytest.skip("no operator runs in this cluster, and its webhook alone refuses this")
    assert "denied the request" in definitions.find_refusal(broken)
