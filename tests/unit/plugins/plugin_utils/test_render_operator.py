# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

from .helpers import OTLP, of_kind, rendered

GATEWAY: dict[str, Any] = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
SIDECAR: dict[str, Any] = {**GATEWAY, "name": "beside", "mode": "sidecar", "backend": "operator"}
SCRAPER: dict[str, Any] = {
    "name": "scraper",
    "mode": "statefulset",
    "recipes": ["prometheus_scrape", "debug_output"],
    "target_allocator": {"enabled": True},
}


def resource(*collectors: dict[str, Any], **defaults: Any) -> Any:
    return of_kind(rendered(*collectors, backend="operator", **defaults), "OpenTelemetryCollector")[0]


def test_later_stages_are_told_of_the_custom_resource() -> None:
    result = rendered(GATEWAY, backend="operator")
    assert result["workloads"] == [{"kind": "OpenTelemetryCollector", "namespace": "telemetry", "name": "gateway"}]
    assert (result["collectors"][0]["backend"], result["collectors"][0]["mode"]) == ("operator", "deployment")
    selector = "app.kubernetes.io/component=opentelemetry-collector,o11y.opentelemetry/collector=gateway"
    assert result["probes"][0]["via"]["selector"] == result["collectors"][0]["selector"] == selector


def test_one_request_may_have_both_backends() -> None:
    result = rendered({**GATEWAY, "backend": "operator"}, {**GATEWAY, "name": "plain"})
    assert [item["kind"] for item in result["workloads"]] == ["OpenTelemetryCollector", "Deployment"]


def test_a_sidecar_listens_where_its_pod_is_and_is_not_probed() -> None:
    result = rendered(SIDECAR)
    (made,) = of_kind(result, "OpenTelemetryCollector")
    assert made["spec"]["config"]["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] == "localhost:4317"
    assert made["spec"]["config"]["extensions"]["health_check"]["endpoint"] == "${env:MY_POD_IP}:13133"
    assert result["probes"] == []


@pytest.mark.parametrize(
    ("backend", "container"), [("kubernetes", "opentelemetry-collector"), ("operator", "otc-container")]
)
def test_an_agent_leaves_out_its_own_log(backend: str, container: str) -> None:
    agent = {"name": "agent", "mode": "daemonset", "recipes": ["pod_logs", "debug_output"], "backend": backend}
    assert f"/{container}/*.log" in rendered(agent)["collectors"][0]["config"]


def test_the_config_is_the_same_under_both_backends() -> None:
    one, two = (rendered({**GATEWAY, "backend": name})["collectors"][0] for name in ("kubernetes", "operator"))
    assert one["config_hash"] == two["config_hash"]


def test_an_allocator_shares_out_under_the_operator_and_is_left_out_without() -> None:
    made = resource(SCRAPER)
    assert made["spec"]["targetAllocator"]["enabled"] is True
    assert made["spec"]["targetAllocator"]["resources"]["limits"] == {"memory": "256Mi"}
    assert [item["kind"] for item in rendered(SCRAPER)["workloads"]] == ["StatefulSet"]


def test_what_its_webhook_would_refuse_is_refused_before() -> None:
    window = {"scaleDown": {"stabilizationWindowSeconds": 9999}}
    scaler = {"min_replicas": 1, "max_replicas": 2, "behavior": window}
    with pytest.raises(Problem, match=r"stabilizationWindowSeconds: error \[resource-autoscaler\] 9999 is no window"):
        resource({**GATEWAY, "autoscaling": scaler})
    assert rendered({**GATEWAY, "autoscaling": scaler})["workloads"][0]["kind"] == "Deployment"


def test_an_allocator_without_its_receiver_is_refused() -> None:
    config = {**OTLP, "receivers": {**OTLP["receivers"], "prometheus/apps": {"config": {"scrape_configs": []}}}}
    with pytest.raises(Problem, match=r"\[target-allocator-receiver\].*Rename 'prometheus/apps'"):
        resource({**SCRAPER, "recipes": [], "config": config})


def test_a_malformed_config_is_told_of_as_such() -> None:
    with pytest.raises(Problem, match=r"receivers: error \[not-a-mapping\]"):
        resource({"name": "broken", "config": {**OTLP, "receivers": ["otlp"]}})
