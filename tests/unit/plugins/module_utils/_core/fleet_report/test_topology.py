# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sends to whom, and the boxes in columns that show it."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report import layout, topology
from hypothesis import given
from hypothesis import strategies as st

from .helpers import Fleet, config, to

NODE_IP = [{"name": "K8S_NODE_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}]


def drawn(fleet: Fleet, **elsewhere: str) -> topology.Graph:
    members = fleet.members()
    return topology.graph(members, topology.names_of(members, elsewhere))


def ways(fleet: Fleet) -> list[tuple[str, str]]:
    return [(way.source, way.target) for way in drawn(fleet).ways]


def node(fleet: Fleet, name: str, **elsewhere: str) -> topology.TopologyNode:
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
    assert topology.fold(whole, 7) == whole
    small = topology.fold(whole, 6)
    assert [item.title for item in small.nodes] == ["app-0 and 4 more", "gateway", "debug"]
    assert small.nodes[0].stands_for == tuple(f"app-{number}" for number in range(5))
    assert [way[:2] for way in small.ways] == [("obs/app-0", "obs/gateway"), ("obs/gateway", "backend debug")]


def test_what_has_other_ways_is_not_folded() -> None:
    nodes = tuple(topology.TopologyNode(name, "gateway", name, "") for name in "abc")
    whole = topology.Graph(nodes, (topology.Way("a", "c", "traces"), topology.Way("b", "c", "logs")))
    assert topology.fold(whole, 1) == whole


NAMES = [f"n{number}" for number in range(14)]
boxes = st.lists(
    st.builds(layout.Box, st.sampled_from(NAMES), st.booleans()), unique_by=lambda box: box.id, max_size=14
)
lines = st.lists(st.builds(layout.Line, st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=30)


def column(drawing: layout.Drawing, name: str) -> int:
    return drawing.boxes[name][0]


@given(boxes, lines)
def test_no_box_is_on_another_and_all_are_in_the_picture(
    given_boxes: list[layout.Box], given_lines: list[layout.Line]
) -> None:
    drawing = layout.draw(given_boxes, given_lines)
    assert set(drawing.boxes) == {box.id for box in given_boxes}
    for (x, y), (other_x, other_y) in combinations(drawing.boxes.values(), 2):
        assert abs(x - other_x) >= layout.WIDTH or abs(y - other_y) >= layout.HEIGHT
    for x, y in drawing.boxes.values():
        assert layout.MARGIN <= x <= drawing.width - layout.MARGIN - layout.WIDTH
        assert layout.MARGIN <= y <= drawing.height - layout.MARGIN - layout.HEIGHT


@given(boxes, lines)
def test_no_line_goes_through_a_box(given_boxes: list[layout.Box], given_lines: list[layout.Line]) -> None:
    drawing = layout.draw(given_boxes, given_lines)
    for points in drawing.lines.values():
        for (x, y), (next_x, next_y) in pairwise(points):
            left, right = sorted((x, next_x))
            for box_x, box_y in drawing.boxes.values():
                assert (
                    right <= box_x
                    or left >= box_x + layout.WIDTH
                    or (y == next_y and not box_y < y < box_y + layout.HEIGHT)
                )


@given(boxes, lines, st.randoms())
def test_the_order_of_lines_means_nothing(
    given_boxes: list[layout.Box], given_lines: list[layout.Line], random: object
) -> None:
    shuffled = list(given_lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert layout.draw(given_boxes, shuffled) == layout.draw(given_boxes, given_lines)


@given(boxes, lines)
def test_every_line_between_known_boxes_is_drawn_once(
    given_boxes: list[layout.Box], given_lines: list[layout.Line]
) -> None:
    known = {box.id for box in given_boxes}
    wanted = {line for line in given_lines if line.source != line.target and {*line} <= known}
    assert set(layout.draw(given_boxes, given_lines).lines) == wanted


def test_what_is_sent_goes_to_the_right() -> None:
    drawing = layout.draw(
        [layout.Box("agent"), layout.Box("gateway"), layout.Box("hub")],
        [layout.Line("agent", "gateway"), layout.Line("gateway", "hub")],
    )
    assert column(drawing, "agent") < column(drawing, "gateway") < column(drawing, "hub")


def test_a_backend_is_in_the_last_column_whoever_sends_to_it() -> None:
    listed = [layout.Box("agent"), layout.Box("gateway"), layout.Box("log", True), layout.Box("store", True)]
    drawing = layout.draw(
        listed, [layout.Line("agent", "gateway"), layout.Line("agent", "log"), layout.Line("gateway", "store")]
    )
    assert column(drawing, "log") == column(drawing, "store") > column(drawing, "gateway")


def test_a_cycle_is_drawn_with_one_line_back() -> None:
    drawing = layout.draw([layout.Box("a"), layout.Box("b")], [layout.Line("a", "b"), layout.Line("b", "a")])
    back = drawing.lines[layout.Line("b", "a")]
    assert column(drawing, "a") < column(drawing, "b")
    assert back[0][0] > back[-1][0]


def test_a_box_stands_beside_the_one_that_it_sends_to() -> None:
    listed = [layout.Box(name) for name in ("a", "b", "c", "x", "y", "z")]
    drawing = layout.draw(listed, [layout.Line("a", "z"), layout.Line("b", "y"), layout.Line("c", "x")])
    for source, target in (("a", "z"), ("b", "y"), ("c", "x")):
        assert drawing.boxes[source][1] == drawing.boxes[target][1]


def test_nothing_is_a_small_picture() -> None:
    assert layout.draw([], []).boxes == {}


def test_a_curve_bends_between_columns_and_is_straight_in_them() -> None:
    assert layout.curve([(0, 0), (10, 4), (20, 4), (30, 8)]) == "M0 0C5 0 5 4 10 4L20 4C25 4 25 8 30 8"
