# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector that hashes what it writes to a file, as docs/capture.md has it, sends what it sent before."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.live.capture_task import (
    ARGUMENTS,
    capture_all,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer

from tests.support.cluster import PROJECT
from tests.support.rulebook import wait_until
from tests.support.servers import serve_answers

from .test_batches import running
from .test_monitoring import free
from .test_real_collector import program  # noqa: F401 - a fixture

SIGNALS = ("traces", "metrics", "logs")
SAMPLE = "file/sample"
KEY = "a key of one capture, which nobody keeps"
WRITTEN_WITHIN_SECONDS = 30
_PLANTED = re.compile(r"planted-[a-z]+|424242|434343")
# What the page says of it: it stays as clients send it.
STAYS = {
    *("planted-eventname", "planted-scope", "planted-version", "planted-metric", "planted-description", "planted-unit"),
    *("planted-level", "planted-link", "planted-exemplar"),
}


def attribute(value: str) -> dict[str, Any]:
    return {"key": f"about.{value}", "value": {"stringValue": f"planted-{value}"}}


def within(tag: str, *values: Any) -> dict[str, Any]:
    return {"key": tag, "value": {tag: {"values": list(values)}}}


RESOURCE = {"attributes": [attribute("resource")]}
SCOPE = {"name": "planted-scope", "version": "planted-version", "attributes": [attribute("scopeattribute")]}
SPAN = {
    "traceId": f"{1:032x}",
    "spanId": f"{1:016x}",
    "traceState": "vendor=planted-state",
    "name": "GET /planted-name",
    "attributes": [
        attribute("span"),
        {"key": "user.id", "value": {"intValue": "424242"}},
        {"key": "http.request.method", "value": {"stringValue": "GET"}},
        {"key": "text", "value": {"stringValue": "planted-line\nplanted-second"}},
        within("kvlistValue", attribute("map")),
        within("arrayValue", {"stringValue": "planted-list"}),
    ],
    "status": {"code": 2, "message": "planted-message"},
    "events": [{"name": "planted-eventname", "attributes": [attribute("event")]}],
    "links": [{"traceId": f"{2:032x}", "spanId": f"{2:016x}", "attributes": [attribute("link")]}],
}
LOGS = [
    {
        "body": {"stringValue": "order of planted-body"},
        "severityText": "planted-level",
        "attributes": [attribute("log")],
    },
    {"body": {"kvlistValue": {"values": [attribute("field"), {"key": "id", "value": {"intValue": "434343"}}]}}},
]
POINT = {
    "attributes": [attribute("point")],
    "asInt": "5",
    "timeUnixNano": "1700000000000000000",
    "exemplars": [{"filteredAttributes": [attribute("exemplar")], "asInt": "1", "timeUnixNano": "1700000000000000000"}],
}
METRIC = {
    "name": "planted-metric",
    "description": "planted-description",
    "unit": "planted-unit",
    "gauge": {"dataPoints": [POINT]},
}
REQUESTS = {
    "traces": {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"scope": SCOPE, "spans": [SPAN, SPAN]}]}]},
    "metrics": {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"scope": SCOPE, "metrics": [METRIC]}]}]},
    "logs": {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"scope": SCOPE, "logRecords": LOGS}]}]},
}


@dataclass(frozen=True)
class Hashed:
    """What the backend got, and the file with what was written."""

    sent: str
    file: Path


def config_of_page() -> dict[str, Any]:
    """Return what the page adds to the config of a collector, to hash what goes to the file."""
    page = (PROJECT / "docs/capture.md").read_text(encoding="utf-8")
    (block,) = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "redaction/sample:" in text]
    found: dict[str, Any] = yaml.safe_load(block)["config"]
    return found


def config(port: int, backend: str, file: Path) -> dict[str, Any]:
    page = config_of_page()
    of_traces = page["service"]["pipelines"]["traces/sample"]["processors"]
    pipelines: dict[str, Any] = {}
    for signal in SIGNALS:
        processors = of_traces if signal == "traces" else ["redaction/sample", "batch/sample"]
        pipelines[signal] = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
        pipelines[f"{signal}/sample"] = {"receivers": ["otlp"], "processors": processors, "exporters": [SAMPLE]}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": {**page["processors"], "batch/sample": {}},
        "exporters": {
            "otlp_http": {"endpoint": backend, "encoding": "json", "compression": "none"},
            SAMPLE: {"path": str(file)},
        },
        "service": {"telemetry": {"metrics": {"level": "none"}}, "pipelines": pipelines},
    }


@pytest.fixture(scope="module", name="hashed")
def _hashed(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Hashed:  # noqa: F811
    folder = tmp_path_factory.mktemp("hashed")
    file, bodies = folder / "sample.jsonl", list[bytes]()
    (port,) = free("127.0.0.1", ("one",)).values()

    def answer(_handler: BaseHTTPRequestHandler, body: bytes) -> RawAnswer:
        bodies.append(body)
        return RawAnswer(200, {"Content-Type": "application/json"}, b"{}")

    with serve_answers(answer) as backend:
        settings = folder / "config.yaml"
        settings.write_text(yaml.safe_dump(config(port, backend, file)), encoding="utf-8")
        with running(program, settings, port, SAMPLE_KEY=KEY):
            for signal, request in REQUESTS.items():
                post(port, signal, request)
            wait_until(lambda: file.read_bytes().count(b"\n") == len(SIGNALS), file.read_text, WRITTEN_WITHIN_SECONDS)
    return Hashed(b"".join(bodies).decode(), file)


def post(port: int, signal: str, request: dict[str, Any]) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", f"/v1/{signal}", json.dumps(request), {"Content-Type": "application/json"})
    with connection.getresponse() as response:
        assert response.status == 200, response.read()
    connection.close()


def test_the_backend_gets_all_as_before(hashed: Hashed) -> None:
    assert set(_PLANTED.findall(hashed.sent)) == set(_PLANTED.findall(json.dumps(REQUESTS)))


def test_the_file_has_nothing_but_what_the_page_names(hashed: Hashed) -> None:
    written = hashed.file.read_text(encoding="utf-8")
    assert set(_PLANTED.findall(written)) == STAYS
    assert '"key":"http.request.method","value":{"stringValue":"GET"}' in written
    assert KEY not in written


def test_equal_values_stay_equal_and_others_apart(hashed: Hashed) -> None:
    written = hashed.file.read_text(encoding="utf-8")
    hashes = re.findall(r'"about\.(\w+)","value":\{"stringValue":"([0-9a-f]{64})"', written)
    of_resources = [value for name, value in hashes if name == "resource"]
    assert len(of_resources) == len(SIGNALS) and len(set(of_resources)) == 1
    assert len({value for _name, value in hashes}) == len({name for name, _value in hashes})
    names = re.findall(r'"name":"([0-9a-f]{64})"', written)
    assert len(names) == 2 and len(set(names)) == 1


def test_a_capture_reads_the_file(hashed: Hashed, tmp_path: Path) -> None:
    options = {name: given.get("default") for name, given in ARGUMENTS.items()}
    given = {"files": [str(hashed.file)], "path": str(tmp_path), "files_of": "agent"}
    (capture,) = capture_all({**options, **given}, pytest.fail, check=False)["captures"]
    assert {signal: row["records"] for signal, row in capture["signals"].items()} == {
        "logs": 2, "metrics": 1, "traces": 2,
    }  # fmt: skip
    assert b"planted-log" not in gzip.decompress((tmp_path / "agent" / "logs.jsonl.gz").read_bytes())
