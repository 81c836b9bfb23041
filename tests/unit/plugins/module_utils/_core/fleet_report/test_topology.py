# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sends to whom, derived from configs."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.topology import (
    Graph,
    TopologyNode,
    Way,
    fold,
    graph,
    names_of,
)

from .helpers import Fleet, config, to

NODE_IP = [{"name": "K8S_NODE_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}]


def drawn(fleet: Fleet, **elsewhere: str) -> Graph:
    members = fleet.members()
    return graph(members, names_of(members, elsewhere))


def ways(fleet: Fleet) -> list[tuple[str, str]]:
    return [(way.source, way.target) for way in drawn(fleet).ways]


def node(fleet: Fleet, name: str, **elsewhere: str) -> TopologyNode:
    return next(item for item in drawn(fleet, **elsewhere).nodes if item.id == name)


def test_an_agent_sends_to_the_gateway_behind_a_service_and_that_to_a_backend() -> None:
    fleet = Fleet().add("agent", to("gateway.obs.svc:4317"), "daemonset").add("gateway", to("otlp.example.com:443"))
    assert ways(fleet) == [("obs/agent", "obs/gateway"), ("obs/gateway", "backend otlp.example.com:443")]
    assert node(fleet, "obs/agent")[1:4] == ("agent", "agent", "otlp")
    assert node(fleet, "backend otlp.example.com:443").is_last


def test_a_way_says_which_signals_go_there_and_by_what() -> None:
    fleet = Fleet().add("a", config({"otlp_grpc/x": {"endpoint": "b:1"}, "otlp_http": {"endpoint": "http://b:2"}}))
    fleet.add("b", config({"debug": {}}))
    assert drawn(fleet).ways[0].says == "traces, logs by otlp_grpc/x; traces, logs by otlp_http"


def test_a_name_of_two_labels_is_of_this_cluster_only_when_there_is_such_a_service() -> None:
    fleet = Fleet().add("a", to("gateway.obs:4317")).add("gateway", to("example.com:443"))
    assert ways(fleet) == [("obs/a", "obs/gateway"), ("obs/gateway", "backend example.com:443")]


def test_the_service_of_another_namespace_is_another() -> None:
    fleet = Fleet().add("a", to("gateway.other.svc:4317")).add("gateway", config({"debug": {}}))
    assert ("obs/a", "backend gateway.other:4317") in ways(fleet)


def test_the_services_that_the_operator_makes_lead_to_their_collector() -> None:
    fleet = Fleet().add("a", to("gateway-collector-headless.obs.svc:4317"))
    fleet.add("gateway", config({"debug": {}}), custom={"x": 1})
    assert ("obs/a", "obs/gateway") in ways(fleet)


def test_the_address_of_the_node_leads_to_the_agent_with_that_port() -> None:
    ports = [{"containerPort": 4317, "hostPort": 4317}]
    fleet = Fleet().add("agent", config({"debug": {}}), "daemonset", ports=ports)
    fleet.add("app", to("${env:K8S_NODE_IP}:4317"), "sidecar", custom={"env": NODE_IP})
    fleet.add("odd", to("${env:K8S_NODE_IP}:9999"), "sidecar", custom={"env": NODE_IP})
    assert ("obs/app", "obs/agent") in ways(fleet)
    assert ("obs/odd", "backend the node:9999") in ways(fleet)
    assert node(fleet, "obs/app").kind == "sidecar"


def test_a_target_allocator_gives_its_collector_targets() -> None:
    fleet = Fleet().add("p", config({"debug": {}}), "statefulset", custom={"targetAllocator": {"enabled": True}})
    assert ways(fleet)[-1] == ("obs/p allocator", "obs/p")
    assert node(fleet, "obs/p allocator").title == "p-targetallocator"


def test_a_host_of_an_ingress_or_a_route_leads_to_its_collector() -> None:
    fleet = (
        Fleet().add("a", to("in.example.com:443")).add("b", to("grpc.example.com:443")).add("c", to("r.example.com:1"))
    )
    fleet.add("g", config({"debug": {}}))
    fleet.object("Ingress", "obs", "g", "g", spec={"rules": [{"host": "in.example.com"}]})
    fleet.object("GRPCRoute", "obs", "g", "g", spec={"hostnames": ["grpc.example.com"]})
    fleet.object("Route", "obs", "g", "g", spec={"host": "r.example.com"})
    assert {target for _source, target in ways(fleet) if _source != "obs/g"} == {"obs/g"}


def test_a_host_of_another_cluster_is_named() -> None:
    fleet = Fleet().add("a", to("in.example.com:443"))
    found = node(fleet, "elsewhere in.example.com", **{"in.example.com": "obs/g in east"})
    assert (found.kind, found.title) == ("elsewhere", "obs/g in east")


def test_nothing_but_host_and_port_of_an_address_is_kept() -> None:
    fleet = Fleet().add("a", to("https://user:hunter2@in.example.com:8443/path/s3cret?key=s3cret"))
    text = repr(drawn(fleet))
    assert "in.example.com:8443" in text
    assert "hunter2" not in text and "s3cret" not in text


def test_what_names_no_address_is_named_by_its_kind_and_place() -> None:
    exporters: dict[str, Any] = {
        "awsxray": {"region": "eu-west-1"},
        "debug": None,
        "kafka": {},
        "awsemf": {"region": "${env:R}"},
    }
    titles = {(item.title, item.subtitle) for item in drawn(Fleet().add("a", config(exporters))).nodes}
    assert titles >= {("awsxray", "eu-west-1"), ("debug", "its own log"), ("kafka", "without an address")}
    assert ("awsemf", "without an address") in titles


def test_localhost_is_a_place_of_each_pod() -> None:
    fleet = Fleet().add("a", to("localhost:4317")).add("b", to("127.0.0.1:4317"))
    assert {target for _source, target in ways(fleet)} == {
        "backend obs/a localhost:4317",
        "backend obs/b 127.0.0.1:4317",
    }


def test_among_several_namespaces_each_collector_has_its_own_with_it() -> None:
    fleet = Fleet().add("a", config({"debug": {}})).add("a", config({"debug": {}}), namespace="other")
    assert [item.subtitle for item in drawn(fleet).nodes][:2] == ["obs: otlp", "other: otlp"]


def test_a_config_that_is_none_has_no_ways() -> None:
    assert ways(Fleet().add("a", "text").add("b", {"service": []})) == []


def test_what_has_the_same_ways_is_folded_when_there_is_too_much() -> None:
    fleet = Fleet().add("gateway", config({"debug": {}}))
    for number in range(5):
        fleet.add(f"app-{number}", to("gateway:4317"))
    whole = drawn(fleet)
    assert fold(whole, 7) == whole
    small = fold(whole, 6)
    assert [item.title for item in small.nodes] == ["app-0 and 4 more", "gateway", "debug"]
    assert small.nodes[0].stands_for == tuple(f"app-{number}" for number in range(5))
    assert [way[:2] for way in small.ways] == [("obs/app-0", "obs/gateway"), ("obs/gateway", "backend debug")]


def test_what_has_other_ways_is_not_folded() -> None:
    nodes = tuple(TopologyNode(name, "gateway", name, "") for name in "abc")
    whole = Graph(nodes, (Way("a", "c", "traces"), Way("b", "c", "logs")))
    assert fold(whole, 1) == whole
