# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real service of a real host gets its environment, and its records arrive with the id of the host.

The service speaks OTLP with the standard library of Python, and reads its environment as an SDK does. The host is this
test's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.own_hosts import OwnHosts, host_program_option, run_ansible

HOSTS = OwnHosts.from_topic("sdks")
APP = """
import json, os, sys, time, urllib.parse, urllib.request
env = os.environ
if env.get("OTEL_TRACES_EXPORTER") == "gone":
    sys.exit("no such exporter: gone")
pairs = [pair.partition("=") for pair in env.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",") if pair]
found = {key: urllib.parse.unquote(value) for key, _sign, value in pairs}
found["service.name"] = env.get("OTEL_SERVICE_NAME", "unknown_service")
attributes = [{"key": key, "value": {"stringValue": value}} for key, value in found.items()]
record = {"body": {"stringValue": "an order of the shop"}}
logs = {"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": [record]}]}]}
while True:
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in env:
        url = env["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/logs"
        body, kind = json.dumps(logs).encode(), {"Content-Type": "application/json"}
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, kind), timeout=5).close()
        except OSError as error:
            print(error, file=sys.stderr)
    time.sleep(0.2)
"""
UNIT = """
[Service]
User=nobody
ExecStart=/usr/bin/python3 /opt/shop.py
"""
PREPARED = [
    {"ansible.builtin.copy": {"content": APP, "dest": "/opt/shop.py", "mode": "0644"}},
    {"ansible.builtin.copy": {"content": UNIT, "dest": "/etc/systemd/system/shop.service", "mode": "0644"}},
    {"ansible.builtin.systemd_service": {"name": "shop", "state": "started", "daemon_reload": True}},
]
RECORDS = "/var/lib/otelcol/agent/records.json"
FILE = {
    "exporters": {"file": {"path": RECORDS, "flush_interval": "100ms"}},
    "service": {"pipelines": {"logs": {"exporters+": ["file"]}}},
}
AGENT = {"name": "agent", "recipes": ["otlp_ingest", "debug_output"], "config": FILE}
SPECIAL = 'a "b" \\ $HOME ${HOME} 5% é'
ROW = {
    "services": ["shop.service"],
    "protocol": "http/json",
    "resource_attributes": {"deployment.environment.name": "prod, 10%"},
    "env": {"OTEL_SPECIAL": SPECIAL},
}
CONSENT = {**ROW, "restart": True}
DROP_IN = "/etc/systemd/system/shop.service.d/50-o11y-otel.conf"


@pytest.fixture(scope="module")
def inventory() -> Iterator[str]:
    """A host that runs."""
    with HOSTS.run_hosts() as path:
        yield path


class Site:
    """The host, with what the inventory says of it."""

    def __init__(self, inventory: str, folder: Path) -> None:
        self.inventory, self.play = inventory, folder / "play.yml"
        self.variables = {
            "otel_host_program": host_program_option(HOSTS.make_archive()),
            "otel_host_lock_file": "none",
            "otel_host_watch_seconds": 1,
            "otel_host_collectors": [AGENT],
        }

    def tasks(self, tasks: list[dict[str, Any]]) -> None:
        play = {"hosts": "linux", "gather_facts": False, "become": True, "tasks": tasks}
        self.play.write_text(yaml.safe_dump([play]), encoding="utf-8")
        run_ansible("ansible-playbook", self.inventory, str(self.play))

    def role(self, *rows: dict[str, Any], state: str = "present", code: int = 0, more: tuple[str, ...] = ()) -> str:
        """Run the role with these rows, and return what it says in one line."""
        variables = {**self.variables, "otel_host_sdks": list(rows), "otel_host_state": state}
        task = {"ansible.builtin.include_role": {"name": "o11y.opentelemetry.otel_host"}}
        play = {"hosts": "linux", "gather_facts": False, "vars": variables, "tasks": [task]}
        self.play.write_text(yaml.safe_dump([play]), encoding="utf-8")
        said = run_ansible("ansible-playbook", self.inventory, str(self.play), *more, code=code)
        return " ".join(said.split())

    def shell(self, text: str) -> str:
        said = run_ansible("ansible", self.inventory, "linux", "--become", "-m", "shell", "-a", text)
        return said.partition(">>\n")[2].strip()

    def pid(self) -> str:
        return self.shell("systemctl show -p MainPID --value shop.service")


@pytest.fixture(scope="module")
def site(inventory: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The host, on which the shop runs without an environment, and no collector."""
    found = Site(inventory, tmp_path_factory.mktemp("site"))
    found.tasks(PREPARED)
    return found


def test_a_service_that_the_host_lacks_is_refused_before_anything_is_written(site: Site) -> None:
    said = site.role({**ROW, "services": ["shops.service"]}, code=2)
    assert "the host has no service shops.service; did you mean 'shop.service'?" in said
    assert "otelcol" not in site.shell("ls /etc")


def test_without_consent_a_service_waits_for_its_restart(site: Site) -> None:
    first = site.pid()
    said = site.role(ROW)
    assert "changed=1" in said
    assert "shop.service gets its environment at its next restart" in said
    assert site.pid() == first
    assert "changed=0" in site.role(ROW)
    assert "shop.service waits for a restart to get its environment" in site.role(ROW, state="verified")


def test_with_consent_its_records_arrive_with_the_id_of_the_host(site: Site) -> None:
    first = site.pid()
    assert "changed=1" in site.role(CONSENT, more=("--check",))
    assert site.pid() == first
    assert "changed=1" in site.role(CONSENT)
    second = site.pid()
    assert second != first
    assert "changed=0" in site.role(CONSENT)
    assert site.pid() == second
    variables = site.shell(f"tr '\\0' '\\n' < /proc/{second}/environ")
    assert f"OTEL_SPECIAL={SPECIAL}" in variables.splitlines()
    assert "shop.service runs with its environment" in site.role(CONSENT, state="verified")
    record = site.shell(f"timeout 30 sh -c 'until grep -m 1 order {RECORDS}; do sleep 0.2; done'; cat /etc/machine-id")
    host_id = record.splitlines()[-1]
    attributes = {"host.id": host_id, "service.name": "shop", "deployment.environment.name": "prod, 10%"}
    wanted = [f'{{"key":"{key}","value":{{"stringValue":"{value}"}}}}' for key, value in attributes.items()]
    assert [one for one in wanted if one not in record] == []


def test_a_service_that_ends_with_it_goes_back(site: Site) -> None:
    site.role(CONSENT)
    before = site.shell(f"cat {DROP_IN}")
    said = site.role({**CONSENT, "env": {"OTEL_TRACES_EXPORTER": "gone"}}, code=2)
    assert "service shop.service does not run with its environment" in said
    assert "no such exporter: gone" in said
    assert "It runs again as before" in said
    assert site.shell(f"cat {DROP_IN}") == before
    assert site.shell("systemctl is-active shop.service") == "active"


def test_what_was_written_is_taken_back(site: Site) -> None:
    site.role(CONSENT)
    before = site.pid()
    said = site.role()
    assert "changed=1" in said
    assert "shop.service keeps its environment until it is restarted" in said
    assert site.pid() == before
    site.role(CONSENT)
    assert "changed=1" in site.role(state="absent")
    names = " -o ".join(f"-name '{name}'" for name in ("*otelcol*", "*o11y*", "shop.service.d"))
    assert site.shell(f"find /etc /opt /usr /var /run {names}") == ""
    assert site.shell("systemctl is-active shop.service") == "active"
