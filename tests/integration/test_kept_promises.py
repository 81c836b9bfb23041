# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recipes promise of accepted data, with a real Collector whose backend is down and which is killed."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.cluster import wait_until
from tests.support.servers import serve_answers

from .test_batches import CLIENTS, PATIENCE, REQUESTS, SPANS, UNAVAILABLE, Sent, running
from .test_real_collector import program, target  # noqa: F401 - fixtures

ALL = REQUESTS * SPANS
PLAIN = {"encoding": "json", "compression": "none"}


def written(folder: Path, mode: str, recipes: list[Any], exporters: list[str], **queue: Any) -> tuple[Path, int]:
    """Write the config that recipes make, with ends and folders of this machine; return its file and its port."""
    item = {"name": "one", "mode": mode, "recipes": ["otlp_ingest", *recipes], "allow": ["root"]}
    plain = {**PLAIN, "sending_queue": queue, "retry_on_failure": {"initial_interval": "1s"}} if queue else PLAIN
    item["config"] = {"exporters": dict.fromkeys(exporters, plain), "extensions": {"health_check": None}}
    (planned,) = _render.judge_request(_render.RenderRequest([item], {"namespace": "telemetry"}))
    text = json.dumps(planned.composed_config.config)
    config = json.loads(re.sub("/var/lib/otelcol/(queue|pod_logs)", str(folder), text))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    config["receivers"]["otlp"]["protocols"] = {"http": {"endpoint": f"127.0.0.1:{port}"}}
    config["service"]["extensions"].remove("health_check")
    config["service"]["telemetry"] = {"metrics": {"level": "none"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder / "config.yaml", port


def send(load: Sent, port: int) -> None:
    """Send the requests of all clients."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda first: load.send(port, first), range(CLIENTS)))


def lost(load: Sent) -> int:
    """Return how many accepted spans never reach the backend: none as soon as all have, else those of a while."""
    end = time.monotonic() + PATIENCE / 3
    while load.accepted - load.stored and time.monotonic() < end:
        time.sleep(0.05)
    return len(load.accepted - load.stored)


@contextmanager
def killed(*arguments: Any) -> Any:
    """Run a Collector until the end of the block, then kill it."""
    with running(*arguments) as one:
        yield
        one.kill()


@pytest.mark.parametrize(("kept", "expected"), [([{"durable": {}}], 0), ([], ALL)], ids=["durable", "in memory"])
def test_a_killed_collector_loses_what_is_not_on_a_disk(
    program: Path,  # noqa: F811
    tmp_path: Path,
    kept: list[Any],
    expected: int,
) -> None:
    load = Sent()
    load.down.set()
    with serve_answers(load.answer) as backend:
        forward = {"otlp_forward": {"endpoint": backend, "protocol": "http"}}
        file, port = written(tmp_path, "statefulset", [*kept, forward], ["otlp_http/gateway"])
        with killed(program, file, port):
            send(load, port)
            assert (len(load.accepted), len(load.stored)) == (ALL, 0)
        load.down.clear()
        with running(program, file, port):
            assert lost(load) == expected


@pytest.mark.parametrize(
    ("waits", "expected", "answers"),
    [([{"backpressure": {"answer_within": "1s"}}], 0, {UNAVAILABLE}), ([], ALL, set())],
    ids=["backpressure", "without it"],
)
def test_a_killed_collector_loses_nothing_that_clients_were_told_is_accepted(
    program: Path,  # noqa: F811
    tmp_path: Path,
    waits: list[Any],
    expected: int,
    answers: set[int],
) -> None:
    load = Sent()
    load.down.set()
    with serve_answers(load.answer) as backend:
        forward = {"otlp_forward": {"endpoint": backend, "protocol": "http"}}
        recipes = [{"baseline": {"batch_timeout": "100ms"}}, *waits, forward]
        file, port = written(tmp_path, "deployment", recipes, ["otlp_http/gateway"])
        with killed(program, file, port):
            send(load, port)
        load.down.clear()
        assert load.refusals == answers
        assert lost(load) == expected


def span(port: int, tenant: str, number: int, text: str = "") -> None:
    """Send a span of a tenant."""
    resource = {"attributes": [{"key": "k8s.namespace.name", "value": {"stringValue": tenant}}]}
    spans = [{"traceId": f"{number + 1:032x}", "spanId": f"{number + 1:016x}", "name": tenant + text}]
    body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE):
        pass


def test_a_destination_that_is_down_holds_up_no_other(program: Path, tmp_path: Path) -> None:  # noqa: F811
    loads = {"a": Sent(), "b": Sent()}
    loads["b"].down.set()
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serve_answers(load.answer)) for name, load in loads.items()}
        destinations = [{"name": name, "tenants": [name], "endpoint": urls[name], "protocol": "http"} for name in loads]
        routing = {"tenant_routing": {"destinations": destinations, "default": "drop"}}
        file, port = written(tmp_path, "deployment", [routing], ["otlp_http/a", "otlp_http/b"])
        stack.enter_context(running(program, file, port))
        for number in range(200):
            span(port, "ab"[number % 2], number)

        def arrived(name: str, rest: int) -> Callable[[], bool]:
            return lambda: loads[name].stored == {f"{number + 1:016x}" for number in range(200) if number % 2 == rest}

        wait_until("all of tenant a", arrived("a", 0), PATIENCE)
        assert loads["b"].stored == set()
        loads["b"].down.clear()
        wait_until("all of tenant b", arrived("b", 1), PATIENCE)


def test_a_destination_that_is_down_fills_its_own_queue_and_not_the_memory(program: Path, tmp_path: Path) -> None:  # noqa: F811
    load = Sent()
    with serve_answers(load.answer) as up:
        ends = {"a": up, "b": "http://127.0.0.1:9"}
        destinations = [{"name": name, "tenants": [name], "endpoint": ends[name], "protocol": "http"} for name in ends]
        routing = {"tenant_routing": {"destinations": destinations, "default": "drop", "queue_mib": 4}}
        recipes = [{"baseline": {"batch_timeout": "100ms"}}, routing]
        file, port = written(tmp_path, "deployment", recipes, ["otlp_http/a", "otlp_http/b"])
        with running(program, file, port):
            with pytest.raises(HTTPError, match=str(UNAVAILABLE)):
                for number in range(60):
                    span(port, "b", number, "x" * 100_000)
            span(port, "a", 60)
            wait_until("what the other destination gets", lambda: load.stored == {f"{61:016x}"}, PATIENCE)


LINES, CONSUMERS = 5000, 10  # requests of an exporter that are under way at once, by default


def test_lines_wait_in_their_files_while_a_backend_is_down(program: Path, tmp_path: Path) -> None:  # noqa: F811
    """The queue has room for a tenth of the lines."""
    asked: list[int] = []
    found: list[str] = []
    up = threading.Event()

    def answer(_handler: BaseHTTPRequestHandler, body: bytes) -> RawAnswer:
        asked.append(len(body))
        if not up.is_set():
            return RawAnswer(UNAVAILABLE, {}, b"")
        for resource in json.loads(body)["resourceLogs"]:
            found.extend(one["body"]["stringValue"] for scope in resource["scopeLogs"] for one in scope["logRecords"])
        return RawAnswer(200, {"Content-Type": "application/json"}, b"{}")

    log = tmp_path / "shop_cart-1_6f0c" / "app" / "0.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"2026-01-01T00:00:00Z stdout F {number}\n" for number in range(LINES)), encoding="utf-8")
    with serve_answers(answer) as backend:
        read = {"pod_logs": {"include": [str(log)], "start_at": "beginning"}}
        forward = {"otlp_forward": {"endpoint": backend, "protocol": "http"}}
        recipes = [{"baseline": {"batch_timeout": "100ms", "batch_size": 100}}, read, forward]
        room = {"sizer": "items", "queue_size": LINES // 10}
        file, port = written(tmp_path, "daemonset", recipes, ["otlp_http/gateway"], **room)
        with running(program, file, port):
            wait_until("a request that is repeated", lambda: len(asked) > CONSUMERS, PATIENCE)
            up.set()
            wait_until("all lines", lambda: len(found) >= LINES, PATIENCE)
    assert sorted(found, key=int) == [str(number) for number in range(LINES)]
