# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sends to whom, and the boxes in columns that show it."""

from __future__ import annotations

import time
from itertools import combinations, pairwise
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._report import (
    topology_folds,
    topology_graph,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._report import (
    topology_layout as layout,
)
from hypothesis import given
from hypothesis import strategies as st

from ..helpers import cases
from .helpers import Fleet, config, to

NODE_IP = [{"name": "K8S_NODE_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}]
NAMES = st.sampled_from([f"n{number}" for number in range(14)])
drawings = given(
    st.lists(st.builds(layout.LayoutBox, NAMES, st.booleans()), unique_by=lambda box: box.id, max_size=14),
    st.lists(st.builds(layout.LayoutLine, NAMES, NAMES), max_size=30),
    st.randoms(),
)


def drawn(fleet: Fleet, **elsewhere: str) -> topology_graph.Graph:
    members = fleet.members()
    return topology_graph.build_cluster_graph(members, topology_graph.map_known_addresses(members, elsewhere))


def ways(fleet: Fleet) -> list[tuple[str, str]]:
    return [(way.source, way.target) for way in drawn(fleet).edges]


def node(fleet: Fleet, name: str, **elsewhere: str) -> topology_graph.TopologyNode:
    return next(item for item in drawn(fleet, **elsewhere).nodes if item.id == name)


def test_an_agent_sends_to_a_gateway_and_that_to_a_backend_and_the_way_says_by_what() -> None:
    fleet = Fleet().add("agent", to("gateway.obs.svc:4317"), "daemonset").add("gateway", to("otlp.example.com:443"))
    assert ways(fleet) == [("obs/agent", "obs/gateway"), ("obs/gateway", "backend otlp.example.com:443")]
    assert node(fleet, "obs/agent")[1:4] == ("agent", "agent", "otlp")
    assert node(fleet, "backend otlp.example.com:443").is_last
    fleet = Fleet().add("a", config({"otlp_grpc/x": {"endpoint": "b:1"}, "otlp_http": {"endpoint": "http://b:2"}}))
    assert drawn(fleet.add("b")).edges[0].description == "traces, logs by otlp_grpc/x; traces, logs by otlp_http"


@cases(
    "endpoint, target",
    ("gateway.obs:4317", "obs/gateway"),
    ("gateway.other.svc:4317", "backend gateway.other:4317"),
    ("gateway-collector-headless.obs.svc:4317", "obs/gateway"),  # the operator makes this Service
    ("in.example.com:443", "obs/gateway"),
    ("grpc.example.com:443", "obs/gateway"),
    ("r.example.com:1", "obs/gateway"),
    ("example.com:443", "backend example.com:443"),
    ("localhost:4317", "backend obs/a localhost:4317"),
    ("127.0.0.1:4317", "backend obs/a 127.0.0.1:4317"),
)
def test_an_address_leads_to_the_collector_behind_it_or_out(endpoint: str, target: str) -> None:
    fleet = Fleet().add("a", to(endpoint)).add("gateway", custom={"x": 1})
    fleet.object("Ingress", "obs", "g", "gateway", spec={"rules": [{"host": "in.example.com"}]})
    fleet.object("GRPCRoute", "obs", "g", "gateway", spec={"hostnames": ["grpc.example.com"]})
    fleet.object("Route", "obs", "g", "gateway", spec={"host": "r.example.com"})
    assert ways(fleet)[0] == ("obs/a", target)


def test_the_address_of_the_node_leads_to_the_agent_with_that_port() -> None:
    fleet = Fleet().add("agent", None, "daemonset", ports=[{"containerPort": 4317, "hostPort": 4317}])
    fleet.add("app", to("${env:K8S_NODE_IP}:4317"), "sidecar", custom={"env": NODE_IP})
    fleet.add("odd", to("${env:K8S_NODE_IP}:9999"), "sidecar", custom={"env": NODE_IP})
    assert {("obs/app", "obs/agent"), ("obs/odd", "backend the node:9999")} <= set(ways(fleet))
    assert node(fleet, "obs/app").kind == "sidecar"


def test_a_target_allocator_gives_its_collector_targets() -> None:
    fleet = Fleet().add("p", None, "statefulset", custom={"targetAllocator": {"enabled": True}})
    assert ways(fleet)[-1] == ("obs/p allocator", "obs/p")
    assert node(fleet, "obs/p allocator").title == "p-targetallocator"


def test_a_host_of_another_cluster_is_named_and_nothing_but_host_and_port_of_an_address_is_kept() -> None:
    fleet = Fleet().add("a", to("https://user:hunter2@in.example.com:8443/path/s3cret?key=s3cret"))
    found = node(fleet, "elsewhere in.example.com", **{"in.example.com": "obs/g in east"})
    assert (found.kind, found.title) == ("elsewhere", "obs/g in east")
    text = repr(drawn(fleet))
    assert "in.example.com:8443" in text and "hunter2" not in text and "s3cret" not in text


def test_what_names_no_address_is_named_by_its_kind_and_place() -> None:
    places = {
        "awsxray": {"region": "eu-west-1"},
        "debug": None,
        "logging": None,
        "kafka": {},
        "awsemf": {"region": "${env:R}"},
    }
    titles = {(item.title, item.subtitle) for item in drawn(Fleet().add("a", config(places))).nodes}
    assert titles >= {
        ("awsxray", "eu-west-1"),
        ("debug", "its own log"),
        ("logging", "its own log"),
        ("kafka", "without an address"),
    }
    assert ("awsemf", "without an address") in titles


def test_among_several_namespaces_each_collector_has_its_own_with_it_and_no_config_has_no_ways() -> None:
    nodes = drawn(Fleet().add("a").add("a", namespace="other")).nodes
    assert [item.subtitle for item in nodes][:2] == ["obs: otlp", "other: otlp"]
    assert ways(Fleet().add("a", "text").add("b", {"service": []})) == []


def test_what_has_the_same_ways_is_folded_when_there_is_too_much_and_other_ways_are_not() -> None:
    fleet = Fleet().add("gateway")
    for number in range(5):
        fleet.add(f"app-{number}", to("gateway:4317"))
    whole = drawn(fleet)
    assert topology_folds.fold_graph(whole, 7) == whole
    small = topology_folds.fold_graph(whole, 6)
    assert [item.title for item in small.nodes] == ["app-0 and 4 more", "gateway", "debug"]
    assert small.nodes[0].stands_for == tuple(f"app-{number}" for number in range(5))
    assert [way[:2] for way in small.edges] == [("obs/app-0", "obs/gateway"), ("obs/gateway", "backend debug")]
    nodes = tuple(topology_graph.TopologyNode(name, "gateway", name, "") for name in "abc")
    whole = topology_graph.Graph(
        nodes, (topology_graph.TelemetryEdge("a", "c", "traces"), topology_graph.TelemetryEdge("b", "c", "logs"))
    )
    assert topology_folds.fold_graph(whole, 1) == whole


@drawings
def test_no_box_is_on_another_and_all_are_in_the_picture(boxes: Any, lines: Any, random: Any) -> None:
    drawing = layout.lay_out(boxes, lines)
    assert set(drawing.corner_by_box) == {box.id for box in boxes}
    for (x, y), (other_x, other_y) in combinations(drawing.corner_by_box.values(), 2):
        assert abs(x - other_x) >= layout.BOX_WIDTH or abs(y - other_y) >= layout.BOX_HEIGHT
    for x, y in drawing.corner_by_box.values():
        assert layout.MARGIN <= x <= drawing.width - layout.MARGIN - layout.BOX_WIDTH
        assert layout.MARGIN <= y <= drawing.height - layout.MARGIN - layout.BOX_HEIGHT


@drawings
def test_lines_are_drawn_once_in_any_order_and_go_through_no_box(boxes: Any, lines: Any, random: Any) -> None:
    drawing = layout.lay_out(boxes, lines)
    known = {box.id for box in boxes}
    assert set(drawing.points_by_line) == {line for line in lines if line.source != line.target and {*line} <= known}
    for start, end in (step for points in drawing.points_by_line.values() for step in pairwise(points)):
        left, right = sorted((start[0], end[0]))
        for x, y in drawing.corner_by_box.values():
            above_or_below = start[1] == end[1] and not y < start[1] < y + layout.BOX_HEIGHT
            assert right <= x or left >= x + layout.BOX_WIDTH or above_or_below
    shuffled = random.sample(lines, len(lines))
    assert layout.lay_out(boxes, shuffled) == drawing


def picture(*ways: str, last: tuple[str, ...] = ()) -> tuple[layout.Drawing, dict[str, int]]:
    """Return the drawing of lines such as "a b", and the column of each box."""
    lines = [layout.LayoutLine(*way.split()) for way in ways]
    names = sorted({name for line in lines for name in line})
    drawing = layout.lay_out([layout.LayoutBox(name, name in last) for name in names], lines)
    return drawing, {name: place[0] for name, place in drawing.corner_by_box.items()}


def test_what_is_sent_goes_to_the_right_and_a_cycle_has_one_line_back() -> None:
    _drawing, column = picture("agent gateway", "gateway hub")
    assert column["agent"] < column["gateway"] < column["hub"]
    _drawing, column = picture("agent gateway", "agent log", "gateway store", last=("log", "store"))
    assert column["log"] == column["store"] > column["gateway"]
    drawing, column = picture("a b", "b a")
    back = drawing.points_by_line[layout.LayoutLine("b", "a")]
    assert column["a"] < column["b"] and back[0][0] > back[-1][0]


def test_a_box_stands_beside_the_one_that_it_sends_to() -> None:
    drawing, _column = picture("a z", "b y", "c x")
    for source, target in ("az", "by", "cx"):
        assert drawing.corner_by_box[source][1] == drawing.corner_by_box[target][1]


def test_the_time_of_many_boxes_does_not_grow_with_the_cube_of_their_number() -> None:
    def seconds(count: int) -> float:
        agents = [f"agent-{number}" for number in range(count)]
        boxes = [layout.LayoutBox(name) for name in [*agents, "gateway"]]
        lines = [layout.LayoutLine(agent, "gateway") for agent in agents]
        start = time.process_time()
        layout.lay_out(boxes, lines)
        return time.process_time() - start

    assert seconds(600) < 40 * min(seconds(100) for _ in range(3))


def test_nothing_is_a_small_picture_and_a_curve_bends_between_columns_only() -> None:
    assert layout.lay_out([], []).corner_by_box == {}
    assert (
        layout.format_curve_path(
            [layout.LayoutPoint(0, 0), layout.LayoutPoint(10, 4), layout.LayoutPoint(20, 4), layout.LayoutPoint(30, 8)]
        )
        == "M0 0C5 0 5 4 10 4L20 4C25 4 25 8 30 8"
    )
