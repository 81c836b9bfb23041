# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector that writes a bounded file beside what it sends, as docs/capture.md has it, serves as one without.

Three real Collectors get the same requests at the same time: one without a file, one with the file of the page, and one
whose disk is full. Each span has a number of its own, and the backend counts numbers.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.live.capture_task import (
    ARGUMENTS,
    capture_all,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer

from tests.support.change_cases import apply_merge_patch
from tests.support.cluster import PROJECT
from tests.support.servers import serve_answers

from .test_batches import running
from .test_monitoring import free
from .test_real_collector import program  # noqa: F401 - a fixture

PLAIN, SAMPLED, FULL = "plain", "sampled", "full"
KINDS = (PLAIN, SAMPLED, FULL)
CLIENTS, ROUNDS, ROUND_SECONDS = 4, 6, 1.0
REQUESTS, SPANS = 25, 10
"""Of a client in a round, and in a request: 1,000 spans a second, as a busy host has them."""
ATTRIBUTES = [{"key": f"attribute.{number}", "value": {"stringValue": f"value of {number}"}} for number in range(12)]
MOST_CPU = 0.05
"""Of a core."""
MIB = 1 << 20
_NUMBER = re.compile(rb'"spanId":"(\w{16})"')
_FULL_DISK = "/dev/full"


@dataclass
class Served:
    """What the Collectors did: answers, waits in seconds by round, spans that arrived, and seconds of CPU."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    waits: dict[str, list[list[float]]] = field(default_factory=lambda: defaultdict(list))
    arrived: dict[str, Counter[bytes]] = field(default_factory=lambda: defaultdict(Counter))
    cpu_seconds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> RawAnswer:
        """Answer as the backend. The path begins with the name of the Collector."""
        self.arrived[handler.path.split("/")[1]].update(_NUMBER.findall(body))
        return RawAnswer(200, {"Content-Type": "application/json"}, b"{}")

    def slowest(self, kind: str) -> list[float]:
        """Return the 99th percentile of the waits of each round."""
        return [quantiles(waits, n=100)[98] for waits in self.waits[kind]]


def config_of_page() -> dict[str, Any]:
    """Return what the page adds to the config of a collector."""
    section = (
        (PROJECT / "docs/capture.md").read_text(encoding="utf-8").partition("\n## Files of agents and Linux hosts\n")[2]
    )
    (block, *_others) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(block)["config"]
    return found


def config(kind: str, port: int, backend: str, sample: Path) -> dict[str, Any]:
    exporter = {"endpoint": f"{backend}/{kind}", "encoding": "json", "compression": "none"}
    own = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"otlp_http": {**exporter, "sending_queue": {"batch": {"flush_timeout": "200ms"}}}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}},
        },
    }
    if kind == PLAIN:
        return own
    # Of 1 MiB, so that it is rotated while the test runs.
    place = {"path": str(sample) if kind == SAMPLED else _FULL_DISK, "rotation": {"max_megabytes": 1}}
    found: dict[str, Any] = apply_merge_patch(
        apply_merge_patch(own, config_of_page()), {"exporters": {"file/sample": place}}
    )
    return found


def number_of(client: int, turn: int, request: int, span: int) -> int:
    """Return the number of a span, which grows with each span of a client."""
    return (((client + 1) * ROUNDS + turn) * REQUESTS + request) * SPANS + span


def body(client: int, turn: int, request: int) -> bytes:
    numbers = [number_of(client, turn, request, span) for span in range(SPANS)]
    about = {"name": "GET /orders", "attributes": ATTRIBUTES}
    spans = [{"traceId": f"{number:032x}", "spanId": f"{number:016x}", **about} for number in numbers]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def send_round(client: int, turn: int, ports: dict[str, int], served: Served) -> dict[str, list[float]]:
    """Send each request of a round to all Collectors, each time another one first. Return the waits."""
    connections = {kind: HTTPConnection("127.0.0.1", port, timeout=30) for kind, port in ports.items()}
    waits: dict[str, list[float]] = defaultdict(list)
    begun = time.monotonic()
    for request in range(REQUESTS):
        first = request % len(KINDS)
        for kind in (*KINDS[first:], *KINDS[:first]):
            asked = time.monotonic()
            headers = {"Content-Type": "application/json"}
            connections[kind].request("POST", "/v1/traces", body(client, turn, request), headers)
            with connections[kind].getresponse() as response:
                response.read()
            waits[kind].append(time.monotonic() - asked)
            served.answers[kind, response.status] += 1
        due = begun + (request + 1) * ROUND_SECONDS / REQUESTS
        time.sleep(max(0.0, due - time.monotonic()))  # the pace of the clients
    for connection in connections.values():
        connection.close()
    return waits


def send_all(ports: dict[str, int], served: Served) -> None:
    for turn in range(ROUNDS):
        with ThreadPoolExecutor(CLIENTS) as pool:
            rounds = list(pool.map(lambda client, turn=turn: send_round(client, turn, ports, served), range(CLIENTS)))
        for kind in KINDS:
            served.waits[kind].append([wait for waits in rounds for wait in waits[kind]])


def cpu_seconds(pid: int) -> float:
    """Return the seconds that a process has computed. Source: proc_pid_stat(5), the fields utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sample")


@pytest.fixture(scope="module", name="served")
def _served(program: Path, folder: Path) -> Iterator[Served]:  # noqa: F811
    served = Served()
    ports = free("127.0.0.1", KINDS)
    with serve_answers(served.answer) as backend, ExitStack() as stack:
        pids = {}
        for kind in KINDS:
            file = folder / f"{kind}.yaml"
            file.write_text(yaml.safe_dump(config(kind, ports[kind], backend, folder / "sample.jsonl")))
            pids[kind] = stack.enter_context(running(program, file, ports[kind], GOGC="100")).pid
        before, begun = {kind: cpu_seconds(pid) for kind, pid in pids.items()}, time.monotonic()
        send_all(ports, served)
        served.seconds = time.monotonic() - begun
        served.cpu_seconds.update({kind: cpu_seconds(pid) - before[kind] for kind, pid in pids.items()})
        stack.close()  # each Collector sends what it holds while the backend still answers
        yield served


@pytest.mark.parametrize("kind", [SAMPLED, FULL])
def test_no_request_fails_and_no_record_is_lost_or_doubled(served: Served, kind: str) -> None:
    assert {one: times for one, times in served.answers.items() if one[0] == kind} == {
        (kind, 200): CLIENTS * ROUNDS * REQUESTS
    }
    assert len(served.arrived[kind]) == CLIENTS * ROUNDS * REQUESTS * SPANS
    assert set(served.arrived[kind].values()) == {1}
    assert served.arrived[kind] == served.arrived[PLAIN]


@pytest.mark.parametrize("kind", [SAMPLED, FULL])
def test_requests_wait_no_longer_than_without_a_file(served: Served, kind: str) -> None:
    """The noise is what the rounds of the Collector without a file differ by."""
    assert median(served.slowest(kind)) <= max(served.slowest(PLAIN))


def test_the_file_takes_a_twentieth_of_a_core_at_most(served: Served) -> None:
    more = served.cpu_seconds[SAMPLED] - served.cpu_seconds[PLAIN]
    assert more / served.seconds <= MOST_CPU


def test_the_files_are_bounded_and_a_capture_has_each_record_of_them_once(served: Served, folder: Path) -> None:
    assert served.seconds
    files = sorted(folder.glob("sample*.jsonl"), key=lambda file: file.stat().st_mtime)
    # The Collector removes older files a moment after it begins a new one, or did not come to it before its end.
    assert len(files) in (2, 3) and sum(file.stat().st_size for file in files) <= len(files) * MIB
    written = Counter(_NUMBER.findall(b"".join(file.read_bytes() for file in files)))
    assert set(written.values()) == {1}
    assert len(written) >= REQUESTS * SPANS
    numbers = {int(number, 16) for number in written}
    for client in range(CLIENTS):
        first, last = number_of(client, 0, 0, 0), number_of(client, ROUNDS - 1, REQUESTS - 1, SPANS - 1)
        found = numbers & set(range(first, last + 1))
        assert found == set(range(last + 1 - len(found), last + 1)), "the newest records, and none between is missing"
    options = {name: given.get("default") for name, given in ARGUMENTS.items()}
    given = {"files": [str(file) for file in files], "path": str(folder / "captures"), "files_of": "agent"}
    (capture,) = capture_all({**options, **given}, pytest.fail, check=False)["captures"]
    assert capture["records"] == len(written)
