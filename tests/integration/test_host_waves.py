# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three real hosts change in two waves: a change whose exporter does not deliver stops in the first and goes back.

An agent sends to a collector on the same host. Nothing judges the change of a host by itself, so that the gate has to.
The agent also reads a file to which lines are written all the time, and keeps its queue on the disk: it loses no line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import until
from tests.support.host_site import LinuxHost
from tests.support.own_hosts import OwnHosts, ansible, program
from tests.support.runs import begin, kill

HOSTS = OwnHosts.of("waves")
NAMES = ("host1", "host2", "host3")
BACKEND, NOBODY = "127.0.0.1:14317", "127.0.0.1:9"
GATE = {"watch_seconds": 40, "without_data": "fail", "on_failure": "roll_back_wave"}
WAVES = [{"name": "first", "members": ["host1"], **GATE}, {"name": "rest", "members": ["otel_linux:!host1"], **GATE}]
# Agents that have run for seconds alone have sent too small a share to compare with; then the other end notices.
WORSE = (
    r"agent on {host}: \[nothing_sent\] exporters/otlp_grpc",
    r"backend on {host}: \[receiver_silent\] receivers/otlp",
)
# The change works on the first host, and not on the second one, which brings both back.
MIXED = "{{ '127.0.0.1:9' if inventory_hostname == 'host2' else '127.0.0.1:14317' }}"
EVERY = [
    {"name": "first", "members": ["host1"]},
    {"name": "second", "members": ["host2"], **GATE, "on_failure": "roll_back_all"},
    {"name": "last", "members": ["host3"]},
]
RECORDS = "/etc/otelcol/agent/waves.json"
LINES = "/var/log/lines.log"
WRITER = f'number=0; while sleep 0.05; do number=$((number + 1)); echo "line $number at $(date +%s)." >> {LINES}; done'


def collectors(endpoint: str, **attributes: str) -> list[dict[str, Any]]:
    """Return an agent that measures its host and reads a file, and the collector on the same host that it sends to."""
    forward = {"otlp_forward": {"endpoint": endpoint, "insecure": True}}
    measured = {"host_metrics": {"interval": "1s", "scrapers": ["load", "memory"]}}
    more = [{"resource_attributes": {"attributes": attributes}}] if attributes else []
    backend = {
        "name": "backend",
        "recipes": [{"debug_output": {"verbosity": "normal"}}],
        "health_port": 13134,
        "metrics_port": 8889,
        "config": {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": BACKEND}}}},
            "service": {"pipelines": {"metrics": {"receivers": ["otlp"]}, "logs": {"receivers": ["otlp"]}}},
        },
    }
    lines = {"file_logs": {"include": [LINES], "start_at": "beginning"}}
    return [{"name": "agent", "recipes": [measured, lines, *more, "durable", forward]}, backend]


@dataclass(frozen=True)
class Fleet:
    """The hosts, and the inventory that a user has of them."""

    inventory: str
    variables: Path

    def site(self, listed: list[dict[str, Any]], *more: str, code: int = 0, **variables: Any) -> str:
        """Run playbook site with these collectors, and return what it prints as one line."""
        words = [*self._words(listed, variables), *more]
        return " ".join(ansible("ansible-playbook", self.inventory, *words, code=code).split())

    def kill_at(self, line: str, listed: list[dict[str, Any]], **variables: Any) -> None:
        """Run playbook site, and kill it as soon as it prints a line with these words."""
        run = begin(["ansible-playbook", "-i", self.inventory, *self._words(listed, variables)])
        assert run.stdout is not None
        seen = next((one for one in run.stdout if line in one), "")
        assert seen, "the run ended before"
        kill(run)

    def _words(self, listed: list[dict[str, Any]], variables: dict[str, Any]) -> list[str]:
        given = json.dumps({"otel_host_collectors": listed, **variables})
        return ["-i", str(self.variables), "-e", given, "playbooks/site.yml"]

    def on(self, host: str, command: str) -> str:
        """Run a command of the shell on a host."""
        return LinuxHost(HOSTS.group(), host).run(command).strip()

    def agents(self) -> dict[str, tuple[str, str]]:
        """Return for each host the release of the agent that is in use, and the id of its process."""
        asked = "readlink /etc/otelcol/agent/current; systemctl show --value --property=MainPID otelcol-agent"
        found: dict[str, tuple[str, str]] = {}
        for host in NAMES:
            release, process = self.on(host, asked).split()
            found[host] = (release.rpartition("/")[2], process)
        return found

    def records(self, host: str) -> dict[str, Any]:
        """Return which releases have passed a wave on a host."""
        return dict(json.loads(self.on(host, f"cat {RECORDS} 2>/dev/null || echo '{{}}'")))


def assert_wave_is_worse(said: str, wave: str, host: str) -> None:
    """Fail unless a run says that nothing of the agent of a host arrives any more."""
    reasons = "|".join(reason.format(host=host) for reason in WORSE)
    assert re.search(f"Wave {wave}: collectors do worse with the change: (?:{reasons})", said), said


def waits_of_lines(fleet: Fleet) -> list[float]:
    """Return for how long each line waited that is written by now on the first host. Fails if one is lost."""
    written = int(fleet.on("host1", f"wc -l < {LINES}"))
    waits: dict[int, float] = {}

    def all_came() -> bool:
        printed = fleet.on("host1", "journalctl --unit=otelcol-backend --output=short-unix | grep 'line [0-9]* at'")
        for came, number, began in re.findall(r"^(\d+\.\d+) .*line (\d+) at (\d+)\.", printed, re.MULTILINE):
            waits.setdefault(int(number), float(came) - int(began))
        return waits.keys() >= set(range(1, written + 1))

    until(f"all {written} lines of the file", all_came)
    return list(waits.values())


@pytest.fixture(scope="module", name="fleet")
def _fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three hosts on which the first release of both collectors runs, which no wave has judged."""
    variables = {"otel_host_program": program(HOSTS.archive()), "otel_host_watch_seconds": 0}
    path = tmp_path_factory.mktemp("inventory") / "hosts.json"
    linux = {"children": {"linux": {}}, "vars": variables}
    path.write_text(json.dumps({"all": {"children": {"otel_linux": linux}}}), encoding="utf-8")
    with HOSTS.running(len(NAMES)) as inventory:
        fleet = Fleet(inventory, path)
        fleet.site(collectors(BACKEND))
        fleet.on("host1", f"systemd-run --quiet --unit=writer sh -c '{WRITER}'")
        yield fleet


def test_a_bad_change_stops_in_the_first_wave_and_goes_back(fleet: Fleet) -> None:
    before = fleet.agents()
    said = fleet.site(collectors(NOBODY), code=2, otel_waves=WAVES)
    assert_wave_is_worse(said, "first", "host1")
    assert "Later waves did not begin: rest." in said
    assert "The way back: host1: agent: Release 000001 runs again." in said, said
    after = fleet.agents()
    assert {host: release for host, (release, _process) in after.items()} == dict.fromkeys(NAMES, "000001")
    assert {host: after[host] for host in NAMES[1:]} == {host: before[host] for host in NAMES[1:]}, "untouched"
    assert fleet.records("host1") == {}, "the release before has passed no wave, nor has the bad one"
    assert max(waits_of_lines(fleet)) > GATE["watch_seconds"], "lines waited on the disk while nothing was delivered"


def test_a_bad_change_brings_earlier_waves_back_also_after_a_kill(fleet: Fleet) -> None:
    before = fleet.agents()
    mixed = collectors(MIXED, stage="mixed")
    fleet.kill_at("TASK [Watch the collectors of the wave]", mixed, otel_waves=EVERY)
    killed = fleet.agents()
    assert [killed[host][0] for host in NAMES] == ["000002", "000002", "000001"]
    said = fleet.site(mixed, code=2, otel_waves=EVERY)
    assert_wave_is_worse(said, "second", "host2")
    assert "Passed before: first. Later waves did not begin: last." in said
    for host in NAMES[:2]:
        assert f"{host}: agent: Release 000001 runs again" in said, said
    after = fleet.agents()
    assert {release for release, _process in after.values()} == {"000001"}
    assert after["host3"] == before["host3"], "untouched"
    assert waits_of_lines(fleet)


def test_a_good_change_reaches_all_hosts_and_a_further_run_watches_nothing(fleet: Fleet) -> None:
    good = collectors(BACKEND, stage="second")
    begun = fleet.site(good, "-e", "otel_wave_until=first", otel_waves=WAVES)
    assert "Wave first passed: 1 host, collectors changed on 1 (host1)." in begun
    assert "The run ends after wave first." in begun
    assert {fleet.agents()[host][0] for host in NAMES[1:]} == {"000001"}
    continued = fleet.site(good, otel_waves=WAVES)
    assert "Wave first passed: 1 host, collectors changed on 0." in continued
    assert "Wave rest passed: 2 hosts, collectors changed on 2 (host2, host3)." in continued
    for host, (release, _process) in fleet.agents().items():
        record = fleet.records(host)[release]
        wave = "first" if host == "host1" else "rest"
        assert (record["wave"], record["verdict"]) == (wave, "passed"), record
    before = fleet.agents()
    assert "changed=0" in fleet.site(good, otel_waves=WAVES)
    assert fleet.agents() == before


def test_the_report_shows_which_releases_have_passed(fleet: Fleet, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    given = json.dumps({"otel_host_collectors": collectors(BACKEND, stage="second"), "otel_waves": WAVES})
    words = ["-i", str(fleet.variables), "-e", given, "-e", f"otel_report_path={page}", "playbooks/report.yml"]
    ansible("ansible-playbook", fleet.inventory, *words)
    shown = page.read_text(encoding="utf-8")
    assert "2 of 2 collectors" in shown and "4 of 4 collectors" in shown
