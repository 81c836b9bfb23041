# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.kubernetes import manifests

from ..helpers import build, running

EVERYTHING: dict[str, Any] = {
    "autoscaling": {"min_replicas": 1, "max_replicas": 2},
    "disruption_budget": {"min_available": 1},
    "network_policy": {"enabled": True},
    "ingress": {"host": "a.example.com"},
    "routes": {"gateway": "public", "http_hostnames": ["h.example.com"], "grpc_hostnames": ["g.example.com"]},
}
CONFIG = running(receivers={"otlp": {"protocols": {"grpc": None, "http": None}}}, processors={"k8s_attributes": {}})


def kinds(config: Any = None, **options: Any) -> list[str]:
    return [manifest["kind"] for manifest in manifests(build(config, **options))]


def test_the_least_collector_has_five_objects_and_an_agent_four() -> None:
    assert kinds() == ["Namespace", "ServiceAccount", "ConfigMap", "Service", "Deployment"]
    assert kinds(mode="daemonset") == ["Namespace", "ServiceAccount", "ConfigMap", "DaemonSet"]


@pytest.mark.parametrize(("mode", "workload"), [("deployment", ["Deployment"]), ("statefulset", ["StatefulSet"])])
def test_what_others_need_comes_first(mode: str, workload: list[str]) -> None:
    services = ["Service"] * (2 if mode == "statefulset" else 1)
    assert kinds(CONFIG, mode=mode, **EVERYTHING) == [
        *("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "ConfigMap"),
        *services,
        *workload,
        *("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress", "HTTPRoute", "GRPCRoute"),
    ]


@pytest.mark.parametrize("mode", ["daemonset", "deployment", "statefulset"])
def test_every_object_but_those_that_are_shared_says_whose_it_is(mode: str) -> None:
    for manifest in manifests(build(CONFIG, mode=mode)):
        owner = manifest["metadata"]["labels"].get("o11y.opentelemetry/collector")
        assert owner == (None if manifest["kind"] in ("Namespace", "ServiceAccount") else "gateway")


def test_no_two_objects_share_anything_that_could_change() -> None:
    one, *others = manifests(build(CONFIG, labels={"team": "a"}))
    one["metadata"]["labels"]["changed"] = "yes"
    assert all("changed" not in manifest["metadata"]["labels"] for manifest in others)
