# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alert undoes the last change of the collector of a real host, once, with consent, and while no run changes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.host_site import LinuxHost
from tests.support.own_hosts import OwnHosts, host_program_option, run_ansible

HOSTS = OwnHosts.from_topic("alerts")
NAMES = ("host1", "host2")


def collectors(stage: str) -> list[dict[str, Any]]:
    """Return an agent that measures its host each second."""
    measured = {"host_metrics": {"interval": "1s", "scrapers": ["load", "memory"]}}
    staged = {"resource_attributes": {"attributes": {"stage": stage}}}
    return [{"name": "agent", "recipes": [measured, staged, "debug_output"]}]


@dataclass(frozen=True)
class Fleet:
    """The hosts, and the inventory that a user has of them."""

    inventory: str
    variables: Path

    def playbook(self, name: str, stage: str, **variables: Any) -> str:
        """Run a playbook with the collectors of a stage, and return what it prints as one line."""
        given = json.dumps({"otel_host_collectors": collectors(stage), **variables})
        arguments = ["-i", str(self.variables), "-e", given, f"playbooks/{name}.yml"]
        return " ".join(run_ansible("ansible-playbook", self.inventory, *arguments).split())

    def alert(self, folder: Path, host: str, consents: bool = True) -> str:
        """Run playbook alert for an alert of an agent that begins now, and return what it prints as one line."""
        labels = {"alertname": "OtelCollectorExportFailed", "collector": "agent", "otel_host": host}
        fired = {"status": "firing", "labels": labels, "startsAt": datetime.now(UTC).isoformat()}
        return self.playbook(
            "alert",
            "second",
            ansible_eda={"event": {"alert": fired}},
            otel_alert_path=str(folder),
            otel_alert_goes_back=consents,
            diagnose_window_seconds=0,
        )

    def on(self, host: str, command: str) -> str:
        """Run a command of the shell on a host."""
        return LinuxHost(HOSTS.find_group(), host).run(command).strip()

    def agents(self) -> dict[str, tuple[str, str]]:
        """Return for each host the release of the agent that is in use, and the id of its process."""
        asked = "readlink /etc/otelcol/agent/current; systemctl show --value --property=MainPID otelcol-agent"
        found: dict[str, tuple[str, str]] = {}
        for host in NAMES:
            release, process = self.on(host, asked).split()
            found[host] = (release.rpartition("/")[2], process)
        return found


@pytest.fixture(scope="module", name="fleet")
def _fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two hosts on which the first release of an agent runs."""
    variables = {"otel_host_program": host_program_option(HOSTS.make_archive()), "otel_host_watch_seconds": 0}
    path = tmp_path_factory.mktemp("inventory") / "hosts.json"
    linux = {"children": {"linux": {}}, "vars": variables}
    path.write_text(json.dumps({"all": {"children": {"otel_linux": linux}}}), encoding="utf-8")
    with HOSTS.run_hosts(len(NAMES)) as inventory:
        fleet = Fleet(inventory, path)
        fleet.playbook("site", "first")
        yield fleet


def test_an_alert_undoes_the_last_change_of_its_collector_once_and_with_consent(fleet: Fleet, tmp_path: Path) -> None:
    before = fleet.agents()
    fleet.playbook("site", "second")
    changed = fleet.agents()
    assert "Nothing goes back, since otel_alert_goes_back is not true for host1." in fleet.alert(
        tmp_path, "host1", consents=False
    )
    holds = "flock /run/otelcol-runs.lock sleep 300 >/dev/null 2>&1 & until ! flock -n /run/otelcol-runs.lock true"
    fleet.on("host1", f"{holds}; do sleep 0.1; done; echo $! > /run/holder")
    held = fleet.alert(tmp_path, "host1")
    assert "a run changes collectors of this host now, so nothing is diagnosed and nothing goes back." in held
    fleet.on("host1", "pkill -P $(cat /run/holder)")
    assert fleet.agents() == changed
    said = fleet.alert(tmp_path, "host1")
    assert f"Release {before['host1'][0]} runs again." in said
    again = fleet.alert(tmp_path, "host1")
    assert f"Nothing goes back: release {before['host1'][0]} runs since a later release was undone" in again
    after = fleet.agents()
    assert after["host1"][0] == before["host1"][0]
    assert after["host2"] == changed["host2"], "untouched"
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(tmp_path.glob("alerts/host1/agent/*.json"))]
    assert [bool(one["verdict"]) for one in kept] == [True, False, True, True]
    assert all(line.startswith("host1/agent:") for one in kept for line in one["verdict"]), kept
