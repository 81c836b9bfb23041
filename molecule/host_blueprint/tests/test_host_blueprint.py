"""Each point of the page of the blueprint that can be seen from outside, by the inventory on hosts.

An application of a host sends to the agent of its host, which sends to both gateways, and these to a backend.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.cluster import wait_until
from tests.testbed.__main__ import DEFAULT_NAME
from tests.testbed.home import Home
from tests.testbed.hosts import access
from tests.testbed.hosts.model import HostGroup, load_group

# The hosts of the testbed under their names in the inventory.
NAMES = {"gateway1": "host1", "gateway2": "host2", "web1": "host3", "db1": "host4", "backend1": "host5"}
GATEWAYS, WORKLOADS = ("gateway1", "gateway2"), ("web1", "db1")
TELEMETRY = "/var/lib/private/otelcol/backend/telemetry.json"
SECONDS = 90
SUCCESS = '{"partialSuccess":{}}'
MAIL = "jane@example.com"
# Run on a host: gets a URL, or posts its input as JSON to it, with a certificate of the host if `own` is given.
REQUEST = """
import ssl, sys, urllib.request
url, own, given = sys.argv[1], sys.argv[2:], sys.stdin.buffer.read()
context = ssl.create_default_context(cafile="/etc/ssl/otel/ca.crt")
if own:
    context.load_cert_chain("/etc/ssl/otel/tls.crt", "/etc/ssl/private/otel.key")
request = urllib.request.Request(url, given or None, {"Content-Type": "application/json"})
try:
    print(urllib.request.urlopen(request, timeout=10, context=context).read().decode())
except OSError as error:
    print("failed:", error)
"""


@dataclass(frozen=True)
class Record:
    """A record of the backend: its resource, itself as JSON, and the name of a metric."""

    resource: dict[str, str]
    text: str
    name: str


@pytest.fixture(scope="module")
def group() -> HostGroup:
    name = os.environ.get("O11Y_TESTBED_NAME") or DEFAULT_NAME
    return load_group(Home.from_environment(os.environ), name)


@dataclass(frozen=True)
class Machines:
    """The hosts, asked as root by their names in the inventory."""

    group: HostGroup

    def run(self, name: str, text: str, given: str = "") -> str:
        """Run a command of the shell on a host with an input, and return what it prints."""
        host = next(one for one in self.group.hosts if one.name == NAMES[name])
        command = access.root_command(self.group, host, text)
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=SECONDS)
        assert done.returncode == 0, f"{name}: {text}: {done.stdout}{done.stderr}"
        return done.stdout

    def word(self, name: str, text: str, given: str = "") -> str:
        """Return what a command prints without the line's end."""
        return self.run(name, text, given).strip()

    def records(self) -> list[Record]:
        """Return what the backend has."""
        whole_lines = self.run("backend1", f"cat {TELEMETRY}").rpartition("\n")[0].splitlines()
        return [record for line in whole_lines for record in _records(json.loads(line))]

    def arrived(self, word: str) -> list[Record]:
        """Return the records with a word, as soon as there is one."""

        def found() -> list[Record]:
            return [one for one in self.records() if word in one.text]

        wait_until(f"{word} is at the backend", lambda: bool(found()), SECONDS)
        return found()

    def send(self, name: str, text: str, severity: int = 9, **resource: str) -> None:
        """Let an application of a host send a log record to the agent of its host."""
        assert self.post(name, "http://127.0.0.1:4318", log_record(text, severity, resource)) == SUCCESS

    def post(self, name: str, url: str, records: dict[str, Any], *own: str) -> str:
        """Let a host send a request of OTLP, and return the answer."""
        return self.word(name, f"python3 -c {shlex.quote(REQUEST)} {url}/v1/logs {' '.join(own)}", json.dumps(records))


@pytest.fixture(scope="module")
def machines(group: HostGroup) -> Machines:
    return Machines(group)


def log_record(text: str, severity: int, resource: dict[str, str]) -> dict[str, Any]:
    """Return a request of OTLP with one record."""
    about = [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in resource.items()]
    record = {"body": {"stringValue": text}, "severityNumber": severity}
    return {"resourceLogs": [{"resource": {"attributes": about}, "scopeLogs": [{"logRecords": [record]}]}]}


def _records(line: dict[str, Any]) -> Iterator[Record]:
    """Yield the records of a line of the backend's file."""
    inner = {"resourceLogs": ("scopeLogs", "logRecords"), "resourceMetrics": ("scopeMetrics", "metrics")}
    for outer, (scopes, key) in inner.items():
        for part in line.get(outer, []):
            attributes = {
                one["key"]: str(next(iter(one["value"].values()), "")) for one in part["resource"]["attributes"]
            }
            for scope in part[scopes]:
                for record in scope.get(key, []):
                    yield Record(attributes, json.dumps(record), record.get("name", ""))


def word(name: str) -> str:
    """Return a word that no other record has."""
    return f"{name}{secrets.token_hex(8)}"


@pytest.mark.parametrize("name", WORKLOADS)
def test_what_an_application_sends_says_its_host_its_environment_and_its_owner(machines: Machines, name: str) -> None:
    marked = word("attributed")
    machines.send(name, marked, service__name="shop")
    (record,) = machines.arrived(marked)
    said = record.resource
    assert said["host.id"] == machines.word(name, "cat /etc/machine-id")
    assert said["host.name"] == machines.word(name, "hostname")
    assert said["host.arch"] == "amd64"
    assert (said["os.type"], "Debian" in said["os.description"], bool(said["os.version"])) == ("linux", True, True)
    assert said["deployment.environment.name"] == "production"
    assert said["service.owner"] == {"web1": "web", "db1": "databases"}[name]
    assert said["service.name"] == "shop"
    assert "contract.broken" not in said


def test_each_workload_has_the_files_of_its_overlay(machines: Machines) -> None:
    access_line, error = word("access"), word("error")
    machines.run("web1", f"echo 'GET /{access_line}' >> /var/log/nginx/access.log")
    trace = rf"2026-01-02 ERROR {error}\n    at line 2\n2026-01-02 LOG next\n"
    machines.run("db1", f"printf '{trace}' >> /var/log/postgresql/main.log")
    (first,) = machines.arrived(access_line)
    assert first.resource["service.owner"] == "web"
    (second,) = machines.arrived(error)
    assert "at line 2" in second.text
    assert second.resource["service.owner"] == "databases"


def test_the_journal_of_every_host_arrives_with_the_name_of_the_service(machines: Machines) -> None:
    said = {name: word("journal") for name in (*GATEWAYS, *WORKLOADS)}
    for name, marked in said.items():
        machines.run(name, f"logger --tag cashier {marked}")
    for name, marked in said.items():
        (record,) = machines.arrived(marked)
        assert record.resource["service.name"] == "cashier"
        assert record.resource["host.id"] == machines.word(name, "cat /etc/machine-id")


def test_gateways_mask_personal_data_and_drop_noise(machines: Machines) -> None:
    noise, personal = word("noise"), word("personal")
    machines.send("web1", noise, severity=5)
    machines.send("web1", f"{personal} of {MAIL}")
    (record,) = machines.arrived(personal)
    assert MAIL not in record.text
    assert [one for one in machines.records() if noise in one.text] == []


def test_a_gateway_takes_clients_of_the_ca_alone_and_marks_what_has_no_origin(machines: Machines) -> None:
    marked = word("origin")
    url, records = "https://gateways.example.com:4318", log_record(marked, 9, {"service.name": "stray"})
    assert machines.post("web1", url, records).startswith("failed: ")
    assert machines.post("web1", url, records, "own") == SUCCESS
    (record,) = machines.arrived(marked)
    assert record.resource["contract.broken"] == "no environment"


def sent_by(machines: Machines, name: str) -> float:
    """Return how many log records a gateway has sent."""
    lines = machines.run(name, f"python3 -c {shlex.quote(REQUEST)} http://127.0.0.1:8889/metrics").splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("otelcol_exporter_sent_log_records"))


def test_agents_share_data_out_and_lose_none_when_a_gateway_is_away(machines: Machines) -> None:
    wait_until("both gateways send", lambda: all(sent_by(machines, name) > 0 for name in GATEWAYS), SECONDS)
    said = [word("away") for _number in range(20)]
    machines.run("gateway1", "systemctl stop otelcol-gateway")
    try:
        for marked in said:
            machines.send("web1", marked)
        wait_until("all records", lambda: _missing(machines, said) == [], SECONDS)
    finally:
        machines.run("gateway1", "systemctl start otelcol-gateway")
    found = [one.text for one in machines.records()]
    assert [marked for marked in said if sum(marked in text for text in found) != 1] == []


def test_what_no_gateway_takes_waits_on_disk_through_a_restart_of_the_agent(machines: Machines) -> None:
    marked = word("waits")
    for name in GATEWAYS:
        machines.run(name, "systemctl stop otelcol-gateway")
    try:
        machines.send("db1", marked)
        # Batches are made behind the queue, which is on disk as soon as the agent has answered.
        machines.run("db1", "systemctl kill --signal=KILL otelcol-agent")
    finally:
        for name in GATEWAYS:
            machines.run(name, "systemctl start otelcol-gateway")
    assert len(machines.arrived(marked)) == 1


def _missing(machines: Machines, said: list[str]) -> list[str]:
    found = [one.text for one in machines.records()]
    return [marked for marked in said if not any(marked in text for text in found)]


@pytest.mark.parametrize("metric", ["system.memory.usage", "otelcol_exporter_queue_size"])
def test_every_host_is_measured_and_so_are_its_collectors(machines: Machines, metric: str) -> None:
    wanted = {machines.word(name, "cat /etc/machine-id") for name in (*GATEWAYS, *WORKLOADS)}

    def found() -> set[str]:
        return {one.resource.get("host.id", "") for one in machines.records() if one.name == metric}

    wait_until(f"{metric} of all hosts", lambda: wanted <= found(), SECONDS)


@pytest.mark.parametrize("name", ["web1", "gateway1"])
def test_collectors_are_closed_services_that_start_with_the_host(machines: Machines, name: str) -> None:
    for collector in {"web1": ["agent"], "gateway1": ["agent", "gateway"]}[name]:
        unit = f"otelcol-{collector}.service"
        asked = "UnitFileState,DynamicUser,NoNewPrivileges,ProtectSystem,NRestarts"
        lines = machines.run(name, f"systemctl show --property={asked} {unit}").splitlines()
        assert dict(line.split("=") for line in lines) == {
            "UnitFileState": "enabled",
            "DynamicUser": "yes",
            "NoNewPrivileges": "yes",
            "ProtectSystem": "strict",
            "NRestarts": "0",
        }
        score = re.search(r"exposure level for \S+: ([\d.]+)", machines.run(name, f"systemd-analyze security {unit}"))
        assert score is not None and float(score[1]) <= 2.0
        key = machines.word(name, "sed -n 2p /etc/ssl/private/otel.key")
        assert key not in machines.run(name, f"systemctl cat {unit}; cat /etc/otelcol/{collector}/current/config.yaml")
