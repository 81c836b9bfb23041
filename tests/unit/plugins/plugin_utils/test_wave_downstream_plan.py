# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collectors are read behind a wave: those that get data of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _wave_downstream_plan

from .helpers import rendered
from .test_inventory_addresses import linux, sender

NAME = "otlp.example.com"
EXTERNAL_DNS = {"annotations": {"external-dns.alpha.kubernetes.io/hostname": NAME}}
INGEST, DEBUG = "otlp_ingest", "debug_output"


def finder(
    clusters: dict[str, dict[str, Any]], hosts: dict[str, Any] | None = None
) -> _wave_downstream_plan.ReceiverFinder:
    """Return the finder of a fleet: clusters with what was rendered for them, and hosts."""
    linux_hosts = hosts or {}
    hostvars = {name: {"otel_collector_rendered": result} for name, result in clusters.items()}
    groups = {"all": [*hostvars, *linux_hosts], "otel_linux": list(linux_hosts)}
    variables = {"inventory_hostname": "dev", "groups": groups, "hostvars": {**hostvars, **linux_hosts}}
    return _wave_downstream_plan.ReceiverFinder(groups["all"], groups["otel_linux"], variables)


@pytest.mark.parametrize(
    "options",
    [
        {"ingress": {"host": NAME}},
        {"openshift_route": {"host": NAME}, "platform": "openshift"},
        {"routes": {"gateway": "edge", "http_hostnames": [NAME]}},
        {"service": EXTERNAL_DNS},
    ],
)
def test_a_gateway_of_another_cluster_is_known_by_the_name_that_leads_to_it(options: dict[str, Any]) -> None:
    gateway = rendered({"name": "gw", "recipes": [INGEST, DEBUG], **options})
    found = finder({"dev": rendered(sender(f"{NAME}:443")), "eu": gateway}).plan_reads(["dev"], 60)
    assert found["clusters"]["before"] == ["eu"]
    assert found["clusters"]["targets"] == {"eu": [{"namespace": "telemetry", "name": "gw"}]}


def test_what_leads_to_the_own_cluster_or_to_none_is_not_behind_a_wave() -> None:
    gateway = {"name": "gw", "recipes": [INGEST, DEBUG], "service": EXTERNAL_DNS}
    both = rendered(gateway, sender(f"{NAME}:443"))
    for name in (NAME, "gw", "gw.telemetry.svc", "elsewhere.example.com"):
        dev = rendered(sender(f"{name}:4317"), {**gateway, "service": {}})
        assert finder({"dev": dev, "eu": {}}).plan_reads(["dev"], 60)["clusters"]["before"] == [], name
    assert finder({"dev": both}).plan_reads(["dev"], 60)["clusters"]["before"] == []


def test_without_a_watch_nothing_is_read_behind_a_wave() -> None:
    gateway = rendered({"name": "gw", "recipes": [INGEST, DEBUG], "service": EXTERNAL_DNS})
    found = finder({"dev": rendered(sender(f"{NAME}:443")), "eu": gateway}).plan_reads(["dev"], 0)
    assert found["clusters"]["before"] == []


def test_hosts_that_are_not_asked_what_they_send_to_are_told() -> None:
    names = [f"web{number}" for number in range(_wave_downstream_plan._MOST_SENDERS + 1)]
    hosts = {name: linux({"name": "agent", "recipes": [INGEST, DEBUG]}) for name in names}
    assert finder({}, hosts).plan_reads(names, 60)["left_out"] == ["only what the first 50 of 51 hosts send to is read"]
    assert finder({}, hosts).plan_reads(names[:-1], 60)["left_out"] == []
