# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of other projects send to a real Collector with the config of a recipe, and what they sent arrives."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from fluent.sender import FluentSender

from tests.support.prometheus import wait_until
from tests.support.servers import serve_answers

from .test_batches import running
from .test_real_collector import program  # noqa: F401 - a fixture

HOST = "127.0.0.1"
SECONDS = 15.0
PORT = re.compile(r"(\$\{env:MY_POD_IP\}\]?:|port: )(\d+)\b")
HEALTH, SYSLOG, FLUENT = 13133, 5140, 8006
OUT = {"encoding": "json", "compression": "none", "sending_queue": {"enabled": False}}
TEXT = "disk sda1 is nearly full"


@dataclass
class Arrived:
    """The records that a Collector sent on, and where it listens instead of at the ports of its config."""

    ports: dict[int, int] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, _handler: BaseHTTPRequestHandler, body: bytes) -> RawAnswer:
        """Answer as the backend."""
        for item in json.loads(body)["resourceLogs"]:
            for scope in item["scopeLogs"]:
                self.records += [plain(record) for record in scope["logRecords"]]
        return RawAnswer(200, {"Content-Type": "application/json"}, b"{}")

    def is_ready(self) -> bool:
        """Whether all pipelines have started."""
        with suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{self.ports[HEALTH]}", timeout=5) as response:
            return bool(response.status == 200)
        return False

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return the records of an application or a tag as soon as there are some, or none when the time is over."""
        return list(wait_until(lambda: [one for one in self.records if name in one["attributes"].values()], SECONDS))


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without the types of its values."""
    attributes = {one["key"]: value(one["value"]) for one in record["attributes"]}
    return {**record, "attributes": attributes, "body": value(record["body"])}


def value(typed: dict[str, Any]) -> Any:
    ((kind, content),) = typed.items()
    if kind == "kvlistValue":
        return {one["key"]: value(one["value"]) for one in content["values"]}
    return int(content) if kind == "intValue" else content


def free() -> int:
    """Return a port that is free for TCP and for UDP."""
    while True:
        with socket.create_server((HOST, 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, suppress(OSError):
            udp.bind(tcp.getsockname())
            return int(tcp.getsockname()[1])


@contextmanager
def receiving(program: Path, folder: Path, recipe: str, **options: Any) -> Iterator[Arrived]:  # noqa: F811
    """Run a Collector with a recipe; other programs may listen on its ports, so that it gets free ones."""
    arrived = Arrived()
    with serve_answers(arrived.answer) as backend:
        config = {
            "exporters": {"otlp_http": {"endpoint": backend, **OUT}},
            "service": {"pipelines": {"logs": {"exporters": ["otlp_http"]}}},
        }
        item = {"name": "one", "namespace": "a", "recipes": [{recipe: options}], "config": config}
        (planned,) = _render.judge_request(_render.RenderRequest([item], {}))
        text = yaml.safe_dump(planned.composed_config.config, sort_keys=False)
        arrived.ports = {int(number): free() for number in {match[2] for match in PORT.finditer(text)}}
        file = folder / "config.yaml"
        file.write_text(PORT.sub(lambda match: f"{match[1]}{arrived.ports[int(match[2])]}", text), encoding="utf-8")
        with running(program, file, arrived.ports[HEALTH]):
            assert wait_until(arrived.is_ready, SECONDS), file.with_suffix(".log").read_text(encoding="utf-8")
            yield arrived


@pytest.fixture(autouse=True)
def _address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_POD_IP", HOST)


@pytest.fixture
def logger() -> str:
    """The program `logger` of util-linux."""
    found = shutil.which("logger")
    about = subprocess.run([found, "--version"], capture_output=True, text=True, check=False) if found else None
    if not found or not about or "util-linux" not in about.stdout:
        pytest.skip("no `logger` of util-linux on PATH, which sends syslog")
    return found


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_messages_of_rfc5424_arrive(program: Path, tmp_path: Path, logger: str, transport: str) -> None:  # noqa: F811
    with receiving(program, tmp_path, "syslog_ingest") as arrived:
        port = str(arrived.ports[SYSLOG])
        argv = [logger, f"--{transport}", "--server", HOST, "--port", port, "--rfc5424=notq", "--tag", "backup"]
        argv += ["--priority", "local0.warning", "--msgid", "DISK", "--sd-id", "x@1", "--sd-param", 'disk="sda1"', TEXT]
        subprocess.run(argv, check=True, timeout=SECONDS)
        (record,) = arrived.of("backup")
    assert record["body"].endswith(TEXT) and record["severityText"] == "warning"
    attributes = record["attributes"]
    assert attributes["hostname"] and attributes["message"] == TEXT and attributes["msg_id"] == "DISK"
    assert attributes["facility_text"] == "local0" and attributes["structured_data"] == {"x@1": {"disk": "sda1"}}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_messages_of_rfc3164_arrive(program: Path, tmp_path: Path, logger: str, transport: str) -> None:  # noqa: F811
    with receiving(program, tmp_path, "syslog_ingest", format="rfc3164") as arrived:
        argv = [logger, f"--{transport}", "--server", HOST, "--port", str(arrived.ports[SYSLOG]), "--rfc3164"]
        subprocess.run([*argv, "--tag", "backup", "--priority", "mail.err", TEXT], check=True, timeout=SECONDS)
        (record,) = arrived.of("backup")
    assert record["severityText"] == "err" and record["attributes"]["hostname"]
    assert record["attributes"]["message"] == TEXT and record["attributes"]["facility_text"] == "mail"


def test_events_of_fluentd_arrive(program: Path, tmp_path: Path) -> None:  # noqa: F811
    with receiving(program, tmp_path, "fluent_ingest") as arrived:
        client = FluentSender("shop", host=HOST, port=arrived.ports[FLUENT], nanosecond_precision=True)
        assert client.emit("cart", {"message": TEXT, "user": "u-1", "items": 3}), client.last_error
        client.close()
        (record,) = arrived.of("shop.cart")
    assert record["body"] == TEXT and int(record["timeUnixNano"]) > 0
    assert record["attributes"] == {"fluent.tag": "shop.cart", "user": "u-1", "items": 3}
