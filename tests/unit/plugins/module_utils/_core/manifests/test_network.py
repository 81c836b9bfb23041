# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.network import (
    grpc_route,
    http_route,
    ingress,
    network_policy,
)

from ..helpers import METADATA, PODS, build, cases, running

BOTH = running(receivers={"otlp": {"protocols": {"grpc": None, "http": None}}})
HOST = {"host": "otel.example.com"}
GATEWAY = {"gateway": "public", "http_hostnames": ["h.example.com"], "grpc_hostnames": ["g.example.com"]}


def policy(config: Any = None, **options: Any) -> Any:
    manifest = network_policy(build(config, network_policy={"enabled": True, **options}))
    assert manifest is not None
    assert manifest["metadata"] == METADATA
    return manifest["spec"]


def test_a_policy_admits_every_port_and_its_protocol() -> None:
    config = running(receivers={"statsd": {}, "zipkin": {}}, extensions={"health_check": {"endpoint": ":13133"}})
    ports = [{"port": port, "protocol": protocol} for port, protocol in ((13133, "TCP"), (8125, "UDP"), (9411, "TCP"))]
    assert policy(config) == {
        "podSelector": {"matchLabels": PODS},
        "policyTypes": ["Ingress"],
        "ingress": [{"ports": ports}],
    }


@cases(
    "options, config, made",
    ({}, None, True),
    ({"mode": "daemonset"}, None, True),
    ({"network_policy": {"enabled": False}}, None, False),
    ({"mode": "sidecar", "backend": "operator"}, None, False),
    ({"host_network": True}, None, False),
    ({"host_network": True, "network_policy": {"enabled": True}}, None, True),
    ({}, running(receivers={"zipkin": {"endpoint": "0.0.0.0:${env:PORT}"}}), False),
    ({"network_policy": {"enabled": True}}, running(receivers={"zipkin": {"endpoint": "${env:WHERE}"}}), True),
)
def test_there_is_a_policy_where_all_ports_are_known(options: dict[str, Any], config: Any, made: bool) -> None:
    assert (network_policy(build(config, **options)) is not None) is made


def test_a_policy_admits_only_the_peers_it_is_told_and_leaves_egress_alone_until_it_is_told() -> None:
    peers = [{"podSelector": {}}]
    assert policy(ingress_from=peers)["ingress"] == [{"ports": [{"port": 4317, "protocol": "TCP"}], "from": peers}]
    assert policy(running(), ingress_from=peers)["ingress"] == []
    spec = policy(egress=[{"to": peers}])
    assert (spec["policyTypes"], spec["egress"]) == (["Ingress", "Egress"], [{"to": peers}])


def test_an_ingress_leads_to_otlp_over_http() -> None:
    backend = {"service": {"name": "gateway", "port": {"name": "otlp-http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    assert ingress(build(BOTH, ingress=HOST)) == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": METADATA,
        "spec": {"rules": [{"host": "otel.example.com", "http": {"paths": [path]}}]},
    }


def test_an_ingress_is_as_asked_for() -> None:
    options = {**HOST, "port": "otlp", "path": "/x", "class": "nginx", "tls_secret": "tls", "annotations": {"a": "b"}}
    manifest = ingress(build(BOTH, ingress=options))
    assert manifest is not None
    assert manifest["metadata"]["annotations"] == {"a": "b"}
    assert manifest["spec"]["ingressClassName"] == "nginx"
    assert manifest["spec"]["tls"] == [{"hosts": ["otel.example.com"], "secretName": "tls"}]
    path = manifest["spec"]["rules"][0]["http"]["paths"][0]
    assert (path["path"], path["backend"]["service"]["port"]["name"]) == ("/x", "otlp")


@pytest.mark.parametrize(("config", "listens"), [(None, "otlp"), (running(), "nothing")])
def test_an_ingress_to_a_port_that_nobody_opens_is_refused(config: Any, listens: str) -> None:
    with pytest.raises(
        Problem, match=rf"'gateway' has no port 'otlp-http' for its ingress or routes\. .*listens on: {listens}\."
    ):
        ingress(build(config, ingress=HOST))


@pytest.mark.parametrize(("builder", "options"), [(ingress, {"ingress": HOST}), (grpc_route, {"routes": GATEWAY})])
def test_a_way_in_needs_a_service(builder: Any, options: dict[str, Any]) -> None:
    with pytest.raises(Problem, match=r"has an ingress or routes but no Service\. Set `service: {enabled: true}`\."):
        builder(build(BOTH, service={"enabled": False}, **options))


@cases(
    "builder, kind, port, host",
    (http_route, "HTTPRoute", 4318, "h.example.com"),
    (grpc_route, "GRPCRoute", 4317, "g.example.com"),
)
def test_a_route_leads_from_a_gateway_to_its_port(builder: Any, kind: str, port: int, host: str) -> None:
    assert builder(build(BOTH, routes=GATEWAY)) == {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": METADATA,
        "spec": {
            "parentRefs": [{"name": "public"}],
            "hostnames": [host],
            "rules": [{"backendRefs": [{"name": "gateway", "port": port}]}],
        },
    }


def test_a_route_says_which_gateway_and_a_protocol_without_host_names_has_none() -> None:
    options = {"gateway": "public", "grpc_hostnames": ["a.b"], "gateway_namespace": "infra", "section_name": "https"}
    one = build(BOTH, routes=options)
    spec = grpc_route(one)["spec"]  # type: ignore[index]
    assert spec["parentRefs"] == [{"name": "public", "namespace": "infra", "sectionName": "https"}]
    assert http_route(one) is None


TWICE = {"gateway": "public", "http_hostnames": ["a.b", "x"], "grpc_hostnames": ["a.b"]}


@cases(
    "config, options, says",
    (BOTH, {"gateway": "public"}, "has routes without host names"),
    (BOTH, TWICE, "routes host name 'a.b' to both HTTP and gRPC"),
    (running(receivers={"zipkin": {}}), GATEWAY, r"has no port 'otlp-http' for its ingress or routes\."),
)
def test_routes_that_a_gateway_would_refuse_are_refused(config: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        http_route(build(config, routes=options))


def test_there_is_none_of_them_when_none_is_asked_for() -> None:
    assert [builder(build(BOTH)) for builder in (ingress, http_route, grpc_route)] == [None] * 3
