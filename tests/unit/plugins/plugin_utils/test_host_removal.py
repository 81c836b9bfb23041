# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a removal follows from the inventory, and a bad inventory keeps nobody from a removal."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _host_removal

from .test_host_groups import GATEWAY, PROGRAM

WEB, GW = {"ansible_host": "192.0.2.1"}, {"ansible_host": "192.0.2.9"}
WAITS = {"gw1": {"gateway": {"stage": 1, "senders": ["web1"]}}}


def agent(**forward: Any) -> dict[str, Any]:
    return {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": {"insecure": True, **forward}}]}


def planned(hosts: dict[str, Any], *selected: str, warned: list[str] | None = None) -> dict[str, Any]:
    """Return the plan for hosts, of which these are in the play; all of them without names."""
    told = [] if warned is None else warned
    known = {"groups": {"all": list(hosts), "otel_linux": list(hosts), "gateways": ["gw1"]}, "hostvars": hosts}
    return _host_removal.plan_removal({**known, "ansible_play_hosts_all": list(selected or hosts)}, told.append)


def host(*collectors: dict[str, Any], **variables: Any) -> dict[str, Any]:
    return {"otel_host_collectors": list(collectors), "otel_host_program": PROGRAM, **variables}


def test_a_group_is_removed_after_those_that_send_to_it() -> None:
    hosts = {"gw1": host(GATEWAY, **GW), "web1": host(agent(to="gateways"), **WEB)}
    assert planned(hosts) == {"stages": [0, 1], "receivers": WAITS}


def test_a_plain_endpoint_is_followed_too() -> None:
    hosts = {"gw1": host(GATEWAY, **GW), "web1": host(agent(endpoint="192.0.2.9:4317"), **WEB)}
    assert planned(hosts) == {"stages": [0, 1], "receivers": WAITS}


def test_a_gateway_waits_for_the_agent_of_its_own_host() -> None:
    beside = {"name": "beside", "health_port": 13134, "metrics_port": 8889, "recipes": [{"host_metrics": {}}]}
    beside["recipes"].append({"otlp_forward": {"to": "gateways", "insecure": True}})
    found = planned({"gw1": host(GATEWAY, beside, **GW)})
    assert found["receivers"] == {"gw1": {"gateway": {"stage": 1, "senders": []}}}


def test_only_hosts_of_the_run_wait_for_each_other() -> None:
    hosts = {"gw1": host(GATEWAY, **GW), "web1": host(agent(to="gateways"), **WEB)}
    assert planned(hosts, "gw1") == planned(hosts, "web1") == {"stages": [0], "receivers": {}}


def test_a_host_whose_config_cannot_be_composed_is_removed_first_and_named() -> None:
    told: list[str] = []
    hosts = {"gw1": host(GATEWAY, **GW), "web1": host({"name": "agent", "recipes": ["otlp_ingets"]}, **WEB)}
    assert planned(hosts, warned=told) == {"stages": [0], "receivers": {}}
    assert told == ["the configs of web1 cannot be composed, so nothing waits until its collectors are removed"]
