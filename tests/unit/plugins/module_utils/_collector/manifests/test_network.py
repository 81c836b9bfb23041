# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services, network policies, and the ways in from outside."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests import network
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.network import (
    render_grpc_route,
    render_http_route,
    render_ingress,
    render_network_policy,
    render_service,
    render_service_monitor,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import METADATA, PODS, build, cases, manifest, running

BOTH = running(receivers={"otlp": {"protocols": {"grpc": None, "http": None}}})
HOST = {"host": "otel.example.com"}
GATEWAY = {"gateway": "public", "http_hostnames": ["h.example.com"], "grpc_hostnames": ["g.example.com"]}
MONITOR = {"enabled": True}
ALONE = {"service": {"enabled": False}}
TWICE = {"gateway": "public", "http_hostnames": ["a.b", "x"], "grpc_hostnames": ["a.b"]}
OTLP = {"name": "otlp", "port": 4317, "targetPort": 4317, "protocol": "TCP", "appProtocol": "grpc"}
PLAIN = {"protocols": {"http": {"endpoint": "0.0.0.0:4318"}}}
MUTUAL = {"protocols": {"http": {"endpoint": "0.0.0.0:4319", "tls": {"cert_file": "/a", "key_file": "/b"}}}}
LOCAL = {"protocols": {"http": {"endpoint": "127.0.0.1:4319"}}}


def policy(config: Any = None, **options: Any) -> Any:
    made: Any = render_network_policy(build(config, network_policy={"enabled": True, **options}))
    assert made["metadata"] == METADATA
    return made["spec"]


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
    assert (render_network_policy(build(config, **options)) is not None) is made


def test_a_policy_admits_only_the_peers_it_is_told_and_leaves_egress_alone_until_it_is_told() -> None:
    peers = [{"podSelector": {}}]
    assert policy(ingress_from=peers)["ingress"] == [{"ports": [{"port": 4317, "protocol": "TCP"}], "from": peers}]
    assert policy(running(), ingress_from=peers)["ingress"] == []
    spec = policy(egress=[{"to": peers}])
    assert (spec["policyTypes"], spec["egress"]) == (["Ingress", "Egress"], [{"to": peers}])


UNKNOWN_PORT = running(receivers={"zipkin": {"endpoint": "${env:WHERE}"}})


def test_a_policy_that_shuts_all_data_in_is_not_taken_for_an_open_one() -> None:
    with pytest.raises(Problem, match=r"has `network_policy: \{egress: \[\]\}`, which would let no data out"):
        render_network_policy(build(running(), network_policy={"enabled": True, "egress": []}))
    assert render_network_policy(build(running(), network_policy={"enabled": False, "egress": []})) is None
    made: Any = render_network_policy(build(running(), network_policy={"enabled": True, "egress": None}))
    assert made["spec"]["policyTypes"] == ["Ingress"]


@cases("option, rules", ("ingress_from", [{"podSelector": {}}]), ("egress", [{"to": [{"podSelector": {}}]}]))
@cases("options, config", ({"host_network": True}, None), ({}, UNKNOWN_PORT))
def test_rules_that_no_policy_would_have_are_refused(
    options: dict[str, Any], config: Any, option: str, rules: list[Any]
) -> None:
    with pytest.raises(Problem, match=f"has `network_policy.{option}`, and by default no NetworkPolicy") as refused:
        render_network_policy(build(config, **options, network_policy={option: rules}))
    assert "`network_policy: {enabled: true}`" in refused.value.fix
    assert render_network_policy(build(config, **options, network_policy={option: rules, "enabled": False})) is None
    assert render_network_policy(build(config, **options, network_policy={option: rules, "enabled": True})) is not None


def test_a_sidecar_may_have_the_rules_of_the_other_collectors() -> None:
    rules = {"ingress_from": [{"podSelector": {}}]}
    assert render_network_policy(build(mode="sidecar", backend="operator", network_policy=rules)) is None


def test_an_ingress_leads_to_otlp_over_http_unless_it_asks_for_more() -> None:
    backend = {"service": {"name": "gateway", "port": {"name": "otlp-http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: dict[str, Any] = {"rules": [{"host": "otel.example.com", "http": {"paths": [path]}}]}
    assert render_ingress(build(BOTH, ingress=HOST)) == manifest("networking.k8s.io/v1", "Ingress", spec=spec)
    options = {**HOST, "port": "otlp", "path": "/x", "class": "nginx", "tls_secret": "tls", "annotations": {"a": "b"}}
    made: Any = render_ingress(build(BOTH, ingress=options))
    path |= {"path": "/x", "backend": {"service": {"name": "gateway", "port": {"name": "otlp"}}}}
    tls = [{"hosts": ["otel.example.com"], "secretName": "tls"}]
    assert made["spec"] == {**spec, "ingressClassName": "nginx", "tls": tls}
    assert made["metadata"]["annotations"] == {"a": "b"}


def test_a_route_says_which_gateway_and_there_is_none_that_is_not_asked_for() -> None:
    options = {"gateway": "public", "grpc_hostnames": ["a.b"], "gateway_namespace": "infra", "section_name": "https"}
    made: Any = render_grpc_route(build(BOTH, routes=options))
    assert made["spec"]["parentRefs"] == [{"name": "public", "namespace": "infra", "sectionName": "https"}]
    assert render_http_route(build(BOTH, routes=options)) is None
    assert [builder(build(BOTH)) for builder in (render_ingress, render_http_route, render_grpc_route)] == [None] * 3


def test_a_monitor_scrapes_each_pod_once() -> None:
    options = {"enabled": True, "port": "otlp-http", "interval": "30s", "labels": {"release": "prometheus"}}
    made: Any = render_service_monitor(build(BOTH, service_monitor=options))
    assert made["metadata"]["labels"]["release"] == "prometheus"
    assert made["spec"] == {
        "selector": {"matchLabels": {"o11y.opentelemetry/collector": "gateway"}},
        "endpoints": [{"port": "otlp-http", "interval": "30s", "honorLabels": True}],
    }
    behind_two: Any = render_service_monitor(build(BOTH, mode="statefulset", service_monitor=options))
    (only,) = behind_two["spec"]["endpoints"][0]["relabelings"]
    assert only == {"action": "keep", "sourceLabels": ["__meta_kubernetes_service_name"], "regex": "gateway"}
    assert render_service_monitor(build(BOTH, service_monitor={"enabled": False})) is None


@cases(
    "builder, config, options, says",
    (render_service_monitor, BOTH, {"service_monitor": MONITOR}, "has no port 'prometheus' for its service_monitor"),
    (render_service_monitor, BOTH, {"service_monitor": MONITOR, **ALONE}, "has no Service for its service_monitor"),
    (
        render_ingress,
        None,
        {"ingress": HOST},
        r"'gateway' has no port 'otlp-http' for its ingress .*listens on: otlp\.",
    ),
    (render_ingress, running(), {"ingress": HOST}, r"has no port 'otlp-http' .*listens on: nothing\."),
    (
        render_ingress,
        BOTH,
        {"ingress": HOST, **ALONE},
        "has no Service for its ingress or routes. Set `service: {enabled: true}`",
    ),
    (render_grpc_route, BOTH, {"routes": GATEWAY, **ALONE}, "has no Service for its ingress or routes"),
    (render_http_route, BOTH, {"routes": {"gateway": "public"}}, "has routes without host names"),
    (render_http_route, BOTH, {"routes": TWICE}, "routes host name 'a.b' to both HTTP and gRPC"),
    (
        render_http_route,
        running(receivers={"zipkin": {}}),
        {"routes": GATEWAY},
        "has no port 'otlp-http' for its .* routes",
    ),
)
def test_a_way_in_that_leads_nowhere_is_refused(builder: Any, config: Any, options: Any, says: str) -> None:
    with pytest.raises(Problem, match=says):
        builder(build(config, **options))


def test_clients_reach_a_gateway_through_a_service() -> None:
    spec: dict[str, Any] = {"type": "ClusterIP", "selector": PODS, "internalTrafficPolicy": "Cluster"}
    ports = [("statsd", 8125, "UDP"), ("zipkin", 9411, "TCP")]
    spec["ports"] = [{"name": name, "port": port, "targetPort": port, "protocol": tcp} for name, port, tcp in ports]
    one = build(
        running(receivers={"statsd": {}, "zipkin": {}}), service={"annotations": {"c": "d"}}, annotations={"a": "b"}
    )
    metadata = {**METADATA, "annotations": {"a": "b", "c": "d"}}
    assert render_service(one) == manifest("v1", "Service", metadata, spec=spec)


@cases(
    "config, options",
    (None, {"mode": "daemonset"}),
    (None, ALONE),
    (running(), {}),
    (running(extensions={"health_check": {}}), {}),  # only the kubelet asks
)
def test_there_is_no_service_without_a_use(config: Any, options: Any) -> None:
    assert render_service(build(config, **options)) is None


@cases(
    "mode, options, field, value",
    ("deployment", {"type": "LoadBalancer"}, "type", "LoadBalancer"),
    ("deployment", {"internal_traffic_policy": "Local"}, "internalTrafficPolicy", "Local"),
    ("daemonset", {}, "internalTrafficPolicy", "Local"),
    ("daemonset", {"internal_traffic_policy": "Cluster"}, "internalTrafficPolicy", "Cluster"),
)
def test_a_service_is_as_asked_for(mode: str, options: Any, field: str, value: str) -> None:
    made: Any = render_service(build(mode=mode, service={"enabled": True, **options}))
    assert made["spec"][field] == value


@cases("kind", "NodePort", "LoadBalancer")
def test_a_port_of_the_nodes_is_the_one_that_is_asked_for(kind: str) -> None:
    made: Any = render_service(build(service={"type": kind, "node_ports": {"otlp": 30317}}))
    assert [port.get("nodePort") for port in made["spec"]["ports"] if port["name"] == "otlp"] == [30317]
    assert not [port for port in made["spec"]["ports"] if port["name"] != "otlp" and "nodePort" in port]
    headless: Any = network.render_headless_service(
        build(service={"type": kind, "node_ports": {"otlp": 30317}, "headless": True})
    )
    assert "nodePort" not in str(headless)


@cases(
    "options, words",
    ({"node_ports": {"otlp": 30317}}, "a Service of type ClusterIP opens no port of a node"),
    ({"type": "NodePort", "node_ports": {"oltp": 30317}}, "has no port 'oltp' for its service.node_ports"),
    ({"type": "NodePort", "node_ports": {"otlp": "many"}}, "'many', for port 'otlp', is no port"),
    ({"type": "NodePort", "node_ports": {"otlp": 70000}}, "'70000', for port 'otlp', is no port"),
)
def test_a_port_of_the_nodes_that_cannot_be_is_refused(options: Any, words: str) -> None:
    with pytest.raises(Problem, match=words):
        render_service(build(service=options))


@cases(
    "options",
    {"mode": "statefulset"},
    {"service": {"headless": True}},
    {"mode": "daemonset", "service": {"headless": True}},
)
def test_a_headless_service_is_of_a_statefulset_or_wanted_and_needs_no_ports(options: Any) -> None:
    spec = {"clusterIP": "None", "selector": PODS}
    for config, ports in ((None, {"ports": [OTLP]}), (running(), {})):
        made: Any = network.render_headless_service(build(config, **options))
        assert (made["metadata"]["name"], made["spec"]) == ("gateway-headless", {**spec, **ports})
    others: list[dict[str, Any]] = [{"mode": "deployment"}, {"mode": "daemonset"}, {"service": {"headless": False}}]
    assert [network.render_headless_service(build(**other)) for other in others] == [None] * len(others)


def test_a_headless_service_whose_name_is_too_long_is_refused() -> None:
    with pytest.raises(Problem, match="is not a valid name of a headless Service"):
        network.render_headless_service(build(name="g" * 55, service={"headless": True}))


@cases(
    "receivers, ports",
    ({"otlp": PLAIN}, {"otlp-http": 4318}),
    ({"otlp": PLAIN, "otlp/mutual": MUTUAL}, {"otlp-http": 4318, "otlp-http-2": 4319}),
    ({"otlp": PLAIN, 5: MUTUAL}, {"otlp-http": 4318}),
    ({"otlp/mutual": MUTUAL}, {}),
    ({"otlp/local": LOCAL, "otlp/mutual": MUTUAL}, {}),
    ({"otlp/mutual": {"protocols": {"http": {"endpoint": "0.0.0.0:4319", "tls": "${file:/a}"}}}}, {}),
)
def test_a_port_is_plain_if_its_own_receiver_asks_for_no_tls(receivers: Any, ports: dict[str, int]) -> None:
    one = build(running(receivers=receivers))
    assert network.list_plain_ports(one, one.config) == ports
