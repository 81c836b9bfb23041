# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of an agent that only its gateway suffers from stops in the first wave.

The gateway takes the larger records and says so to the agent. Its backend refuses them, which the gateway counts alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.host_site import LinuxHost
from tests.support.own_hosts import OwnHosts, host_program_option, run_ansible

HOSTS = OwnHosts.from_topic("wavegw")
# How often each agent measures. Most of what the gateway gets is that of the first wave: few readings are enough then.
AGENTS, GATEWAY = {"host1": "1s", "host2": "5s"}, "host3"
BACKEND, MOST_BYTES, TOO_MANY = "127.0.0.1:14318", 20000, 30000
GATE = {"watch_seconds": 40, "without_data": "fail", "on_failure": "roll_back_wave"}
WAVES = [{"name": "first", "members": ["host1"], **GATE}, {"name": "rest", "members": ["otel_linux:!host1"], **GATE}]
RELEASE = "readlink /etc/otelcol/{}/current"


def agents(note: str) -> list[dict[str, Any]]:
    """Return an agent that measures its host, and writes a note on each record."""
    measured = {"host_metrics": {"interval": "{{ interval }}", "scrapers": ["load", "memory"]}}
    noted = {"resource_attributes": {"attributes": {"note": note}}}
    return [{"name": "agent", "recipes": [measured, noted, {"otlp_forward": {"to": "gateways", "insecure": True}}]}]


def gateway() -> list[dict[str, Any]]:
    """Return the gateway of all agents, and the backend beside it, which takes small requests alone."""
    batch = {"sizer": "items", "min_size": 1, "max_size": 20, "flush_timeout": "1s"}
    pipeline = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
    sends = {
        "exporters": {"otlp_http": {"endpoint": f"http://{BACKEND}", "sending_queue": {"batch": batch}}},
        "service": {"pipelines": {"metrics": pipeline}},
    }
    takes = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": BACKEND, "max_request_body_size": MOST_BYTES}}}},
        "service": {"pipelines": {"metrics": {"receivers": ["otlp"]}}},
    }
    ports = {"health_port": 13134, "metrics_port": 8889}
    ingest = {"otlp_ingest": {"signals": ["metrics"]}}
    return [
        {"name": "gateway", "listen_address": "{{ ansible_host }}", "recipes": [ingest], "config": sends},
        {"name": "backend", "recipes": ["debug_output"], "config": takes, **ports},
    ]


def site(inventory: str, variables: Path, note: str, *, code: int = 0, **more: Any) -> str:
    """Run playbook site, and return what it prints as one line."""
    given = json.dumps({"listed_agents": agents(note), **more})
    words = ["-i", str(variables), "-e", given, "playbooks/site.yml"]
    return " ".join(run_ansible("ansible-playbook", inventory, *words, code=code).split())


def on(host: str, command: str) -> str:
    """Run a command of the shell on a host."""
    return LinuxHost(HOSTS.find_group(), host).run(command).strip()


@pytest.fixture(scope="module", name="fleet")
def _fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Two hosts with agents, and one with their gateway and its backend, on which the first releases run."""
    variables = {"otel_host_program": host_program_option(HOSTS.make_archive()), "otel_host_watch_seconds": 0}
    listed = {"otel_host_collectors": "{{ listed_agents }}"}
    groups = {
        "agents": {"hosts": {name: {"interval": interval} for name, interval in AGENTS.items()}, "vars": listed},
        "gateways": {"hosts": {GATEWAY: {}}, "vars": {"otel_host_collectors": gateway()}},
    }
    linux = {"children": groups, "vars": variables}
    path = tmp_path_factory.mktemp("inventory") / "hosts.json"
    path.write_text(json.dumps({"all": {"children": {"otel_linux": linux}}}), encoding="utf-8")
    with HOSTS.run_hosts(len(AGENTS) + 1) as inventory:
        site(inventory, path, "small")
        yield inventory, path


def test_a_change_that_harms_the_gateway_alone_stops_in_the_first_wave(fleet: tuple[str, Path]) -> None:
    said = site(*fleet, "{{ 'x' * " + str(TOO_MANY) + " }}", code=2, otel_waves=WAVES)
    worse = said.partition("Wave first: collectors do worse with the change: ")[2]
    assert worse.startswith(f"behind the wave, gateway on {GATEWAY}: [exports_fail] exporters/otlp_http: "), said
    assert "Later waves did not begin: rest." in worse
    assert "The way back: host1: agent: Release 000001 runs again." in worse
    assert {host: on(host, RELEASE.format("agent"))[-6:] for host in AGENTS} == dict.fromkeys(AGENTS, "000001")
    assert on(GATEWAY, RELEASE.format("gateway"))[-6:] == "000001"


def test_a_good_change_is_compared_behind_each_wave(fleet: tuple[str, Path]) -> None:
    said = site(*fleet, "still small", otel_waves=[{**one, "without_data": "pass"} for one in WAVES])
    first = said.partition("Wave first passed: ")[2]
    assert f"behind the wave, gateway on {GATEWAY}: compared with" in first, said
