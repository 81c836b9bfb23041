# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.operator import MODES, manifests

from ..helpers import PODS, build
from ..manifests.test_target_allocator import SETTINGS, SOURCES, order
from .test_kubernetes import CONFIG, EVERYTHING
from .test_kubernetes import manifests as plain

OURS = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding")


def objects(config: Any = None, **options: Any) -> list[Any]:
    return manifests(build(config, backend="operator", **options))


def kinds(config: Any = None, **options: Any) -> list[str]:
    return [manifest["kind"] for manifest in objects(config, **options)]


def test_the_least_collector_has_four_objects_and_others_three() -> None:
    assert kinds() == ["Namespace", "ServiceAccount", "Service", "OpenTelemetryCollector"]
    for mode in ("daemonset", "sidecar"):
        assert kinds(mode=mode) == ["Namespace", "ServiceAccount", "OpenTelemetryCollector"]


@pytest.mark.parametrize(("mode", "services"), [("deployment", 1), ("statefulset", 2)])
def test_workload_config_autoscaler_and_budget_are_the_operators(mode: str, services: int) -> None:
    assert kinds(CONFIG, mode=mode, **EVERYTHING) == [
        *OURS,
        *["Service"] * services,
        *("NetworkPolicy", "Ingress", "HTTPRoute", "GRPCRoute", "OpenTelemetryCollector"),
    ]


def test_an_allocator_has_an_account_and_rights_of_its_own() -> None:
    sources = {**SOURCES, "secret_namespaces": ["telemetry"]}
    assert [manifest["kind"] for manifest in manifests(order(sources=sources))] == [
        *OURS,
        *OURS[1:],
        *("Service", "Role", "RoleBinding", "OpenTelemetryCollector"),
    ]


@pytest.mark.parametrize("mode", MODES)
def test_every_object_but_those_that_are_shared_says_whose_it_is(mode: str) -> None:
    settings = SETTINGS if mode in ("daemonset", "statefulset") else {}
    for manifest in objects(CONFIG, mode=mode, target_allocator=settings):
        name, kind = manifest["metadata"]["name"], manifest["kind"]
        shared = kind == "Namespace" or (kind == "ServiceAccount" and name == "gateway")
        assert ("o11y.opentelemetry/collector" in manifest["metadata"]["labels"]) is not shared


def test_a_service_selects_the_same_pods_under_both_backends() -> None:
    both = [*objects(CONFIG, network_policy={"enabled": True}), *plain(build(CONFIG, network_policy={"enabled": True}))]
    selectors = [item["spec"]["selector"] for item in both if item["kind"] == "Service"]
    assert selectors == [PODS, PODS]
    policies = [item["spec"]["podSelector"]["matchLabels"] for item in both if item["kind"] == "NetworkPolicy"]
    assert policies == [PODS, PODS]
    (template,) = [item["spec"]["template"] for item in both if item["kind"] == "Deployment"]
    assert PODS.items() <= template["metadata"]["labels"].items()


def test_pull_secrets_are_the_accounts() -> None:
    account = objects(image_pull_secrets=["registry"])[1]
    assert account["imagePullSecrets"] == [{"name": "registry"}]
