# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux hosts of the testbed as tests see them: by SSH as root, and by playbooks that run as a user runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.cluster import Cluster, join_printed_lines, strip_colours, wait_until
from tests.support.runs import start_command
from tests.testbed.__main__ import DEFAULT_NAME
from tests.testbed.home import Home
from tests.testbed.hosts import access
from tests.testbed.hosts.model import HostGroup, load_group

TIMEOUT_SECONDS = 300
ARRIVAL_SECONDS = 90
# The pods at the end of the way.
SINK_SELECTOR = "o11y.opentelemetry/collector=gateway"
_FAILED_RESULT = re.compile(r"^(?:fatal|failed): \[(?P<host>\w+)\].*? => (?P<result>\{.*\})$", re.MULTILINE)

_METRICS = """
import sys, urllib.request
print(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics", timeout=5).read().decode())
"""


@dataclass(frozen=True)
class LinuxHost:
    """One host, asked as root."""

    group: HostGroup
    name: str

    def build_command(self, *arguments: str) -> list[str]:
        """Return the command that runs a command of the shell on the host."""
        host = next(candidate for candidate in self.group.hosts if candidate.name == self.name)
        return access.root_command(self.group, host, *arguments)

    def run(self, text: str, input_text: str = "") -> str:
        """Run a command of the shell, and return what it prints. Raises AssertionError if it fails."""
        process = subprocess.run(
            self.build_command(text),
            input=input_text,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        assert process.returncode == 0, f"{self.name}: {text}: {process.stdout}{process.stderr}"
        return process.stdout

    @property
    def ip(self) -> str:
        """Its address."""
        return next(host.ip for host in self.group.hosts if host.name == self.name)

    def find_pid(self, collector: str) -> int:
        """Return the id of a collector's process; 0 if it does not run."""
        return int(self.run(f"systemctl show --value --property=MainPID otelcol-{collector}"))

    def read_metrics(self, port: int) -> str:
        """Return the metrics that a collector has of itself; nothing while it does not answer."""
        return self.run(f"python3 - {port} 2>/dev/null || true", _METRICS)


@dataclass(frozen=True)
class EndedRun:
    """How a run of a playbook ended."""

    exit_code: int
    output: str
    failure_by_host: Mapping[str, str]
    """What the failed tasks of a host say, by host, on one line."""


@dataclass(frozen=True)
class HostSite:
    """The hosts of this run, and the inventory that users have of them."""

    group: HostGroup
    inventory: str

    @classmethod
    def from_environment(cls, inventory: str) -> HostSite:
        """Return the hosts that the environment names."""
        name = os.environ.get("O11Y_TESTBED_NAME") or DEFAULT_NAME
        return cls(load_group(Home.from_environment(os.environ), name), inventory)

    def find_host(self, name: str) -> LinuxHost:
        """Return a host by its name in the inventory."""
        return LinuxHost(self.group, name)

    def run_playbook(self, name: str, *extra_arguments: str, **variables: Any) -> EndedRun:
        """Run a playbook of the collection to its end."""
        return wait_for_end(self.start_playbook(name, *extra_arguments, **variables))

    def start_playbook(self, name: str, *extra_arguments: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a playbook of the collection, without colours, and with each result on one line."""
        command = ["ansible-playbook", f"o11y.opentelemetry.{name}", "-i", self.inventory, *extra_arguments]
        return start_command([*command, "-e", json.dumps(variables)], ANSIBLE_CALLBACK_RESULT_FORMAT="json")


def wait_for_end(process: subprocess.Popen[str]) -> EndedRun:
    """Return how a run ends."""
    # Molecule lets Ansible print in colours.
    output = strip_colours(process.communicate(timeout=TIMEOUT_SECONDS)[0])
    failures: dict[str, str] = {}
    for failure in _FAILED_RESULT.finditer(output):
        message = join_printed_lines(str(json.loads(failure["result"]).get("msg")))
        failures[failure["host"]] = f"{failures.get(failure['host'], '')} {message}".strip()
    return EndedRun(process.returncode, join_printed_lines(output), failures)


def write_host_group(folder: Path, group: str, hosts: Mapping[str, Mapping[str, Any]]) -> str:
    """Write an inventory of a group, whose hosts have these variables, and return its path."""
    path = folder / f"{group}.json"
    path.write_text(json.dumps({group: {"hosts": hosts}}), encoding="utf-8")
    return str(path)


@dataclass
class SentRecords:
    """Records that a host has written, whose names are NAME-SOURCE-0. and so on."""

    name: str
    count_by_source: dict[str, int] = field(default_factory=dict)

    def list_names(self) -> set[str]:
        """Return the names of all records."""
        return {
            f"{self.name}-{source}-{number}."
            for source, count in self.count_by_source.items()
            for number in range(count)
        }


# Writes records to a log file, which it opens for each line as syslog daemons do after a rotation, and to the journal.
# It prints how many when its input ends.
_WRITER = """
import select, subprocess, sys, time
name, number = sys.argv[1], 0
logger = subprocess.Popen(["logger", "--tag", "shop"], stdin=subprocess.PIPE, text=True)
while not select.select([sys.stdin], [], [], 0.02)[0]:
    with open("/var/log/shop/shop.log", "a") as log:
        log.write(f"{name}-file-{number}.\\n")
    print(f"{name}-journal-{number}.", file=logger.stdin, flush=True)
    number += 1
logger.communicate()
print(number)
"""


@contextmanager
def write_records(host: LinuxHost, name: str) -> Iterator[SentRecords]:
    """Let an application write to a file, to the journal and over OTLP until the block ends."""
    name = f"{name}{time.time_ns()}"
    sent = SentRecords(name)
    url, otlp = "http://127.0.0.1:4318", f"{name}-otlp"
    writer = _start_piped(host.build_command(f"python3 -c '{_quote_for_shell(_WRITER)}' {name}"))
    client = _start_piped(host.build_command(f"python3 /usr/local/bin/shop.py {url} {otlp}"))
    try:
        yield sent
    finally:
        writer_output = writer.communicate(timeout=TIMEOUT_SECONDS)[0]
        client_output = client.communicate(timeout=TIMEOUT_SECONDS)[0]
    written_count, client_counts = int(writer_output), json.loads(client_output)
    assert client_counts["lost"] == 0, client_counts
    sent.count_by_source |= {"file": written_count, "journal": written_count, "otlp": client_counts["taken"]}
    print(f"{host.name}: {name}: {sent.count_by_source}, {client_counts['failed_tries']} tries over OTLP failed")


def _quote_for_shell(text: str) -> str:
    return text.replace("'", "'\\''")


def _start_piped(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def count_arrivals(log: str, name: str) -> Counter[str]:
    """Return how often each record of a name is in a log."""
    return Counter(re.findall(rf"\b{name}-\w+-\d+\.", log))


def read_sink(cluster: Cluster) -> str:
    """Return what the gateway of the cluster has got."""
    return cluster.logs(SINK_SELECTOR)


def wait_until_arrived_once(cluster: Cluster, *all_records: SentRecords, seconds: float = ARRIVAL_SECONDS) -> None:
    """Wait until every record is at the end of the way, and fail for one that is there twice."""
    for sent in all_records:
        record_names = sent.list_names()
        assert record_names
        wait_until(
            f"all of {len(record_names)} records of {sent.name}",
            lambda record_names=record_names, sent=sent: (
                record_names <= {*count_arrivals(read_sink(cluster), sent.name)}
            ),
            seconds,
        )
        doubled_names = [
            record_name for record_name, count in count_arrivals(read_sink(cluster), sent.name).items() if count > 1
        ]
        assert doubled_names == []
