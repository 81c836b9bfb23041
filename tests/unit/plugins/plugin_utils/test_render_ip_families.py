# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors in clusters of IPv4, of IPv6 and of both."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import iter_leaves, value_at
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _yaml

from .helpers import of_kind, rendered

INGEST = [
    "otlp_ingest",
    "zipkin_ingest",
    "jaeger_ingest",
    "fluent_ingest",
    "syslog_ingest",
    {"xray_ingest": {"region": "eu-west-1"}},
]
AGENT = {"name": "agent", "mode": "daemonset", "recipes": ["otlp_ingest", "kubelet_metrics", "debug_output"]}
GATEWAY = {"name": "gateway", "recipes": [*INGEST, "debug_output"]}
GRPC = ("receivers", "otlp", "protocols", "grpc", "endpoint")
KUBELET = ("receivers", "kubelet_stats", "endpoint")
FAMILIES: list[list[str]] = [[], ["IPv4"], ["IPv6"], ["IPv4", "IPv6"], ["IPv6", "IPv4"]]


def config_of(result: dict[str, Any]) -> Any:
    return _yaml.load(result["collectors"][0]["config"], "config").data


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
@pytest.mark.parametrize("version", ["", "0.100.0"])
def test_no_listener_of_a_recipe_has_the_address_of_the_pod_without_brackets(backend: str, version: str) -> None:
    chosen = {"version": version} if version else {}
    config = config_of(rendered({**GATEWAY, "backend": backend, **chosen}))
    endpoints = [text for _path, text in iter_leaves(config) if isinstance(text, str) and "MY_POD_IP}" in text]
    assert len(endpoints) > len(INGEST)
    hosts = [text for text in endpoints if text == "${env:MY_POD_IP}"]  # joined with its port by the Collector
    assert all(text.startswith("[${env:MY_POD_IP}]:") for text in endpoints if text not in hosts)
    assert len(hosts) == (0 if version else 1)


@pytest.mark.parametrize("families", FAMILIES)
def test_receivers_listen_on_all_addresses_if_clients_use_two_families(families: list[str]) -> None:
    config = config_of(rendered({**GATEWAY, "ip_families": families}))
    host = "::" if len(families) > 1 else "${env:MY_POD_IP}"
    assert value_at(config, GRPC) == f"[{host}]:4317"
    assert value_at(config, ("extensions", "health_check", "endpoint")) == "[${env:MY_POD_IP}]:13133"


def test_a_sidecar_listens_in_its_pod_alone() -> None:
    sidecar = {**GATEWAY, "mode": "sidecar", "backend": "operator", "ip_families": ["IPv4", "IPv6"]}
    assert value_at(config_of(rendered(sidecar)), GRPC) == "localhost:4317"


@pytest.mark.parametrize("families", FAMILIES)
def test_a_url_has_brackets_around_the_address_of_a_node_where_it_is_of_ipv6(families: list[str]) -> None:
    result = rendered({**AGENT, "ip_families": families})
    node = "[{}]" if families[:1] == ["IPv6"] else "{}"
    assert value_at(config_of(result), KUBELET) == f"https://{node.format('${env:K8S_NODE_IP}')}:10250"
    assert result["collectors"][0]["otlp_http_url"] == f"http://{node.format('$(HOST_IP)')}:4318"


@pytest.mark.parametrize("families", FAMILIES)
@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
def test_services_ask_for_both_families_only_if_there_are_two(families: list[str], backend: str) -> None:
    item = {**GATEWAY, "ip_families": families, "backend": backend, "service": {"headless": True}}
    result = rendered(item)
    asking = [one["spec"] for one in (*of_kind(result, "Service"), *of_kind(result, "OpenTelemetryCollector"))]
    wanted = "PreferDualStack" if len(families) > 1 else None
    assert {spec.get("ipFamilyPolicy") for spec in asking} == {wanted}
    assert not any("ipFamilies" in spec for spec in asking)


def test_a_family_is_named_once() -> None:
    with pytest.raises(Problem, match="names an IP family twice"):
        rendered({**GATEWAY, "ip_families": ["IPv6", "IPv6"]})
