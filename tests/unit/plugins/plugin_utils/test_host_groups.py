# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of hosts send to the hosts of a group of the inventory."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_groups import (
    Gateway,
    GroupRequest,
    check_reached_from,
    group_alias,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _host_render, _host_request, _inventory_groups
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _findings

PROGRAM = {"path": "/usr/bin/otelcol-contrib"}
GATEWAY = {"name": "gateway", "listen_address": "0.0.0.0", "recipes": ["otlp_ingest", "debug_output"]}
LOCAL = {"name": "local", "health_port": 13134, "metrics_port": 8889, "recipes": ["otlp_ingest", "debug_output"]}
Hosts = dict[str, dict[str, Any]]


def forward(recipe: str = "otlp_forward", **options: Any) -> dict[str, Any]:
    """Return an agent that sends to the gateways."""
    return {"name": "agent", "recipes": ["otlp_ingest", {recipe: {"to": "gateways", "insecure": True, **options}}]}


def gateways(*addresses: str, **variables: Any) -> Hosts:
    """Return gateways with these addresses, and the variables of all of them."""
    given = {"otel_host_collectors": [GATEWAY], **variables}
    return {f"gw{number}": {"ansible_host": address, **given} for number, address in enumerate(addresses, 1)}


def bundle(agent: dict[str, Any], members: Hosts, host: str = "web1", **groups_of: list[str]) -> dict[str, Any]:
    """Return what a host gets whose one collector is the agent. All members are gateways, unless groups are given."""
    own = {"otel_host_collectors": [agent], "ansible_host": "192.0.2.101"}
    hosts = {name: {**one, "otel_host_program": PROGRAM} for name, one in {**members, host: own}.items()}
    inventory_groups = groups_of or {"gateways": list(members)}
    groups = _inventory_groups.build_inventory_groups(
        {
            "inventory_hostname": host,
            "groups": {"all": list(hosts), "ungrouped": [], "agents": [host], **inventory_groups},
            "hostvars": hosts,
        }
    )
    judged = {"profile": "default", "severities": {}, "suppressions": [], "rule_paths": []}
    request = _host_request.HostRequest([agent], {"program": PROGRAM}, groups=groups)
    said: list[str] = []
    rendered = _host_render.render_hosts(request, _findings.JudgementOptions.from_arguments(judged), said.append)
    (found,) = rendered["bundles"]
    return {**found, "warnings": said, "findings": rendered["findings"]}


def file(bundle: dict[str, Any], path: str) -> str:
    return "".join(str(one["content"]) for one in bundle["files"] if one["path"] == path)


def exporter(bundle: dict[str, Any]) -> dict[str, Any]:
    (found,) = yaml.safe_load(file(bundle, "config.yaml"))["exporters"].values()
    return dict(found)


def test_an_agent_sends_to_all_gateways_in_turn_by_one_name() -> None:
    found = bundle(forward(), gateways("192.0.2.1", "2001:db8::2"))
    assert bundle(forward(spread="requests"), gateways("192.0.2.1", "2001:db8::2")) == found
    sends = exporter(found)
    assert (sends["endpoint"], sends["balancer_name"]) == ("dns:///gateways.internal:4317", "round_robin")
    assert file(found, "hosts") == "192.0.2.1 gateways.internal\n2001:db8::2 gateways.internal\n"
    unit = file(found, "unit").splitlines()
    assert "RuntimeDirectory=otelcol-agent" in unit
    assert "BindReadOnlyPaths=-/run/otelcol-agent/hosts:/etc/hosts" in unit
    before = "cat /etc/hosts /etc/otelcol/agent/current/hosts > /run/otelcol-agent/hosts"
    assert f"ExecStartPre=/bin/sh -c '{before}'" in unit


OWN_ADDRESS = {"otel_host_collectors": [{**GATEWAY, "listen_address": "192.0.2.7"}]}


@pytest.mark.parametrize(
    ("options", "members", "endpoint"),
    [
        ({}, gateways("gw.example.com"), "gw.example.com:4317"),
        ({}, {"gw.example.com": {"otel_host_collectors": [GATEWAY]}}, "gw.example.com:4317"),
        ({}, gateways("2001:db8::2"), "[2001:db8::2]:4317"),
        ({}, gateways("gw.example.com", otel_host_address="192.0.2.9"), "192.0.2.9:4317"),
        ({}, gateways("mgmt.example.com", **OWN_ADDRESS), "192.0.2.7:4317"),
        ({"protocol": "http"}, gateways("gw.example.com"), "http://gw.example.com:4318"),
        ({}, gateways("gw.example.com", otel_host_collectors=[LOCAL, GATEWAY]), "gw.example.com:4317"),
    ],
)
def test_one_gateway_is_reached_by_its_own_address(options: dict[str, Any], members: Hosts, endpoint: str) -> None:
    found = bundle(forward(**options), members)
    assert exporter(found)["endpoint"] == endpoint
    assert file(found, "hosts") == ""
    assert "RuntimeDirectory" not in file(found, "unit")


def test_a_gateway_beside_its_sender_is_reached_on_the_loopback() -> None:
    beside = Gateway("web1", "gateway", "127.0.0.1", 14317)
    check_reached_from("web1", GroupRequest("gateways"), [beside])
    with pytest.raises(Problem, match="is reached at 127"):
        check_reached_from("web2", GroupRequest("gateways"), [beside])


def test_senders_that_keep_to_one_gateway_use_all() -> None:
    members = gateways("gw1.example.com", "gw2.example.com")
    used = [exporter(bundle(forward(spread="senders"), members, f"web{number}"))["endpoint"] for number in range(8)]
    assert set(used) == {"gw1.example.com:4317", "gw2.example.com:4317"}
    again = exporter(bundle(forward(spread="senders"), members, "web0"))["endpoint"]
    assert again == used[0]


def test_traces_are_divided_among_the_gateways_whatever_their_names() -> None:
    send = {"trace_balancing": {"to": "gateways", "insecure": True}}
    agent = {"name": "agent", "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, send]}
    found = exporter(bundle(agent, gateways("gw1.example.com", "192.0.2.2")))
    assert found["resolver"] == {"static": {"hostnames": ["gw1.example.com:4317", "192.0.2.2:4317"]}}


BACK = {**GATEWAY, "recipes": ["otlp_ingest", {"otlp_forward": {"to": "agents", "insecure": True}}]}
HTTP_ONLY = {**GATEWAY, "recipes": [{"otlp_ingest": {"protocols": ["http"]}}, "debug_output"]}


def on_port(port: int) -> dict[str, Any]:
    """Return variables of a gateway that listens on this port."""
    grpc = {"grpc": {"endpoint": f"0.0.0.0:{port}"}}
    return {"otel_host_collectors": [{**GATEWAY, "config": {"receivers": {"otlp": {"protocols": grpc}}}}]}


@pytest.mark.parametrize(
    ("agent", "members", "words"),
    [
        (forward(to="gatevays"), gateways("192.0.2.1"), "has no group 'gatevays'; did you mean 'gateways'?"),
        (forward(), {}, "group 'gateways' of the inventory has no host"),
        (forward(endpoint="a:4317"), gateways("192.0.2.1"), "options 'to' and 'endpoint' of recipe 'otlp_forward'"),
        (forward(balance="round_robin"), gateways("192.0.2.1"), "'balance' of recipe 'otlp_forward' has no effect"),
        (
            {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": "a:1", "spread": "senders"}}]},
            gateways("192.0.2.1"),
            "option 'spread' of recipe 'otlp_forward' has no effect without `to`",
        ),
        (forward(), gateways("192.0.2.1", otel_host_collectors=[]), "'gw1' of group 'gateways' has no collector that"),
        (forward(), gateways("192.0.2.1", otel_host_collectors=[LOCAL]), "receives OTLP on 127.0.0.1 only"),
        (forward(), gateways("192.0.2.1", otel_host_collectors=[HTTP_ONLY]), "does not receive OTLP over grpc"),
        (
            forward(),
            gateways("192.0.2.1", otel_host_collectors=[GATEWAY, {**GATEWAY, "name": "second"}]),
            "several collectors that receive OTLP: gateway, second. Set `collector: gateway`",
        ),
        (
            forward(collector="gatevay"),
            gateways("192.0.2.1"),
            "has no collector 'gatevay' that receives OTLP; did you mean 'gateway'?",
        ),
        (forward(), gateways("127.0.0.1"), "itself. Set `otel_host_address` there"),
        (
            forward(),
            gateways("192.0.2.1", otel_host_address="gw1:4317"),
            "is reached at 'gw1:4317', which is no IP address and no name of a host. Set `otel_host_address` there",
        ),
        (forward(), gateways("192.0.2.1", otel_host_address="http://gw1"), "is reached at 'http://gw1', which is no"),
        (forward(), gateways("192.0.2.1", otel_host_address="gw 1"), "is reached at 'gw 1', which is no IP address"),
        (forward(), gateways("localhost"), "host 'gw1' of group 'gateways' is reached at localhost"),
        (forward(), gateways("127.0.0.1", "127.0.0.1"), "host 'gw1' of group 'gateways' is reached at 127.0.0.1"),
        (forward(), gateways("192.0.2.1", otel_host_address="::1"), "is reached at ::1, which is every host itself"),
        (forward(), gateways("gw1.example.com", "192.0.2.2"), "reached by a name, 'gw1.example.com'"),
        (forward(protocol="http"), gateways("192.0.2.1", "192.0.2.2"), "only gRPC sends requests to all in turn"),
        (
            forward(),
            {"gw1": {"ansible_host": "192.0.2.1", **on_port(4317)}, "gw2": {"ansible_host": "192.0.2.2", **on_port(1)}},
            "listen on several ports: 1, 4317",
        ),
        (
            {**forward(), "listen_address": "0.0.0.0"},
            gateways("192.0.2.1", otel_host_collectors=[BACK]),
            "data would go round in a loop: agent on web1 → gateway on gw1 → agent on web1",
        ),
        (
            forward(),
            gateways("192.0.2.1", otel_host_collectors=[{**GATEWAY, "recipes": ["otlp_ingst"]}]),
            "host 'gw1': collector 'gateway': there is no recipe 'otlp_ingst'",
        ),
    ],
)
def test_a_group_that_cannot_take_data_fails_with_words(agent: dict[str, Any], members: Hosts, words: str) -> None:
    with pytest.raises(Problem) as found:
        bundle(agent, members)
    assert words in str(found.value)


def recipes(*used: Any) -> dict[str, Any]:
    """Return variables of gateways with these recipes and an output."""
    return {"otel_host_collectors": [{**GATEWAY, "recipes": [*used, "debug_output"]}]}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (
            gateways("192.0.2.1", "192.0.2.2", **recipes({"otlp_ingest": {"max_request_mib": 1}})),
            "collector 'gateway on gw1' takes at most 1 MiB",
        ),
        (
            gateways("192.0.2.1", **recipes({"otlp_ingest": {"signals": ["traces"]}})),
            "[unreceived-signal] 'otlp_grpc/gateway' sends metrics and logs",
        ),
    ],
)
def test_the_rules_follow_data_to_the_gateways(members: Hosts, words: str) -> None:
    assert words in " ".join(bundle(forward(), members)["warnings"])


def test_an_exporter_whose_id_is_a_number_is_left_to_the_rule_that_names_it() -> None:
    numbered = {**forward(), "config": {"exporters": {5: {"endpoint": "192.0.2.1:4317"}}}}
    with pytest.raises(Problem, match=r"exporters\[5\]: error \[invalid-id\]"):
        bundle(numbered, gateways("192.0.2.1"))


def test_the_one_name_of_a_group_with_a_long_name_is_one_that_dns_allows() -> None:
    names = [f"{'eu-central-gateways-of-the-payment-platform-in-production-':x<70}{end}" for end in "ab"]
    labels = [group_alias(name).removesuffix(".internal") for name in names]
    assert len(set(labels)) == len(names), "groups that differ at their ends only have names of their own"
    assert all(len(label) <= 63 and label.startswith("eu-central-gateways") for label in labels)
    assert group_alias("g" * 63) == f"{'g' * 63}.internal"
