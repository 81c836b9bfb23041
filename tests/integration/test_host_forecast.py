# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts of collectors on real hosts: what runs is read there, and a limit that is passed changes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.collectors import find_newest_build
from tests.support.host_site import LinuxHost
from tests.support.own_hosts import OwnHosts, host_program_option, run_ansible

from .test_forecast import planted_requests

HOSTS = OwnHosts.from_topic("forecast")
NAMES = ("host1", "host2")
DROP_HEALTH_CHECKS = {"traces": {"span": ['span.attributes["url.path"] == "/health"']}}
LOSE_SERVICE_NAME = {"trace_statements": ['delete_key(resource.attributes, "service.name")']}
LIMITS = {"items": "+20%", "lost_attributes": ["service.name"]}
LOST = "limit: otlp_grpc/backend: traces: attribute service.name of the resource is lost"
SHOWN = "3,000 → 1,860 spans (-38.0 %"
READ = "Read the collectors that run on the host"


def agent(**processors: Any) -> dict[str, Any]:
    """Return a collector for traces with processors that have no recipe, and a secret in the config."""
    given = {kind: {"error_mode": "ignore", **options} for kind, options in processors.items()}
    forward = {"name": "backend", "endpoint": "127.0.0.1:9", "insecure": True, "headers": {"x-team": "${env:TEAM}"}}
    pipelines = {"traces": {"processors+": list(given)}} if given else {}
    return {
        "name": "agent",
        "recipes": ["otlp_ingest", {"otlp_forward": forward}],
        "env": {"TEAM": {"credential": {"content": "hunter2hunter2"}}},
        "config": {"processors": given, "service": {"pipelines": pipelines}},
    }


RUNNING = agent()
SAVES = agent(filter=DROP_HEALTH_CHECKS)
LOSES = agent(filter=DROP_HEALTH_CHECKS, transform=LOSE_SERVICE_NAME)


@dataclass(frozen=True)
class Fleet:
    """The hosts, and the inventory and the captures that a user has of them."""

    inventory: str
    folder: Path

    def run(self, collector: dict[str, Any], *more: str, playbook: str = "site", code: int = 0, **given: Any) -> str:
        """Run a playbook with this agent on all hosts, and return what it prints as one line."""
        variables = json.dumps({"otel_host_collectors": [collector], **given})
        words = ["-i", str(self.folder / "hosts.json"), "-e", variables, *more, f"playbooks/{playbook}.yml"]
        return " ".join(run_ansible("ansible-playbook", self.inventory, *words, code=code).split())

    def capture(self, *hosts: str) -> None:
        """Let these hosts alone have a capture with the planted telemetry."""
        shutil.rmtree(self.folder / "captures", ignore_errors=True)
        lines = [json.dumps(request) for signal, request in planted_requests() if signal == "traces"]
        for host in hosts:
            place = self.folder / "captures" / host / "agent"
            place.mkdir(parents=True)
            (place / "traces.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def releases(self) -> dict[str, str]:
        """Return the release of the agent that is in use on each host."""
        asked = "readlink /etc/otelcol/agent/current"
        return {host: LinuxHost(HOSTS.find_group(), host).run(asked).strip().rpartition("/")[2] for host in NAMES}


@pytest.fixture(scope="module", name="fleet")
def _fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    binary = find_newest_build()
    if binary is None:
        pytest.skip("the testbed has not built a Collector")
    folder = tmp_path_factory.mktemp("inventory")
    variables = {
        "otel_host_program": host_program_option(HOSTS.make_archive()),
        "otel_host_watch_seconds": 0,
        "capture_path": str(folder / "captures"),
        "forecast_binary": str(binary),
    }
    linux = {"children": {"linux": {}}, "vars": variables}
    (folder / "hosts.json").write_text(json.dumps({"all": {"children": {"otel_linux": linux}}}), encoding="utf-8")
    with HOSTS.run_hosts(len(NAMES)) as inventory:
        fleet = Fleet(inventory, folder)
        first = fleet.run(RUNNING, forecast_limits=LIMITS)
        assert "host1/agent changes without a forecast: it is new" in first, first
        yield fleet


@pytest.mark.parametrize("more", [(), ("--check",)], ids=["applied", "checked"])
def test_a_limit_that_is_passed_stops_the_run_before_the_host_changes(fleet: Fleet, more: tuple[str, ...]) -> None:
    fleet.capture(*NAMES)
    before = fleet.releases()
    said = fleet.run(LOSES, *more, code=2, forecast_limits=LIMITS)
    assert "forecast of host1/agent from 3,000 spans" in said, said
    assert SHOWN in said
    assert LOST in said
    assert "host2/agent passes 1 limit. Nothing was applied." in said
    assert "hunter2" not in said
    assert fleet.releases() == before


def test_the_forecast_of_a_later_wave_stops_the_first_one(fleet: Fleet) -> None:
    fleet.capture("host2")
    waves = [{"name": "first", "members": ["host1"]}, {"name": "last", "members": ["host2"]}]
    before = fleet.releases()
    said = fleet.run(LOSES, code=2, forecast_limits=LIMITS, otel_waves=waves)
    assert "host2/agent passes 1 limit" in said, said
    assert "Wave first" not in said
    assert fleet.releases() == before


def test_a_host_without_a_capture_can_be_refused(fleet: Fleet) -> None:
    fleet.capture("host1")
    before = fleet.releases()
    warned = fleet.run(SAVES, "--check", "--limit", "host2", forecast_limits=LIMITS)
    assert "host2/agent changes without a forecast: there is no capture" in warned
    refused = fleet.run(SAVES, "--limit", "host2", code=2, forecast_limits=LIMITS, forecast_without_capture="fail")
    assert "host2/agent has no forecast: there is no capture" in refused
    assert fleet.releases() == before


def test_a_forecast_of_the_running_agents_is_one_page(fleet: Fleet) -> None:
    fleet.capture("host1")
    page = fleet.folder / "forecast.html"
    capture = str(fleet.folder / "captures" / "host1" / "agent")
    said = fleet.run(SAVES, playbook="forecast", forecast_capture=capture, forecast_html_path=str(page))
    assert said.count(SHOWN) == len(NAMES), said
    assert "Forecast of agent on host1, agent on host2" in page.read_text(encoding="utf-8")


def test_a_change_within_its_limits_is_shown_and_applied(fleet: Fleet) -> None:
    fleet.capture(*NAMES)
    before = fleet.releases()
    unchanged = fleet.run(RUNNING, forecast_limits=LIMITS)
    assert "forecast of" not in unchanged, unchanged
    assert READ in unchanged
    said = fleet.run(SAVES, forecast_limits=LIMITS)
    assert SHOWN in said, said
    after = fleet.releases()
    assert all(after[host] > before[host] for host in NAMES), after
    assert "forecast of" not in fleet.run(SAVES, forecast_limits=LIMITS)
