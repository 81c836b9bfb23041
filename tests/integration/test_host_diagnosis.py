# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real hosts with a real Collector: `verify` sees test data arrive, and `diagnose` names each fault that is made.

Each row makes one fault on the host, as root, and mends it again. The agent and the gateway run on one host.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.own_hosts import ROOT, TIMEOUT_SECONDS, OwnHosts, host_program_option
from tests.testbed.hosts import access
from tests.testbed.hosts.model import HostGroup

HOSTS = OwnHosts.from_topic("why")
HOST, UNIT = "host1", "otelcol-agent.service"
FOLDER, PROGRAMS = "/etc/otelcol/agent/current", "/opt/otelcol/contrib-*"
TOKEN = "a-token-of-this-test"
RESTART = f"systemctl restart {UNIT}"


def forward(endpoint: str, **options: Any) -> dict[str, Any]:
    headers = {"authorization": "Bearer ${env:TOKEN}"}
    return {"otlp_forward": {"endpoint": endpoint, "headers": headers, "insecure": True, **options}}


def collectors(endpoint: str = "127.0.0.1:14317", **config: Any) -> list[dict[str, Any]]:
    """Return an agent that sends to a gateway on the same host."""
    files = {"file_logs": {"include": ["/var/log/app/*.log"]}}
    agent = {
        "name": "agent",
        "recipes": ["otlp_ingest", "journald_logs", files, forward(endpoint)],
        "env": {"TOKEN": {"credential": {"content": TOKEN}}},
        "config": config,
    }
    protocols = {"grpc": {"endpoint": "127.0.0.1:14317"}, "http": {"endpoint": "127.0.0.1:14318"}}
    pipelines = {signal: {"receivers": ["otlp"]} for signal in ("traces", "metrics", "logs")}
    gateway = {
        "name": "gateway",
        "recipes": ["debug_output"],
        "health_port": 13134,
        "metrics_port": 8889,
        "config": {"receivers": {"otlp": {"protocols": protocols}}, "service": {"pipelines": pipelines}},
    }
    return [agent, gateway]


@dataclass(frozen=True)
class Fault:
    """One fault: how it is made and mended on the host, and what `diagnose` says of it."""

    name: str
    make: str
    mend: str
    says: tuple[str, ...]
    variables: dict[str, Any] = field(default_factory=dict)


DROP_IN = f"mkdir -p /etc/systemd/system/{UNIT}.d; printf '%s\\n' {{}} > /etc/systemd/system/{UNIT}.d/own.conf"
NO_DROP_IN = f"rm -r /etc/systemd/system/{UNIT}.d; systemctl daemon-reload; systemctl reset-failed {UNIT}; {RESTART}"
CERTIFICATE, STATE = "/etc/proof.pem", "/var/lib/otelcol/agent"
FAULTS = (
    Fault(
        "a port that another process has",
        f"systemctl stop {UNIT}; systemd-run --unit=thief python3 -m http.server 4318 --bind 127.0.0.1;"
        f"timeout 60 sh -c 'until ss -ltn | grep -q :4318; do :; done'; systemctl start {UNIT}",
        f"systemctl stop thief; systemctl restart {UNIT}",
        (
            "the service does not run",
            "port 4318/tcp is in use by process",
            "thief.service → Run `systemctl disable --now thief.service`",
        ),
    ),
    Fault(
        "log files that the service may not read",
        "mkdir -p /var/log/app; echo one > /var/log/app/a.log; chown root:adm /var/log/app/a.log;"
        "chmod 640 /var/log/app/a.log",
        "rm -r /var/log/app",
        ("may not read /var/log/app/a.log", "belongs to root:adm", "0640", "Add `groups: [adm]`"),
    ),
    Fault("a pattern that matches nothing", "true", "true", ("no file matches /var/log/app/*.log",)),
    Fault(
        "a unit without the group of the journal, by a drop-in",
        f"{DROP_IN.format('[Service] SupplementaryGroups=')}; systemctl daemon-reload; {RESTART}",
        NO_DROP_IN,
        ("may not read the journal", "group systemd-journal", f"{UNIT}.d/own.conf changes the unit"),
    ),
    Fault(
        "a masked unit",
        f"systemctl stop {UNIT}; ln -sf /dev/null /etc/systemd/system/{UNIT}; systemctl daemon-reload",
        f"ln -sf {FOLDER}/{UNIT} /etc/systemd/system/{UNIT}; systemctl daemon-reload; {RESTART}",
        (f"{UNIT} is masked", f"systemctl unmask {UNIT}"),
    ),
    Fault(
        "a unit that does not start at boot",
        f"rm /etc/systemd/system/multi-user.target.wants/{UNIT}; systemctl daemon-reload",
        f"ln -s ../{UNIT} /etc/systemd/system/multi-user.target.wants/{UNIT}; systemctl daemon-reload",
        ("does not start when the host boots",),
    ),
    Fault("a stopped service", f"systemctl stop {UNIT}", f"systemctl start {UNIT}", (f"{UNIT} was stopped",)),
    Fault(
        "a program that is missing",
        f"cd {PROGRAMS}; mv otelcol-contrib away; {RESTART}",
        f"cd {PROGRAMS}; mv away otelcol-contrib; systemctl reset-failed {UNIT}; {RESTART}",
        ("the program /opt/otelcol/contrib-", "is missing"),
    ),
    Fault(
        "a program that was replaced",
        f"cd {PROGRAMS}; cp otelcol-contrib new; mv new otelcol-contrib",
        RESTART,
        ("was replaced after the service had started",),
    ),
    Fault(
        "a credential that is missing",
        f"mv {FOLDER}/credentials/TOKEN /var/tmp/; {RESTART}",
        f"mv /var/tmp/TOKEN {FOLDER}/credentials/TOKEN; systemctl reset-failed {UNIT}; {RESTART}",
        ("the file of a credential is missing", "credentials/TOKEN"),
    ),
    Fault(
        "a start limit",
        f"{DROP_IN.format('[Unit] StartLimitIntervalSec=600 StartLimitBurst=1 [Service] ExecStartPre=/bin/false')};"
        f"systemctl daemon-reload; {RESTART}; {RESTART}; {RESTART}",
        NO_DROP_IN,
        ("systemd has given up", "systemctl reset-failed"),
    ),
    Fault(
        "a gateway that does not run",
        "systemctl stop otelcol-gateway; logger something",
        "systemctl start otelcol-gateway",
        ("otlp_grpc/gateway: ", "nothing listens at 127.0.0.1:14317: connection refused", "Start what listens there"),
    ),
    Fault(
        "a config that was edited by hand",
        f"echo '# by hand' >> {FOLDER}/config.yaml",
        f"sed -i '$d' {FOLDER}/config.yaml",
        ("release 000001 is not what the inventory says: config.yaml differs",),
    ),
    Fault(
        "a process that was killed",
        f"systemctl kill -s KILL {UNIT}; timeout 60 sh -c 'until systemctl is-active -q {UNIT}; do :; done'",
        f"{RESTART}",
        ("it ended and was started again", "restarts: 1"),
    ),
    Fault(
        "a full file system",
        f"mount -t tmpfs -o size=64k tmpfs {STATE}; dd if=/dev/zero of={STATE}/full bs=64k count=9 2>/dev/null; true",
        f"umount {STATE}",
        (f"the file system of {STATE} is full",),
    ),
    Fault(
        "a name that is not known",
        f"sed -i 's/127.0.0.1:14317/nowhere.invalid:4317/' {FOLDER}/config.yaml; {RESTART}; logger something",
        f"sed -i 's/nowhere.invalid:4317/127.0.0.1:14317/' {FOLDER}/config.yaml; {RESTART}",
        ("the host cannot resolve nowhere.invalid", "/etc/resolv.conf"),
        {"otel_host_collectors": collectors("nowhere.invalid:4317")},
    ),
    Fault(
        "a certificate that is missing",
        "true",
        "true",
        ("there is no file /etc/proof.pem",),
        {"otel_host_collectors": collectors(exporters={"otlp_grpc/gateway": {"tls": {"ca_file": CERTIFICATE}}})},
    ),
    Fault(
        "a certificate that the service may not read",
        f"echo none > {CERTIFICATE}; chmod 600 {CERTIFICATE}",
        f"rm {CERTIFICATE}",
        (f"may not read {CERTIFICATE}", "belongs to root:root and has mode 0600", "give the secret as a credential"),
        {"otel_host_collectors": collectors(exporters={"otlp_grpc/gateway": {"tls": {"ca_file": CERTIFICATE}}})},
    ),
)


@pytest.fixture(scope="module")
def group() -> Iterator[HostGroup]:
    """One host that runs."""
    with HOSTS.run_hosts():
        yield HOSTS.find_group()


Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def play(group: HostGroup, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Run a playbook of the collection over the host, on which the agent and the gateway run."""
    folder = tmp_path_factory.mktemp("inventory")
    variables = {
        "otel_host_program": host_program_option(HOSTS.make_archive()),
        "otel_host_collectors": collectors(),
        "otel_host_watch_seconds": 0,
        "diagnose_window_seconds": 1,
    }
    linux = {"children": {"linux": {}}, "vars": variables}
    (folder / "hosts.json").write_text(json.dumps({"all": {"children": {"otel_linux": linux}}}), encoding="utf-8")
    inventories = ("-i", str(group.inventory), "-i", str(folder / "hosts.json"))

    def run(playbook: str, *more: str, **changed: Any) -> subprocess.CompletedProcess[str]:
        (folder / "changed.json").write_text(json.dumps(changed), encoding="utf-8")
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            *inventories,
            "-e",
            f"@{folder / 'changed.json'}",
            *more,
            f"playbooks/{playbook}.yml",
        ]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)

    done = run("site")
    assert done.returncode == 0, done.stdout + done.stderr
    return run


@pytest.fixture(scope="module")
def on_host(group: HostGroup) -> Callable[[str], str]:
    """Run commands of a shell on the host, as root."""
    machine = next(iter(group.hosts))

    def run(words: str) -> str:
        done = subprocess.run(
            access.root_command(group, machine, words),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        return done.stdout + done.stderr

    return run


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a run has printed, without its line breaks."""
    return " ".join((done.stdout + done.stderr).split())


def test_verify_sees_all_test_data_arrive(play: Play) -> None:
    done = play("verify")
    assert done.returncode == 0, said(done)
    for name in ("agent", "gateway"):
        assert f"{HOST}/{name}: traces, metrics, logs arrived: service otelcol-{name}.service sent them on" in said(
            done
        )
    assert "changed=0" in done.stdout
    assert TOKEN not in said(done)


def test_verify_names_what_did_not_arrive_and_a_release_that_differs(play: Play, on_host: Callable[[str], str]) -> None:
    on_host(f"systemctl stop otelcol-gateway; echo '# by hand' >> {FOLDER}/config.yaml")
    try:
        done = play("verify")
    finally:
        on_host(f"sed -i '$d' {FOLDER}/config.yaml; systemctl start otelcol-gateway")
    text = said(done)
    assert done.returncode == 2, text
    assert text.count("Not all test data arrived.") == 1
    assert text.count("the service does not run, so nothing was sent") == 1
    assert f"{HOST}/agent: traces sent and taken, but not arrived after 30 s" in text
    assert f"{HOST}/gateway: the service does not run, so nothing was sent" in text
    assert "release 000001 is not what the inventory says: config.yaml differs" in text


def test_a_healthy_host_has_no_errors(play: Play, on_host: Callable[[str], str]) -> None:
    # What waits in an agent's queue since an outage is sent by its next try, which may be half a minute away.
    gateway = "systemctl restart otelcol-gateway; timeout 60 sh -c 'until ss -ltn | grep -q :14317; do :; done'"
    on_host(f"mkdir -p /var/log/app; touch /var/log/app/a.log; {gateway}; {RESTART}")
    text = said(play("diagnose", "-e", "diagnose_fail_on=error"))
    on_host("rm -r /var/log/app")
    assert "failed=0" in text, text
    assert "service host1/agent: error" not in text


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_diagnose_names_the_fault(play: Play, on_host: Callable[[str], str], fault: Fault) -> None:
    printed = on_host(fault.make)
    try:
        done = play("diagnose", **fault.variables)
    finally:
        on_host(fault.mend)
    assert done.returncode == 0, said(done) + printed
    missing = [words for words in fault.says if words not in said(done)]
    assert missing == [], said(done) + printed


# ── Changes and removals, last: the collectors are gone then ──

SEND = (
    'python3 -c \'import urllib.request as r; r.urlopen(r.Request("http://127.0.0.1:4318/v1/logs", '
    'b"{\\"resourceLogs\\":[{\\"scopeLogs\\":[{\\"logRecords\\":[{}]}]}]}", '
    '{"content-type": "application/json"}))\''
)


def keeping() -> list[dict[str, Any]]:
    """Return the collectors, of which the agent has a queue on the disk and nobody who takes its data."""
    agent, gateway = collectors("127.0.0.1:9")
    return [{**agent, "recipes": ["otlp_ingest", "durable", *agent["recipes"][-1:]]}, gateway]


def test_a_change_is_told_without_v_and_a_run_without_change_says_nothing(play: Play) -> None:
    changed = play("site", otel_host_collectors=keeping(), otel_host_watch_seconds=1)
    assert changed.returncode == 0, said(changed)
    assert "otelcol-agent.service changed by restart; no data came in: judged by its process" in said(changed)
    assert "Show what changed" not in play("site", otel_host_collectors=keeping(), otel_host_watch_seconds=1).stdout


TOLD, RECORDS = 200, "/var/lib/otelcol/agent/records.json"
ASK = "python3 -c 'import urllib.request as r; print(r.urlopen(\"http://127.0.0.1:{}\").read().decode())'"
READY = f"for n in $(seq 100); do {ASK.format('13133')} && break; done >/dev/null 2>&1"
NAMES = f"grep -o 'told-[0-9]*[.]' {RECORDS}"
TELL = f"for n in $(seq {TOLD}); do {{}}; sleep 0.01; done"
LOG = TELL.format("echo told-$n.") + " | logger -p user.err -t"
# As the log drivers of Docker and Podman write to the journal.
DRIVER = f"""
import socket, time
for n in range({TOLD}):
    entry = f"MESSAGE=told-{{n}}.\\nPRIORITY=6\\nCONTAINER_ID_FULL={"ab" * 32}\\nCONTAINER_NAME=fresh\\n"
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(entry.encode(), "/run/systemd/journal/socket")
    time.sleep(0.01)
"""
CONTAINERS = "/var/lib/docker/containers"


def line(text: str, container: str) -> str:
    """Return the command that writes a line of a container as Docker's driver `json-file` does."""
    record = f'{{"log":"{text}\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}}'
    return f"printf '%s\\n' '{record}' | sed s/N/$n/ >>{CONTAINERS}/{container * 64}/{container * 64}-json.log"


@dataclass(frozen=True)
class Fresh:
    """Something that logs for the first time: `write` logs as soon as `known` is done, and the collector runs."""

    recipe: dict[str, Any]
    write: str
    known: str = "true"
    allow: tuple[str, ...] = ()


FRESH = {
    "an identifier": Fresh({"journald_logs": {"identifiers": ["fresh"]}}, f"{LOG} fresh"),
    "errors": Fresh({"journald_logs": {"identifiers": ["newer"], "priority": "err"}}, f"{LOG} newer"),
    "the unit of a container": Fresh(
        {"container_logs": {"source": "journald", "units": ["fresh.service"]}},
        f"cat >/var/tmp/driver.py <<'END'\n{DRIVER}END\nsystemd-run --wait --unit=fresh python3 /var/tmp/driver.py",
    ),
    # A file is new if the receiver has looked before, which the first line of another one shows.
    "the file of a container": Fresh(
        {"container_logs": {"source": "files"}},
        f"mkdir {CONTAINERS}/{'b' * 64}; {TELL.format(line('told-N.', 'b'))}",
        f"mkdir -p {CONTAINERS}/{'a' * 64}; for n in $(seq 300); do {line('known', 'a')}; sleep 0.1;"
        f" grep -q known {RECORDS} && break; done",
        ("CAP_DAC_READ_SEARCH",),
    ),
}


@pytest.mark.parametrize("name", FRESH)
def test_no_first_record_of_something_new_is_lost(play: Play, on_host: Callable[[str], str], name: str) -> None:
    """Which the journal or the receiver has not seen before, and which logs as soon as the collector runs."""
    fresh = FRESH[name]
    exporters = {"file": {"path": RECORDS, "flush_interval": "100ms"}}
    agent, gateway = collectors(exporters=exporters, service={"pipelines": {"logs": {"exporters+": ["file"]}}})
    recipes = [fresh.recipe, forward("127.0.0.1:14317")]
    done = play("site", otel_host_collectors=[{**agent, "recipes": recipes, "allow": list(fresh.allow)}, gateway])
    assert done.returncode == 0, said(done)
    begin = "systemctl stop otelcol-agent; rm -r /var/lib/otelcol/agent/*; systemctl start otelcol-agent"
    printed = on_host(f"{begin}; {READY}; {fresh.known}; {fresh.write}")
    arrived = on_host(
        f"for n in $(seq 30); do [ $({NAMES} | wc -l) -ge {TOLD} ] && break; sleep 1; done; {NAMES}"
    ).split()
    assert (len(arrived), len({*arrived})) == (TOLD, TOLD), printed


@pytest.mark.parametrize("users", [["daemon", "games", "daemon", ""]], ids=str)
def test_a_collector_with_state_may_change_its_user(
    play: Play, on_host: Callable[[str], str], users: list[str]
) -> None:
    agent, gateway = keeping()
    for user in users:
        done = play("site", otel_host_collectors=[{**agent, "user": user}, gateway])
        assert done.returncode == 0, said(done)
        owners = set(on_host("stat -Lc %U /var/lib/otelcol/agent/*").split())
        assert owners == {user} if user else not owners & set(users)
        on_host(SEND)


def test_a_dropped_collector_is_named_and_its_removal_keeps_what_was_not_sent(
    play: Play, on_host: Callable[[str], str]
) -> None:
    on_host(SEND)
    agent, gateway = keeping()
    dropped = play("site", otel_host_collectors=[gateway])
    assert dropped.returncode == 0, said(dropped)
    assert f"collector agent of {HOST} was made by this collection" in said(dropped)
    named = ["--limit", HOST, "-e", '{"otel_host_collectors": [{"name": "agent"}]}']
    refused = play("remove", *named)
    assert refused.returncode == 2, said(refused)
    assert "that it has not sent, and it runs on; nothing was removed" in said(refused)
    assert on_host("systemctl is-active otelcol-agent").strip() == "active"
    gone = play("remove", *named, "-e", "otel_host_discard_unsent=true")
    assert gone.returncode == 0, said(gone)
    assert "were not sent, and are lost" in said(gone)
    assert f"collector gateway of {HOST} stays" in said(gone)
    assert on_host("ls -d /var/lib/otelcol/agent /etc/otelcol/agent 2>/dev/null") == ""
    assert on_host("systemctl is-active otelcol-gateway").strip() == "active"
    assert agent["name"] not in said(play("diagnose", otel_host_collectors=[gateway]))
