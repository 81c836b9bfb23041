# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports, the resources and the end of the Collector's container."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.collector_container import (
    render_collector_container,
)

from ...helpers import build, cases, running

HEALTH = running(extensions={"health_check": {"endpoint": "${env:MY_POD_IP}:13133", "path": "/health"}})


def container(config: Any = None, **options: Any) -> Any:
    return render_collector_container(build(config, **options))


@cases(
    "options, on_node",
    ({"mode": "daemonset"}, True),
    ({"mode": "daemonset", "host_ports": False}, False),
    ({"mode": "deployment"}, False),
    ({"mode": "deployment", "host_ports": True}, True),
)
def test_receivers_are_opened_on_the_node_and_the_health_check_is_not(options: dict[str, Any], on_node: bool) -> None:
    config = {**HEALTH, "receivers": {"statsd": {}}}
    config["service"] = {**HEALTH["service"], "pipelines": {"metrics": {"receivers": ["statsd"], "exporters": ["nop"]}}}
    receiver = {"name": "statsd", "containerPort": 8125, "protocol": "UDP"} | ({"hostPort": 8125} if on_node else {})
    health = {"name": "healthcheck", "containerPort": 13133, "protocol": "TCP"}
    ports = container(config, **options)["ports"]
    assert sorted(ports, key=str) == sorted([receiver, health], key=str)


@cases(
    "options, seconds",
    ({}, 5),
    ({"pre_stop_seconds": 0}, None),
    ({"pre_stop_seconds": 12}, 12),
    ({"termination_grace_seconds": 9}, 4),
    ({"termination_grace_seconds": 1}, None),
    ({"mode": "daemonset"}, None),
    ({"mode": "daemonset", "service": {"enabled": True}}, 5),
    ({"service": {"enabled": False}}, None),
    ({"config": running(receivers={"host_metrics": {}})}, None),
    ids=str,
)
def test_a_pod_behind_a_service_still_receives_until_clients_know_that_it_goes(options: Any, seconds: Any) -> None:
    found = container(**{"pre_stop_seconds": 5, **options})
    assert found.get("lifecycle") == ({"preStop": {"sleep": {"seconds": seconds}}} if seconds else None)


def test_a_cpu_limit_is_there_when_it_is_given() -> None:
    wanted = {"limits": {"cpu": "2", "memory": "512Mi"}, "requests": {"memory": "512Mi"}}
    assert container(cpu_limit="2", cpu_request="")["resources"] == wanted
