# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.service import (
    headless_service,
    service,
)

from ..helpers import METADATA, PODS, build, running

OTLP = {"name": "otlp", "port": 4317, "targetPort": 4317, "protocol": "TCP", "appProtocol": "grpc"}


def test_clients_reach_a_gateway_through_a_service() -> None:
    assert service(build()) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": METADATA,
        "spec": {
            "type": "ClusterIP",
            "selector": PODS,
            "ports": [OTLP],
            "internalTrafficPolicy": "Cluster",
        },
    }


def test_udp_stays_udp_and_only_grpc_says_so() -> None:
    one = build(running(receivers={"statsd": {}, "zipkin": {}}))
    assert service(one)["spec"]["ports"] == [  # type: ignore[index]
        {"name": "statsd", "port": 8125, "targetPort": 8125, "protocol": "UDP"},
        {"name": "zipkin", "port": 9411, "targetPort": 9411, "protocol": "TCP"},
    ]


@pytest.mark.parametrize(
    "one",
    [
        build(mode="daemonset"),
        build(service={"enabled": False}),
        build(running()),
        build(running(extensions={"health_check": {}})),
    ],
    ids=["an agent", "not wanted", "nothing listens", "only the kubelet asks"],
)
def test_there_is_no_service_without_a_use(one: Any) -> None:
    assert service(one) is None


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"service": {"type": "LoadBalancer"}}, "type", "LoadBalancer"),
        ({"service": {"internal_traffic_policy": "Local"}}, "internalTrafficPolicy", "Local"),
        ({"mode": "daemonset", "service": {"enabled": True}}, "internalTrafficPolicy", "Local"),
        (
            {"mode": "daemonset", "service": {"enabled": True, "internal_traffic_policy": "Cluster"}},
            "internalTrafficPolicy",
            "Cluster",
        ),
    ],
)
def test_a_service_is_as_asked_for(options: dict[str, Any], field: str, value: str) -> None:
    assert service(build(**options))["spec"][field] == value  # type: ignore[index]


def test_a_service_has_annotations_of_its_own() -> None:
    one = build(annotations={"a": "b"}, service={"annotations": {"c": "d"}})
    assert service(one)["metadata"]["annotations"] == {"a": "b", "c": "d"}  # type: ignore[index]


def test_a_statefulset_has_a_governing_service() -> None:
    manifest = headless_service(build(mode="statefulset"))
    assert manifest is not None
    assert manifest["metadata"]["name"] == "gateway-headless"
    assert manifest["spec"] == {"clusterIP": "None", "selector": PODS, "ports": [OTLP]}


def test_a_governing_service_needs_no_ports() -> None:
    manifest = headless_service(build(running(), mode="statefulset"))
    assert manifest is not None
    assert "ports" not in manifest["spec"]


@pytest.mark.parametrize("mode", ["deployment", "daemonset"])
def test_others_have_none(mode: str) -> None:
    assert headless_service(build(mode=mode)) is None
