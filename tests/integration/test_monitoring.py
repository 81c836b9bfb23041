# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Collectors with faults, and a real Prometheus with the rules that the collection renders for them.

Each collector has an address of the loopback for itself, and ports that are free there. The rules are those of a
cluster, but for their times: each minute is a second. Each fault raises its alert, and no other; a collector without a
fault raises none.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.collectors import find_build_of_version
from tests.support.prometheus import Prometheus, newest_programs, run_prometheus, wait_until
from tests.support.servers import serve_http

from .test_real_collector import program, target  # noqa: F401 - fixtures

# As long as a busy machine needs: no wait lasts longer than its condition.
SECONDS = 180.0
QUIET = 12.0
STALLED = "OtelCollectorExportStalled"
# A machine with other work holds a slow backend up for longer than the rule allows: two scrapes without a delivery,
# less what lies between an answer and the count of it.
STALL = 1.5
NAMESPACE = "telemetry"
# The ports of a config, and where they stand.
PORTS = ("4317", "4318", "8888", "13133")
PORT = re.compile(rf"(\$\{{env:MY_POD_IP\}}\]?:|port: )({'|'.join(PORTS)})\b")
_MINUTES = re.compile(r"(?<![\w.])(\d+)([mh])\b")
EXPORTER: dict[str, Any] = {
    "compression": "none",
    "retry_on_failure": {"initial_interval": "500ms", "max_interval": "500ms"},
    "sending_queue": {"queue_size": 100000},
}
OWN = {"resource": {"attributes": [{"key": "a", "action": "upsert", "value": "b"}]}}
BROKEN = {"transform": {"error_mode": "propagate", "trace_statements": ['set(span.name, ParseJSON("{"))']}}
LIMITED = {"memory_limiter": {"limit_mib": 4, "spike_limit_mib": 1}}
TAIL = {
    "tail_sampling": {"num_traces": 5, "decision_wait": "30s", "policies": [{"name": "all", "type": "always_sample"}]}
}
SUFFIXED = {"host": "${env:MY_POD_IP}", "port": 8888, "without_units": False, "without_type_suffix": False}
RENAMED = [{"pull": {"exporter": {"prometheus": SUFFIXED}}}]
QUEUE = {"num_consumers": 1, "sizer": "items"}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a collector, and the alert that says so."""

    name: str
    alert: str
    exporter: dict[str, Any] = field(default_factory=dict)
    processors: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    answers_after: float = 0.0
    rate: float = 10.0
    most: int = 1_000_000
    spans: int = 1
    mode: str = "deployment"
    options: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    then: str = ""
    """What happens to the first pod of the collector after a quiet period: it is killed, restarted, taken away,
    or its client begins."""
    pods: int = 1
    readers: list[Any] = field(default_factory=list)


FAULTS = (
    Fault("quiet", ""),
    Fault("renamed", "", readers=RENAMED),
    Fault("down", "OtelCollectorDown", then="kill"),
    Fault("absent", "OtelCollectorAbsent", then="forget"),
    Fault("silent", "OtelCollectorNodeSilent", mode="daemonset", pods=2, then="forget"),
    Fault("restarted", "OtelCollectorRestarted", then="restart"),
    Fault("memory", "OtelCollectorMemoryHigh", options={"memory_limit": "64Mi"}),
    Fault("limited", "OtelCollectorMemoryLimited", processors=LIMITED),
    Fault("unreachable", "OtelCollectorExportStalled", {"endpoint": "http://127.0.0.1:1"}),
    Fault("unavailable", "OtelCollectorExportStalled", status=503),
    Fault("token", "OtelCollectorExportFailed", status=401),
    Fault(
        "growing",
        "OtelCollectorQueueFillsSoon",
        {"sending_queue": {"queue_size": 2500, **QUEUE}},
        answers_after=0.5,
        spans=10,
    ),
    Fault(
        "full",
        "OtelCollectorQueueNearlyFull",
        {"sending_queue": {"queue_size": 1000, **QUEUE}},
        answers_after=0.4,
        rate=200,
        most=190,
        then="send",
        spans=5,
    ),
    Fault("overflow", "OtelCollectorQueueOverflow", {"sending_queue": {"queue_size": 4, **QUEUE}}, answers_after=0.4),
    Fault("sampled", "OtelCollectorDropped", processors=TAIL),
    Fault("broken", "OtelCollectorRefused", processors=BROKEN),
    Fault("outdated", "OtelCollectorConfigOutdated", labels={"config_hash": "0123456789"}),
)


def longest_gap(times: list[float]) -> float:
    """Return the longest time between two times that follow each other, in seconds."""
    return max((after - before for before, after in pairwise(times)), default=0.0)


class Backend:
    """Answers as the backend of each collector, which has a path of its own."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = {fault.name: fault for fault in faults}
        self.answered_at: dict[str, list[float]] = {fault.name: [] for fault in faults}

    def longest_pause(self, name: str) -> float:
        """Return the longest time without an answer to a collector since the first one, in seconds."""
        return longest_gap([*self.answered_at[name], time.monotonic()])

    def handler(self) -> type[BaseHTTPRequestHandler]:
        faults, answered_at = self.faults, self.answered_at

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
            fault = faults[handler.path.split("/")[1]]
            threading.Event().wait(fault.answers_after)
            answered_at[fault.name].append(time.monotonic())
            handler.send_response(fault.status)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        quiet = {"log_message": lambda *_args: None, "protocol_version": "HTTP/1.1"}
        return type("Handler", (BaseHTTPRequestHandler,), {"do_POST": answer, **quiet})


def rendered(fault: Fault, backend: str) -> list[dict[str, Any]]:
    """Return the objects of a collector with a fault."""
    exporter = {"endpoint": f"{backend}/{fault.name}", **EXPORTER, **fault.exporter}
    processors = {**OWN, **fault.processors}
    stages = ["memory_limiter", *(name for name in processors if name != "memory_limiter")]
    others = [name for name in stages if name != "tail_sampling"]  # which samples nothing but traces
    pipelines = {
        signal: {"processors": stages if signal == "traces" else others, "exporters": ["otlp_http"]}
        for signal in ("traces", "metrics", "logs")
    }
    config: dict[str, Any] = {
        "processors": processors,
        "exporters": {"otlp_http": exporter},
        "service": {"pipelines": pipelines},
    }
    if fault.readers:
        config["service"]["telemetry"] = {"metrics": {"readers": fault.readers}}
    watched = {"scrape": "pod_monitor", "alerts": "config_map", "dashboard": True, "full_within_minutes": 1}
    item = {"name": fault.name, "mode": fault.mode, "recipes": ["otlp_ingest"], "config": config}
    item |= {"monitoring": watched, **fault.options}
    made: list[dict[str, Any]] = _render.build_bundle(
        _render.judge_request(_render.RenderRequest([item], {"namespace": NAMESPACE}))
    )["manifests"]
    return made


def data(manifests: list[dict[str, Any]], end: str) -> str:
    """Return the one text in the ConfigMap whose name ends so."""
    (found,) = [
        one["data"] for one in manifests if one["kind"] == "ConfigMap" and one["metadata"]["name"].endswith(end)
    ]
    (text,) = found.values()
    return str(text)


def quickened(value: Any) -> Any:
    """Return rules in which each minute is a second."""
    if isinstance(value, dict):
        return {key: quickened(one) if key != "annotations" else one for key, one in value.items()}
    if isinstance(value, list):
        return [quickened(one) for one in value]
    return _MINUTES.sub(lambda match: f"{int(match[1]) * {'m': 1, 'h': 60}[match[2]]}s", str(value))


def config_of(manifests: list[dict[str, Any]]) -> str:
    """Return the config of a collector."""
    (text,) = [one["data"]["config"] for one in manifests if one["kind"] == "ConfigMap" and "config" in one["data"]]
    return str(text)


def free(address: str, ports: tuple[str, ...]) -> dict[str, int]:
    """Return a free port in place of each: others on this machine may listen on the usual ones of all addresses."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server((address, 0))) for _ in ports]
        return {port: one.getsockname()[1] for port, one in zip(ports, taken, strict=True)}


class Pod:
    """A Collector with an address of its own, and a client that sends to it."""

    def __init__(self, fault: Fault, name: str, address: str, config: Path, program: Path) -> None:  # noqa: F811
        """Start a Collector with a config whose ports are free on the address."""
        self.fault, self.name, self.address, self.program = fault, name, address, program
        self.ports = free(address, PORTS)
        self.file, number = config.with_name(f"{name}.yaml"), name.rpartition("-")[2]
        text = config.read_text(encoding="utf-8")
        self.file.write_text(PORT.sub(lambda match: f"{match[1]}{self.ports[match[2]]}", text), encoding="utf-8")
        self.labels = {
            **{"namespace": NAMESPACE, "pod": self.name, "node": f"node-{number}"},
            **{"o11y_opentelemetry_collector": fault.name, **fault.labels},
        }
        self.begun, self.over = threading.Event(), threading.Event()
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start its process."""
        environment = {**os.environ, "MY_POD_IP": self.address}
        with self.file.with_name(f"{self.name}.log").open("ab") as log:
            argv = [self.program, "--config", self.file]
            return subprocess.Popen(argv, stdout=log, stderr=log, env=environment)

    @property
    def target(self) -> dict[str, Any]:
        """What Prometheus scrapes."""
        return {"targets": [f"{self.address}:{self.ports['8888']}"], "labels": self.labels}

    def send(self) -> None:
        """Send until the end, or until there is enough."""
        connection = HTTPConnection(self.address, self.ports["4318"], timeout=5)
        number = 0
        while self.fault.then == "send" and not (self.begun.wait(0.1) or self.over.is_set()):
            pass
        while number < self.fault.most and not self.over.wait(1 / self.fault.rate):
            number += 1
            for path, body in requests(number, self.fault.spans, every_signal=not self.fault.alert):
                try:
                    connection.request("POST", path, body, {"Content-Type": "application/json"})
                    with connection.getresponse() as response:
                        response.read()
                except (OSError, HTTPException):  # it does not listen yet, or not any more
                    connection.close()
                    number -= 1

    def end(self) -> None:
        self.over.set()
        self.process.kill()
        self.process.wait()


def requests(number: int, spans: int, every_signal: bool) -> Iterator[tuple[str, str]]:
    """Yield a request with spans, and one with a data point and a log record."""
    span = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "a", "startTimeUnixNano": "1"}
    yield "/v1/traces", json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span] * spans}]}]})
    if every_signal:
        metric = {"name": "m", "gauge": {"dataPoints": [{"asInt": str(number), "timeUnixNano": str(time.time_ns())}]}}
        yield "/v1/metrics", json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})
        record = {"body": {"stringValue": "a"}}
        yield "/v1/logs", json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})


@dataclass
class Scene:
    """All collectors with their faults, and what watches them."""

    prometheus: Prometheus
    pods: list[Pod]
    objects: dict[str, list[dict[str, Any]]]
    backend: Backend
    forgotten: set[str] = field(default_factory=set)
    since: float = 0.0

    def aim(self) -> None:
        self.prometheus.set_targets([pod.target for pod in self.pods if pod.name not in self.forgotten])

    def happen(self) -> None:
        """Let happen what happens to the first pod of each collector."""
        for pod in self.pods:
            pod.begun.set()
            if pod.name.endswith("-0"):
                if pod.fault.then in ("kill", "restart"):
                    pod.process.kill()
                    pod.process.wait()
                if pod.fault.then == "restart":
                    pod.process = pod.start()
                if pod.fault.then == "forget":
                    self.forgotten.add(pod.name)
        self.aim()

    def alerts(self, state: str) -> dict[str, set[str]]:
        """Return the alerts that have been in a state since all collectors were scraped, by collector."""
        ask = {"start": str(self.since), "end": str(time.time()), "step": "1"}
        found: dict[str, set[str]] = {}
        for one in self.prometheus.ask_api("query_range", query=f'ALERTS{{alertstate="{state}"}}', **ask)["result"]:
            found.setdefault(one["metric"]["collector"], set()).add(one["metric"]["alertname"])
        return found

    def longest_pause_of_scrapes(self, name: str) -> float:
        """Return the longest time without a scrape of a collector that went well, in seconds."""
        (series,) = self.prometheus.query_series(f'up{{pod="{name}-0"}}[10m]')
        return longest_gap([float(at) for at, is_up in series["values"] if is_up == "1" and at > self.since])

    @property
    def firing(self) -> dict[str, set[str]]:
        return self.alerts("firing")


@pytest.fixture(scope="module")
def programs() -> Path:
    found = newest_programs()
    if found is None:
        pytest.skip("the testbed has built no Prometheus: run `python -m tests.testbed install prometheus`")
    return found


@contextmanager
def playing(folder: Path, program: Path, programs: Path) -> Iterator[Scene]:  # noqa: F811
    """Run a collector for each fault, its client and Prometheus."""
    with ExitStack() as stack:
        backend = Backend(FAULTS)
        url = stack.enter_context(serve_http(backend.handler()))
        objects = {fault.name: rendered(fault, url) for fault in FAULTS}
        rules = []
        for name, manifests in objects.items():
            rules.append(folder / f"{name}.rules.yml")
            rules[-1].write_text(json.dumps(quickened(json.loads(data(manifests, "-rules")))), encoding="utf-8")
        prometheus = stack.enter_context(run_prometheus(folder, programs, rules))
        pods = []
        for index, fault in enumerate(FAULTS):
            file = folder / f"{fault.name}.yaml"
            file.write_text(config_of(objects[fault.name]), encoding="utf-8")
            for number in range(fault.pods):
                address = f"127.0.{index + 1}.{number + 1}"
                pods.append(Pod(fault, f"{fault.name}-{number}", address, file, program))
                stack.callback(pods[-1].end)
        pool = stack.enter_context(ThreadPoolExecutor(len(pods)))
        for pod in pods:
            stack.callback(pod.over.set)
            pool.submit(pod.send)
        scene = Scene(prometheus, pods, objects, backend)
        scene.aim()
        yield scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, program: Path, programs: Path) -> Iterator[Scene]:  # noqa: F811
    """Let the faults happen once all are scraped."""
    with playing(tmp_path_factory.mktemp("monitoring"), program, programs) as found:
        assert wait_until(lambda: len(found.prometheus.query_series("up == 1")) == len(found.pods), SECONDS)
        assert wait_until(lambda: not found.prometheus.query_series('ALERTS{alertname="OtelCollectorAbsent"}'), SECONDS)
        found.since = time.time()
        time_of = f'otelcol_process_uptime{{pod="quiet-0"}} > {QUIET}'
        assert wait_until(lambda: found.prometheus.query_series(time_of), SECONDS)
        found.happen()
        yield found


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.alert], ids=lambda fault: fault.name)
def test_a_fault_raises_its_alert(scene: Scene, fault: Fault) -> None:
    wait_until(lambda: fault.alert in scene.firing.get(fault.name, ()), SECONDS)
    firing = scene.firing.get(fault.name, set())
    pause, unseen = scene.backend.longest_pause(fault.name), scene.longest_pause_of_scrapes(fault.name)
    if STALLED in firing - {fault.alert} and max(pause, unseen) > STALL:
        print(f"{STALLED} is right: {fault.name} got no answer for {pause:.1f} s, or nobody looked for {unseen:.1f} s")
        firing.remove(STALLED)
    assert firing == {fault.alert}


def test_all_rules_can_be_evaluated(scene: Scene) -> None:
    rules = [rule for group in scene.prometheus.ask_api("rules")["groups"] for rule in group["rules"]]
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    assert {rule["name"] for rule in rules} >= {fault.alert for fault in FAULTS} - {""}


def targets_of(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the query and the legend of each panel of a dashboard."""
    panels = json.loads(data(manifests, "-dashboard"))["panels"]
    return {panel["title"]: panel["targets"][0] for panel in panels if panel["type"] != "row"}


def queries_of(manifests: list[dict[str, Any]]) -> dict[str, str]:
    return {title: panel["expr"] for title, panel in targets_of(manifests).items()}


def unnamed(labels: dict[str, str], legend: str) -> set[str]:
    """Return the labels of a legend that a series lacks; some have a dot or an underscore, as the scrape asks for."""
    wanted = re.findall(r"\{\{(.+?)\}\}", legend)
    return {label.replace(".", "_") for label in wanted} - {
        label.replace(".", "_") for label in wanted if label in labels
    }


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS if not fault.alert])
def test_every_panel_of_a_dashboard_has_data(scene: Scene, name: str) -> None:
    queries = queries_of(scene.objects[name])
    empty = {
        title: query
        for title, query in queries.items()
        if not wait_until(
            lambda query=query: scene.prometheus.query_series(query.replace("$__rate_interval", "20s")), 5
        )
    }
    assert queries and empty == {}
    lacking = {
        title: found
        for title, panel in targets_of(scene.objects[name]).items()
        for series in scene.prometheus.query_series(panel["expr"].replace("$__rate_interval", "20s"))
        if (found := unnamed(series["metric"], panel["legendFormat"]))
    }
    assert lacking == {}, "legends would be blank"


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS if not fault.alert])
def test_no_alert_is_raised_without_a_fault(scene: Scene, name: str) -> None:
    assert [scene.alerts(state).get(name) for state in ("pending", "firing")] == [None, None]


def test_the_oldest_collector_serves_what_the_panels_ask_for(tmp_path: Path) -> None:
    program = find_build_of_version("0.93")  # noqa: F811
    if program is None:
        pytest.skip("the testbed has built no Collector 0.93.0: run `python -m tests.testbed install collector-0.93`")
    fault = Fault("old", "", options={"version": "0.93.0", "recipes": ["otlp_ingest", "debug_output"], "config": {}})
    manifests = rendered(fault, "")
    file = tmp_path / "old.yaml"
    file.write_text(config_of(manifests), encoding="utf-8")
    pod = Pod(fault, "old-0", "127.0.200.1", file, program)
    names = {found for query in queries_of(manifests).values() for found in re.findall(r"otelcol_\w+", query)}
    lazy = {name for name in names if "send_failed" in name}  # such a counter begins with the first failure
    with ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(pod.send)
            assert names - lazy and wait_until(lambda: names - lazy <= served(pod))
            assert not any("incoming" in name for name in names)
        finally:
            pod.end()


def served(pod: Pod) -> set[str]:
    """Return the names of the metrics that a Collector serves."""
    connection = HTTPConnection(pod.address, pod.ports["8888"], timeout=5)
    try:
        connection.request("GET", "/metrics")
        with connection.getresponse() as response:
            return set(re.findall(r"^otelcol_\w+", response.read().decode(), re.MULTILINE))
    except (OSError, HTTPException):
        return set()
