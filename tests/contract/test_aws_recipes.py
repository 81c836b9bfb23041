# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes for AWS, and inventory eks_adot, which is made of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from .role import ROOT, request

GROUP = ROOT / "inventories" / "eks_adot" / "group_vars" / "all"
AMP = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1"
WRITE = "/api/v1/remote_write"


def config(*recipes: Any) -> Any:
    wanted = [{"name": "one", "recipes": ["otlp_ingest", "debug_output", *recipes]}]
    return _render.judge_request(_render.RenderRequest(wanted, {"namespace": "a"}))[0].composed_config.config


@pytest.mark.parametrize("workspace", ["ws-1", AMP, f"{AMP}/", AMP + WRITE])
def test_a_workspace_is_an_id_or_any_of_its_urls(workspace: str) -> None:
    made = config({"amp_export": {"workspace": workspace, "region": "eu-west-1", "role_arn": "arn:aws:iam::1:role/a"}})
    assert made["exporters"]["prometheus_remote_write/amp"]["endpoint"] == AMP + WRITE
    signer = {"region": "eu-west-1", "service": "aps", "assume_role": {"arn": "arn:aws:iam::1:role/a"}}
    assert made["extensions"]["sigv4auth/amp"] == signer


@pytest.mark.parametrize("workspace", ["${env:WORKSPACE}", "ws-12345678-abcd-4fed-8afd-0b0f7c1a2b3c"])
def test_a_workspace_is_a_variable_or_a_long_id(workspace: str) -> None:
    made = config({"amp_export": {"workspace": workspace, "region": "cn-north-1"}})
    place = f"https://aps-workspaces.cn-north-1.amazonaws.com.cn/workspaces/{workspace}{WRITE}"
    assert made["exporters"]["prometheus_remote_write/amp"]["endpoint"] == place


@pytest.mark.parametrize("workspace", ["platform", "my workspace", "arn:aws:aps:eu-west-1:1:workspace/ws-1", "ws-"])
def test_an_alias_is_refused_with_the_way_to_its_id(workspace: str) -> None:
    with pytest.raises(Problem, match="is neither an id of a workspace nor a URL") as raised:
        config({"amp_export": {"workspace": workspace, "region": "eu-west-1"}})
    assert "recipe 'amp_export'" in str(raised.value)
    assert f"aws amp list-workspaces --region eu-west-1 --alias {workspace}" in raised.value.fix


@pytest.mark.parametrize(
    ("name", "key", "host"),
    [
        ("xray_otlp_export", "traces_endpoint", "xray"),
        ("cloudwatch_otlp_export", "logs_endpoint", "logs"),
        ("cloudwatch_otlp_metrics", "metrics_endpoint", "monitoring"),
    ],
)
@pytest.mark.parametrize(("region", "domain"), [("eu-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")])
def test_an_endpoint_is_of_its_region_and_signed_for_its_service(
    name: str, key: str, host: str, region: str, domain: str
) -> None:
    more = {"log_group": "/a"} if name == "cloudwatch_otlp_export" else {}
    made = config({name: {"region": region, **more}})
    (exporter,) = [item for item in made["exporters"].values() if item and key in item]
    assert exporter[key] == f"https://{host}.{region}.{domain}/v1/{key.removesuffix('_endpoint')}"
    assert made["extensions"][exporter["auth"]["authenticator"]] == {"region": region, "service": host}


def test_everything_for_aws_fits_into_one_collector() -> None:
    region = {"region": "eu-west-1"}
    names = ("xray_ingest", "xray_export", "xray_otlp_export", "cloudwatch_otlp_metrics")
    logs = {"cloudwatch_otlp_export": {**region, "log_group": "/a"}}
    metrics = ({"amp_export": {**region, "workspace": "ws-1"}}, {"emf_export": {**region, "cluster": "prod"}})
    made = config(*({name: region} for name in names), logs, *metrics)
    assert len(made["service"]["extensions"]) == len({"health_check", "amp", "xray", "logs", "monitoring"})


def test_the_inventory_has_four_pipelines_from_one_scrape() -> None:
    merged = {
        key: value
        for name in ("collectors", "eks")
        for key, value in _documents.read_yaml(GROUP / f"{name}.yml").items()
    }
    planned = _render.judge_request(request(merged))
    pipelines = planned[0].composed_config.config["service"]["pipelines"]
    assert {key: (value["receivers"], value["exporters"]) for key, value in pipelines.items()} == {
        "traces/xray": (["awsxray"], ["awsxray"]),
        "traces": (["otlp"], ["awsxray"]),
        "metrics/amp": (["prometheus"], ["prometheus_remote_write/amp"]),
        "metrics/emf": (["prometheus"], ["awsemf"]),
    }
    assert [key for key, value in pipelines.items() if "attributes/emf" in value["processors"]] == ["metrics/emf"]
    (collector,) = _render.build_bundle(planned)["collectors"]
    ports = {(port["port"], port["protocol"]) for port in collector["ports"]}
    assert ports == {(2000, "UDP"), (2000, "TCP"), (4317, "TCP"), (4318, "TCP")}


def test_the_gateway_of_agent_gateway_xray_alone_sends_to_x_ray() -> None:
    folder = ROOT / "inventories" / "agent_gateway_xray" / "group_vars" / "all"
    variables: dict[str, Any] = {}
    for file in ("collectors", "eks"):
        variables |= _documents.read_yaml(folder / f"{file}.yml")
    planned = _render.judge_request(request(variables))
    assert [str(finding) for one in planned for finding in one.findings if finding.severity != "info"] == []
    gateway, agent = (one.composed_config.config for one in planned)
    region = variables["otel_collector_eks_cluster"]["region"]
    assert [(name, of["region"]) for name, of in gateway["exporters"].items()] == [("awsxray", region)]
    assert list(agent["exporters"]) == ["otlp_grpc/gateway"]
    assert list(gateway["service"]["pipelines"]) == list(agent["service"]["pipelines"]) == ["traces"]


def test_dimensions_are_labels_of_the_same_name() -> None:
    options = {"region": "a", "cluster": "prod", "labels": {"Shop": "shop"}, "dimensions": [["EKS_Cluster", "Shop"]]}
    made = config({"emf_export": options})
    assert made["processors"]["attributes/emf"]["actions"] == [
        {"key": "EKS_Cluster", "value": "prod", "action": "upsert"},
        {"key": "Shop", "from_attribute": "shop", "action": "upsert"},
    ]
    assert made["exporters"]["awsemf"]["metric_declarations"] == [
        {"dimensions": [["EKS_Cluster", "Shop"]], "metric_name_selectors": [".*"]}
    ]
