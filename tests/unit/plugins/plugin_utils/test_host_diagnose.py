# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a host says of a collector to what people read; each check has an answer of a host that shows it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.host_checks import HOST_CHECKS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import value_at
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._host_diagnose import (
    HostVisit,
    diagnose_host,
    list_questions,
)

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
UNIT = "otelcol-agent.service"
CONFIG = yaml.safe_load("""
receivers:
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:4317"}, http: {endpoint: "127.0.0.1:4318"}}}
  journald: {}
  file_log/files: {include: [/var/log/app/*.log]}
exporters:
  otlp_grpc/gateway: {endpoint: "gateway.example.com:4317", tls: {ca_file: /etc/ca.pem}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_grpc/gateway]}
    logs: {receivers: [journald, file_log/files], exporters: [otlp_grpc/gateway]}
""")
METRICS = """
otelcol_receiver_accepted_spans{receiver="otlp"} %d
otelcol_receiver_accepted_log_records{receiver="journald"} %d
otelcol_receiver_accepted_log_records{receiver="file_log/files"} %d
otelcol_exporter_sent_spans{exporter="otlp_grpc/gateway"} %d
otelcol_exporter_sent_log_records{exporter="otlp_grpc/gateway"} %d
otelcol_process_uptime{} 900
"""
HOST_SAYS = yaml.safe_load("""
now: 1800000000.0
synchronized: "yes"
systemd: 252
enforcing: false
denials: []
journal_is_kept: true
journal_groups: [systemd-journal, adm]
""")
COLLECTOR = yaml.safe_load("""
name: agent
service: {unit: otelcol-agent.service, load: loaded, at_boot: enabled, active: active, sub: running, result: success,
  status: 0, restarts: 0, seconds: 900, drop_ins: [], stale: false, memory_max: "536870912", groups: [systemd-journal]}
release: {number: "000002", is_own: true, differs: [], links: [], change: "", credentials: [], wave: {}}
program: {path: /usr/bin/otelcol, wanted: /usr/bin/otelcol, is_there: true, is_replaced: false}
closed: []
taken: []
unhealthy: ""
journal: []
files: [{about: receivers/file_log/files, pattern: /var/log/app/*.log, count: 2, unreadable: [], more: 0}]
certificates: [{about: exporters/otlp_grpc/gateway, path: /etc/ca.pem, file: /etc/ca.pem, state: there,
  not_before: "2026-01-01T00:00:00Z", not_after: "2028-01-01T00:00:00Z"}]
peers: [{about: exporters/otlp_grpc/gateway, host: gateway.example.com, port: 4317, state: ok,
  endpoint: gateway.example.com:4317}]
disks: [{path: /var/lib/otelcol/agent, percent: 40, full: false, free_mib: 5000}]
seconds: 10.0
""")
COLLECTOR["metrics"] = {"first": METRICS % (1, 1, 1, 1, 2), "last": METRICS % (9, 9, 9, 9, 18), "why": ""}
TAKEN = {"text": "port 4317/tcp is in use by process 81 (nc)", "fix": "Stop it, or change the port."}
IDLE = {"first": METRICS % (1, 1, 1, 1, 2), "last": METRICS % (1, 1, 1, 1, 2), "why": ""}
DOWN = {"active": "failed", "sub": "failed", "result": "exit-code", "status": 1}
SHUT = {"what": "file", "path": "/var/log/app/a.log", "file": "/var/log/app/a.log", "owner": "root", "mode": "0640"}


def entry(text: str, by: str = "collector", seconds: int = 30) -> dict[str, str]:
    """Return an entry of the journal of some seconds ago, before 08:00."""
    return {"time": f"2027-01-15T07:59:{60 - seconds:02}Z", "text": text, "by": by, "run": "1"}


def failing(error: str) -> dict[str, Any]:
    """Return an answer with an exporter that fails, in the Collector's words."""
    row = (
        "2027-01-15T07:59:30.000Z\tinfo\tinternal/retry_sender.go:133\tExporting failed. Will retry the request after"
        ' interval.\t{"otelcol.component.id": "otlp_grpc/gateway", "otelcol.component.kind": "exporter",'
        f' "otelcol.signal": "traces", "error": "{error}"}}'
    )
    return {"journal": [entry(row)], "metrics": IDLE}


def ended(words: str) -> dict[str, Any]:
    """Return an answer of a service whose process has ended with these words."""
    return {"service": DOWN, "journal": [entry(words)], "metrics": {"first": "", "last": "", "why": "refused"}}


# The check, what the host says, and the words that people read.
SITUATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("systemd_too_old", {"host": {"systemd": 239}}, "systemd 239 is too old"),
    ("absent", {"service": {**DOWN, "load": "not-found", "active": "inactive", "result": "success"},
                "release": {"number": ""}}, f"there is no service {UNIT} → Run `site`."),
    ("foreign", {"release": {"number": ""}}, f"{UNIT} belongs to another owner"),
    ("masked", {"service": {"load": "masked", "active": "inactive"}}, f"systemctl unmask {UNIT}"),
    ("stopped", {"service": {"active": "inactive", "sub": "dead"}}, f"{UNIT} was stopped"),
    ("not_linked", {"service": {"load": "not-found", "active": "inactive"}}, "although its release 000002 is there"),
    ("not_at_boot", {"service": {"at_boot": "linked"}}, "does not start when the host boots"),
    ("program_missing", {**ended(""), "program": {"is_there": False}}, "the program /usr/bin/otelcol is missing"),
    ("credential_missing", {"release": {"credentials": ["/etc/token"]}}, "credential is missing: /etc/token"),
    ("port_taken", {**ended("Error: listen tcp 127.0.0.1:4317: bind: address already in use"),
                    "taken": [TAKEN]},
     "port 4317/tcp is in use by process 81 (nc) → Stop it, or change the port."),
    ("certificate_missing", {"certificates": [{"state": "missing"}]}, "there is no file /etc/ca.pem"),
    ("certificate_not_read", {"certificates": [{"state": "not_read", "file": "/etc/ca.pem"}]},
     "this run could not read /etc/ca.pem, so the dates of its certificate are not known → Let root read"),
    ("certificate_unreadable",
     {"certificates": [{"state": "unreadable", **SHUT, "group": "ssl", "file": "/etc/ca.pem"}]},
     "may not read /etc/ca.pem: file /var/log/app/a.log belongs to root:ssl and has mode 0640 → Add `groups: [ssl]`"),
    ("state_full", {"disks": [{"full": True}]}, "the file system of /var/lib/otelcol/agent is full"),
    ("state_nearly_full", {"disks": [{"percent": 97, "free_mib": 12}]}, "is 97 % full (12 MiB left)"),
    ("start_limit", {"service": {**DOWN, "result": "start-limit-hit"}}, "systemd has given up"),
    ("start_limit", {"service": {**DOWN, "result": "exit-code"}, "journal": [
        entry(f"Starting {UNIT}...", "systemd"), entry(f"{UNIT}: Start request repeated too quickly.", "systemd")]},
     "systemd has given up: it was started too often"),
    ("killed_for_memory", {"service": {"restarts": 1, "seconds": 30}, "journal": [
        entry(f"{UNIT}: A process of this unit has been killed by the OOM killer.", "systemd")]},
     "the kernel killed it 30 s ago, because it needed more than its memory limit of 512 MiB → Raise `memory_limit`"),
    ("not_running", ended("Error: failed to build pipelines: open /etc/x.pem: permission denied"),
     "a file cannot be opened: failed to build pipelines: open /etc/x.pem: permission denied → Let the service"),
    ("change_under_way", {"release": {"change": "000003"}}, "a run began release 000003"),
    ("shut", {"closed": ["4317/tcp"]}, "nothing listens on port 4317/tcp"),
    ("unhealthy", {"unhealthy": "http://127.0.0.1:13133: refused"}, "it does not say that it is healthy"),
    ("restarted", {"service": {"restarts": 3, "seconds": 20}, "journal": [entry("panic: nil map")]},
     "it ended and was started again 20 s ago (restarts: 3): nil map"),
    ("release_differs", {"release": {"differs": ["config.yaml"]}},
     "release 000002 is not what the inventory says: config.yaml differs"),
    ("unit_changed", {"service": {"drop_ins": [f"/etc/systemd/system/{UNIT}.d/a.conf", "/usr/lib/systemd/x.conf"]}},
     f"{UNIT}.d/a.conf changes the unit"),
    ("unit_not_read", {"service": {"stale": True}}, "systemctl daemon-reload"),
    ("program_changed", {"program": {"is_replaced": True}}, "was replaced after the service had started"),
    ("denied_by_selinux", {"host": {"denials": ['avc:  denied  { read } for comm="otelcol-contrib" name="a.log"']}},
     'SELinux has denied something to it: avc: denied { read } for comm="otelcol-contrib" name="a.log"'),
    ("file_unreadable", {"files": [{"unreadable": [{**SHUT, "group": "adm"}, SHUT], "more": 4}]},
     "may not read /var/log/app/a.log and 5 more: file /var/log/app/a.log belongs to root:adm and has mode 0640"
     " → Add `groups: [adm]` to the collector."),
    ("file_unreadable",
     {"files": [{"unreadable": [{**SHUT, "what": "folder", "path": "/var/log/app", "group": "app", "mode": "0740"}]}]},
     "folder /var/log/app belongs to root:app and has mode 0740 → Let a group enter it (`chmod g+x`) and name"),
    ("file_unreadable",
     {"files": [{"unreadable": [{**SHUT, "what": "folder", "path": "/var/log/app", "group": "app", "mode": "0710"}]}]},
     "folder /var/log/app belongs to root:app and has mode 0710 → Add `groups: [app]` to the collector."),
    ("journal_forbidden", {"service": {"groups": []}}, "no group of the journal (systemd-journal, adm)"),
    ("no_file", {"files": [{"count": 0}]}, "no file matches /var/log/app/*.log"),
    ("journal_is_lost", {"host": {"journal_is_kept": False}}, "so records of a reboot are lost"),
    ("certificate_expired", {"certificates": [{"not_after": "2027-01-13T08:00:00Z"}]},
     "the certificate in /etc/ca.pem expired 2 days ago, at 2027-01-13T08:00:00Z → Renew it."),
    ("certificate_early", {"certificates": [{"not_before": "2027-02-01T00:00:00Z"}]}, "is valid only from 2027-02-01"),
    ("certificate_soon", {"certificates": [{"not_after": "2027-01-18T08:00:00Z"}]}, "/etc/ca.pem expires in 3 days"),
    ("clock_wrong", {"host": {"now": NOW - 7300, "synchronized": "no"}, "certificates": []},
     "the clock of the host is 2 h behind that of the controller, and no time server sets it"),
    ("peer_unknown", {"peers": [{"state": "no_name"}], "metrics": IDLE},
     "the host cannot resolve gateway.example.com → Correct the endpoint, or the name servers"),
    ("peer_refused", {"peers": [{"state": "refused"}], "metrics": IDLE},
     "nothing listens at gateway.example.com:4317: connection refused"),
    ("peer_out_of_reach", {"peers": [{"state": "no_way"}], "metrics": IDLE}, "does not answer → Look for firewalls"),
    ("log_error", failing("rpc error: code = Unauthenticated desc = bad token"),
     "the credentials are not accepted"),
    ("log_error", failing("error reading server preface: http2: frame too large"),
     "the port speaks another protocol"),
    ("log_error", failing("write /var/lib/otelcol/agent/q: permission denied"),
     "a file cannot be opened → Let the service read it by `groups`"),
    ("disk_full", failing("write /var/lib/otelcol/agent/q: no space left on device"), "the disk is full"),
]  # fmt: skip


def answered(change: dict[str, Any]) -> dict[str, Any]:
    """Return what a healthy host says, with a change. A row of a list changes that of the same place."""
    one = deepcopy(COLLECTOR)
    for key, value in change.items():
        if isinstance(value, dict):
            if key != "host":
                one[key] = {**one.get(key, {}), **value}
        else:
            known = one.get(key) or []
            one[key] = (
                [
                    {**(known[place] if place < len(known) else {}), **row} if isinstance(row, dict) else row
                    for place, row in enumerate(value)
                ]
                if isinstance(value, list)
                else value
            )
    return {"host": {**HOST_SAYS, **change.get("host", {})}, "collectors": [one]}


def shown(change: dict[str, Any], *, send: bool = False, fail_on: str = "never") -> dict[str, Any]:
    visit = HostVisit("web1", (NOW - 1, NOW + 1), send, fail_on)
    return diagnose_host(answered(change), {"agent": CONFIG}, visit)


@pytest.mark.parametrize(("name", "change", "words"), SITUATIONS, ids=[name for name, _change, _words in SITUATIONS])
def test_a_fault_of_a_host_is_named(name: str, change: dict[str, Any], words: str) -> None:
    found = shown(change)
    problems = found["collectors"][0]["problems"]
    assert name in [one["id"] for one in problems], found["report"]
    told = found["msg"] + "\n" + "\n".join(f"{one['message']} → {one['fix']}" for one in problems)
    assert words in told, told
    assert not [one["message"] for one in problems if "{" in one["message"].replace("{ read }", "")]


def test_every_check_of_hosts_has_a_situation_and_only_the_healthy_one_has_none() -> None:
    assert {row.id for row in HOST_CHECKS} <= {name for name, _change, _words in SITUATIONS}
    found = shown({})
    assert [one["id"] for one in found["collectors"][0]["problems"]] == []
    assert found["verdict"] == ["web1/agent: healthy: 8 spans in, 8 out; 16 log records in, 16 out in 10 s"]
    assert (found["failed"], found["healthy"]) == (False, True)


def test_a_cause_stands_behind_its_sign_in_one_line() -> None:
    change = {
        **ended("Error: listen tcp 127.0.0.1:4317: bind: address already in use"),
        "taken": [TAKEN],
    }
    (line,) = shown(change)["verdict"]
    assert line.startswith("web1/agent: the service does not run (failed, exit-code, status 1): ")
    assert line.endswith("in use by process 81 (nc) → Stop it, or change the port.")


def probed(**signals: dict[str, Any]) -> dict[str, Any]:
    row = {"sent": True, "arrived": True, "why": "", "trouble": [], "evidence": []}
    return {"probe": {"id": "1", "seconds": 30.0, "signals": {name: {**row, **one} for name, one in signals.items()}}}


@pytest.mark.parametrize(
    ("send", "fail_on", "failed"),
    [(False, "never", False), (False, "warning", True), (False, "error", True), (True, "never", True)],
)
def test_nothing_diagnosed_is_not_healthy(send: bool, fail_on: str, failed: bool) -> None:
    visit = HostVisit("web1", (NOW - 1, NOW + 1), send, fail_on)
    found = diagnose_host({**answered({}), "collectors": []}, {}, visit)
    assert (found["failed"], found["passed"], found["healthy"]) == (failed, not failed, False)
    words = "web1: no collector was diagnosed, since there is none in `collectors`. Name those of the host in"
    assert found["msg"].startswith(words)
    assert found["report"].startswith(words)
    assert (words in "".join(found["told"])) is failed


def test_test_data_that_arrives_is_told_with_its_place() -> None:
    found = shown(probed(traces={}, logs={}), send=True, fail_on="error")
    words = "web1/agent: traces, logs arrived: service otelcol-agent.service sent them on to its exporter"
    assert (found["failed"], found["tested"]) == (False, [words])


def test_a_test_in_check_mode_says_that_it_tests_nothing() -> None:
    visit = HostVisit("web1", (NOW - 1, NOW + 1), False, "error", True)
    found = diagnose_host(answered({}), {"agent": CONFIG}, visit)
    assert found["tested"] == ["web1: not tested, since nothing is sent in check mode"]


def test_only_what_did_not_arrive_is_named() -> None:
    lost = {"arrived": False, "trouble": ["otlp_grpc/gateway: exporter_send_failed +1"]}
    found = shown(probed(traces=lost, logs={}), send=True, fail_on="error")
    assert found["msg"].splitlines() == [
        "Not all test data arrived.",
        "web1/agent: traces sent and taken, but not arrived after 30 s. The collector counts: otlp_grpc/gateway:"
        " exporter_send_failed +1",
    ]
    assert found["told"] == [*found["msg"].splitlines(), *found["tested"]]
    assert (found["passed"], found["failed"]) == (False, True)
    refused = shown(probed(traces={"sent": False, "arrived": False, "why": "answers 503: busy"}), send=True)
    assert "web1/agent: traces not taken: answers 503: busy" in refused["msg"]


SERVICE = {"unit": "shop.service", "load": "loaded", "runs": True, "is_there": True, "has": False, "waits": False}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"has": True}, "runs with its environment"),
        ({"waits": True}, "waits for a restart to get its environment: `systemctl restart shop.service`"),
        ({"runs": False}, "does not run, and gets its environment when it starts"),
        ({"is_there": False}, "has another drop-in than the inventory says: run the role"),
        ({"load": "not-found"}, "is not there"),
        ({}, "runs, and its process does not show its environment"),
    ],
)
def test_a_test_says_how_each_service_stands_that_sends(change: dict[str, Any], words: str) -> None:
    answer = {**probed(traces={}), "services": [{**SERVICE, **change}]}
    found = shown(answer, send=True, fail_on="error")
    assert (found["failed"], found["tested"][1:]) == (False, [f"web1/agent: shop.service {words}"])
    assert found["told"] == found["tested"] != shown(answer)["tested"] == []


def test_nothing_that_arrived_is_told_once() -> None:
    told = shown(probed(traces={"arrived": False}), send=True, fail_on="error")["told"]
    assert [line for line in told if "nothing arrived" in line] == []
    assert shown(probed(traces={}), send=True)["told"] == shown(probed(traces={}), send=True)["tested"]


def test_a_collector_that_the_inventory_does_not_list_is_named_with_its_removal() -> None:
    visit = HostVisit("web 1", (NOW - 1, NOW + 1), False, "never")
    found = diagnose_host({**answered({}), "unlisted": ["old"]}, {"agent": CONFIG}, visit)
    assert found["unlisted"] == ["old"]
    assert found["report"].splitlines()[-1] == (
        "collector old of web 1 was made by this collection, and the inventory does not list it. Remove it: "
        "`ansible-playbook o11y.opentelemetry.remove -i INVENTORY --limit 'web 1' "
        """-e '{"otel_host_collectors": [{"name": "old"}]}'`"""
    )


def test_a_release_that_differs_fails_a_test_and_says_nothing_of_test_data() -> None:
    found = shown({**probed(traces={}), "release": {"differs": ["unit"]}}, send=True, fail_on="error")
    assert found["failed"]
    assert "Not all test data arrived." not in found["msg"]
    assert "unit differs" in found["msg"]
    assert not shown({"release": {"differs": ["unit"]}}, fail_on="error")["failed"]


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("receivers", "otlp", "protocols", "http"), None, "it has no OTLP receiver over HTTP"),
        (
            ("receivers", "otlp", "protocols", "http"),
            {"tls": {"client_ca_file": "/ca"}},
            "requires a client's certificate",
        ),
        (("receivers", "otlp", "protocols", "http"), {"auth": {"authenticator": "basicauth"}}, "requires a login"),
        (("service", "telemetry"), {"metrics": {"level": "none"}}, "it does not serve its own metrics"),
    ],
)
def test_what_cannot_be_tested_says_why(path: tuple[str, ...], value: Any, reason: str) -> None:
    config = deepcopy(CONFIG)
    inner = value_at(config, path[:-1])
    inner.pop(path[-1], None)
    if value is not None:
        inner[path[-1]] = value
    visit = HostVisit("web1", (NOW, NOW), True, "error")
    found = diagnose_host(answered({}), {"agent": config}, visit)
    assert reason in found["tested"][0]
    assert list_questions({"agent": config})[0]["url"] == ""


def test_the_host_is_asked_about_what_the_config_names() -> None:
    (asked,) = list_questions({"agent": CONFIG})
    assert (asked["url"], asked["signals"], asked["journals"]) == ("http://127.0.0.1:4318", ["traces"], ["journald"])
    assert asked["files"] == [{"about": "receivers/file_log/files", "pattern": "/var/log/app/*.log"}]
    assert asked["certificates"] == [{"about": "exporters/otlp_grpc/gateway", "path": "/etc/ca.pem"}]
    assert asked["peers"] == [{"about": "exporters/otlp_grpc/gateway", "host": "gateway.example.com", "port": 4317}]
