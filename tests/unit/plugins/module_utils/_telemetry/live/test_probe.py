# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a probe and see it arrive, with a receiver and pods in memory."""

from __future__ import annotations

import json
import re
import socket
import time
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure, Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live import otlp
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp import (
    NotSentError,
    proxied,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.probe import (
    Probe,
    check_headers,
    check_xray,
    evidence,
)
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

from tests.support.cases import cases

from ...fake_api import FakeApi, reply, status
from ...live_helpers import obj

SIGNALS = ["traces", "metrics", "logs"]
REQUESTS = (trace.ExportTraceServiceRequest, ExportMetricsServiceRequest, ExportLogsServiceRequest)
HEADINGS = {"traces": "ResourceSpans #0", "metrics": "ResourceMetrics #0", "logs": "ResourceLog #0"}
POD = obj("Pod", "p", labels={"app": "c"}, spec={"containers": [{"name": "c"}]}, status={"phase": "Running"})
LOG, METRICS = "/api/v1/namespaces/ns/pods/p/log", "/api/v1/namespaces/ns/pods/p:8888/proxy/metrics"
ARRIVAL = {"namespace": "ns", "selector": "app=c", "evidence": "logs", "metrics_port": 8888}


def probe(api: FakeApi, send: Any, arrival: dict[str, Any] | None = None, seconds: float = 10) -> Probe:
    found = evidence(api.cluster(), arrival, "id1") if arrival else None
    return Probe(send, found, "id1", "svc", seconds, clock=api.clock, sleep=api.clock.sleep)


@cases("signal, request_type", *zip(SIGNALS, REQUESTS, strict=True))
def test_each_signal_carries_the_id(signal: str, request_type: Any) -> None:
    request = MessageToDict(request_type.FromString(otlp.message(signal, "id1", "svc")))
    (resources,) = request.values()
    attributes = {a["key"]: a["value"]["stringValue"] for a in resources[0]["resource"]["attributes"]}
    assert attributes == {"service.name": "svc", "o11y.probe.id": "id1"}
    assert str(resources).count("id1") >= 2


@cases(
    "endpoint, protocol, tls, url",
    ("a:4317", "grpc", {}, "http://a:4317"),
    ("a", "grpc", {}, "http://a:4317"),
    ("a", "grpc", {"ca_file": "/ca"}, "https://a:4317"),
    ("a", "grpc", {"insecure": False}, "https://a:4317"),
    ("a", "grpc", {"ca_file": "/ca", "insecure": True}, "http://a:4317"),
    ("http://a", "http/protobuf", {"ca_file": "/ca"}, "http://a:4318"),
    ("https://a/otlp/", "http/protobuf", {"insecure": True}, "https://a:4318/otlp"),
)
def test_where_to_send(endpoint: str, protocol: str, tls: dict[str, Any], url: str) -> None:
    assert otlp.OtlpTarget(endpoint, protocol, {}, tls).url == url


def test_a_scheme_in_capital_letters_is_tls_too() -> None:
    target = otlp.OtlpTarget("HTTPS://a:4317", "grpc", {"authorization": "token"}, {})
    assert (target.secure, target.url) == (True, "https://a:4317")


@pytest.mark.parametrize("value", ["to\nken", "to\rken", "token\0"])
def test_a_header_that_cannot_be_sent_is_named_without_its_value(value: str) -> None:
    with pytest.raises(Problem, match="header 'x-key' has a line end or another control character") as told:
        check_headers({"x-ok": "good", "x-key": value})
    assert "ken" not in str(told.value)
    check_headers({"x-key": "a b\tc"})


def test_it_is_seen_in_the_logs() -> None:
    api = FakeApi(POD)
    api.texts[LOG] = ""

    def send(signal: str, _body: bytes, _seconds: float) -> bytes:
        late = [f"{HEADINGS[signal]}\n -> o11y.probe.id: Str(id1)\n"]
        api.clock.on_sleep.append(
            lambda now: api.texts.update({LOG: api.texts[LOG] + late.pop()}) if late and now > 1 else None
        )
        return b""

    result = probe(api, send, ARRIVAL).run(SIGNALS)
    assert result["changed"] is False
    assert result["msg"] == "traces, metrics, logs arrived, seen in the log of pod ns/p, container c"
    for signal in SIGNALS:
        assert result["signals"][signal]["evidence"][0] == HEADINGS[signal]
        assert 1 < result["signals"][signal]["seconds"] < 3


def counted(items: int, failed: int = 0) -> str:
    names = ("spans", "metric_points", "log_records")
    lines = [f"otelcol_receiver_accepted_{name} {items}\notelcol_exporter_sent_{name} {items}" for name in names]
    return "\n".join([*lines, f"otelcol_exporter_send_failed_spans {failed}"])


def counting(api: FakeApi, signals: list[str], after: str, path: str = METRICS) -> dict[str, Any]:
    """Send to collectors that have counted 4, and of which one then counts something else."""
    api.texts |= dict.fromkeys((METRICS, path), counted(4))

    def send(_signal: str, _body: bytes, _seconds: float) -> bytes:
        api.texts[path] = after
        return b""

    return probe(api, send, ARRIVAL | {"evidence": "metrics"}).run(signals)


def test_it_is_seen_in_the_counts() -> None:
    result = counting(FakeApi(POD), SIGNALS, counted(5))
    counts = ["otelcol_receiver_accepted_spans +1", "otelcol_exporter_sent_spans +1"]
    assert result["signals"]["traces"]["evidence"] == counts
    assert result["signals"]["traces"]["seen"] == "the metrics of pod ns/p"


def test_only_the_pods_that_counted_it_are_named() -> None:
    api = FakeApi(POD, obj("Pod", "q", labels={"app": "c"}, spec=POD["spec"], status=POD["status"]))
    result = counting(api, ["traces", "logs"], counted(5), METRICS.replace("/p:", "/q:"))
    assert result["msg"] == "traces, logs arrived: pod ns/q sent them on to its exporter"


def test_what_does_not_arrive_is_told_with_what_the_collector_counts() -> None:
    with pytest.raises(Failure, match="traces sent and taken, but not arrived") as caught:
        counting(FakeApi(POD), ["traces"], counted(4, failed=1))
    assert "otelcol_exporter_send_failed_spans +1" in str(caught.value)
    assert caught.value.facts["signals"]["traces"]["sent"] is True


def test_a_wait_is_told_at_least_every_fifteen_seconds() -> None:
    api, told = FakeApi(POD), list[tuple[float, str]]()
    api.texts[LOG] = "nothing"
    waiting = probe(api, lambda *_: b"", ARRIVAL, seconds=30)
    waiting.tell = lambda line: told.append((api.clock(), line))
    start = api.clock()
    with pytest.raises(Failure):
        waiting.run(["traces", "logs"])
    moments = [start, *(moment for moment, _line in told), api.clock()]
    assert max(later - earlier for earlier, later in pairwise(moments)) <= 15, told
    assert "Probe of svc: traces, logs not arrived yet, at most 20 s more" in told[1][1]


def test_a_log_without_the_record_asks_for_the_debug_exporter() -> None:
    api = FakeApi(POD)
    api.texts[LOG] = "nothing"
    with pytest.raises(Failure, match="verbosity: detailed"):
        probe(api, lambda *_: b"", ARRIVAL).run(["logs"])
    assert 10 <= api.clock.now < 13


def test_without_pods_nothing_is_sent() -> None:
    with pytest.raises(Problem, match="no running pod is selected"):
        probe(FakeApi(), None, ARRIVAL)


@pytest.mark.parametrize(("again", "tries"), [(True, 3), (False, 1)])
def test_only_what_may_pass_is_sent_again(again: bool, tries: int) -> None:
    api, sent = FakeApi(), []

    def send(signal: str, _body: bytes, _seconds: float) -> bytes:
        sent.append(signal)
        if len(sent) < 3:
            raise NotSentError("UNAVAILABLE", again=again)
        return b""

    if again:
        assert probe(api, send).run(["traces"])["msg"] == "traces sent"
    else:
        with pytest.raises(Failure, match="Send traces: not taken: UNAVAILABLE"):
            probe(api, send).run(["traces"])
    assert len(sent) == tries


def partial_success(rejected: int, text: str) -> bytes:
    partial = trace.ExportTracePartialSuccess(rejected_spans=rejected, error_message=text)
    answer: bytes = trace.ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    return answer


@cases(
    "text, words", ("too old", "not taken: too old"), ("", "not taken: the receiver rejects it, and does not say why")
)
def test_an_item_that_the_receiver_rejects_is_told(text: str, words: str) -> None:
    with pytest.raises(Failure, match=words):
        probe(FakeApi(), lambda *_: partial_success(1, text)).run(["traces"])


@cases("answer", partial_success(0, "this path is deprecated"), b'{"partialSuccess": {}}', b"")
def test_an_answer_without_rejected_items_takes_them_all(answer: bytes) -> None:
    assert probe(FakeApi(), lambda *_: answer).run(["traces"])["msg"] == "traces sent"


def test_it_goes_through_the_api_server() -> None:
    api = FakeApi()
    api.trouble = lambda _method, _path: reply({})
    via = {"namespace": "ns", "service": "c", "pod": None, "port": 4318}
    proxied(api.cluster(), via, {})("traces", b"x", 5)
    assert api.sent("POST") == ["/api/v1/namespaces/ns/services/c:4318/proxy/v1/traces"]


def pod(name: str, ready: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_a_selector_finds_a_pod_that_is_ready() -> None:
    api = FakeApi()
    pods = {"items": [pod("a", "False"), pod("b", "True")], "metadata": {}}
    api.trouble = lambda method, _path: reply(pods if method == "GET" else {})
    proxied(api.cluster(), {"namespace": "ns", "selector": "app=x", "port": 4318}, {})("logs", b"x", 5)
    assert api.sent("POST") == ["/api/v1/namespaces/ns/pods/b:4318/proxy/v1/logs"]


def test_pods_beside_the_collector_are_not_asked() -> None:
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    ports = {"ports": [{"containerPort": 4318}, {"containerPort": 8888}]}
    allocator = POD | {"metadata": POD["metadata"] | {"name": "allocator"}, "status": ready}
    api = FakeApi(allocator, POD | {"spec": {"containers": [{"name": "c", **ports}]}, "status": ready})
    api.texts = {METRICS: counted(1), "/api/v1/namespaces/ns/pods/p:4318/proxy/v1/logs": "{}"}
    proxied(api.cluster(), {"namespace": "ns", "selector": "app=c", "port": 4318}, {})("logs", b"", 1)
    evidence(api.cluster(), ARRIVAL | {"evidence": "metrics"}, "id1")
    assert [path for path in api.sent("GET", "POST") if "proxy" in path] == sorted(api.texts)


def test_a_selector_without_a_ready_pod_is_told() -> None:
    api = FakeApi()
    api.trouble = lambda _method, _path: reply({"items": [pod("a", "False")], "metadata": {}})
    with pytest.raises(Problem, match="none of 1 pods is ready"):
        proxied(api.cluster(), {"namespace": "ns", "selector": "app=x", "port": 4318}, {})


@cases(
    "code, error, words", (503, NotSentError, "no endpoints"), (403, Problem, "Send logs through the Kubernetes API")
)
def test_the_api_server_says_why_not(code: int, error: type[Exception], words: str) -> None:
    api = FakeApi()
    api.trouble = lambda _method, _path: status(code, "", "no endpoints available")
    with pytest.raises(error, match=words):
        proxied(api.cluster(), {"namespace": "ns", "pod": "p", "port": 1}, {})("logs", b"x", 5)
    assert len(api.requests) == 1


def test_a_segment_goes_over_udp_as_the_sdks_of_xray_send_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        target = otlp.OtlpTarget(f"127.0.0.1:{server.getsockname()[1]}", otlp.XRAY, {}, {})
        assert otlp.sender(target)("traces", otlp.xray_segment("traces", "6925a1b0c0ffee01", "svc"), 5) == b""
        header, document = map(json.loads, server.recv(2000).splitlines())
    assert header == {"format": "json", "version": 1}
    assert (document["name"], document["annotations"]) == ("svc", {"o11y_probe_id": "6925a1b0c0ffee01"})
    assert re.fullmatch(r"1-6925a1b0-[0-9a-f]{24}", document["trace_id"])
    assert document["start_time"] < document["end_time"]


def test_an_address_that_nobody_knows_is_told() -> None:
    target = otlp.OtlpTarget("no such host", otlp.XRAY, {}, {})
    assert target.url == "http://no such host:2000"
    with pytest.raises(NotSentError, match="no such host"):
        otlp.sender(target)("traces", b"", 1)


@cases(
    "given, words",
    ({"via": {"namespace": "a"}}, "forwards no UDP. Set `endpoint`"),
    ({"signals": SIGNALS}, "are traces. Set `signals: \\[traces\\]`"),
    ({}, "nobody answers a segment. Set `arrival`"),
)
def test_what_xray_cannot_do_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem, match=words):
        check_xray({"via": None, "signals": ["traces"], "arrival": None, **given})
    check_xray({"via": None, "signals": ["traces"], "arrival": ARRIVAL})
    check_xray({"via": None, "signals": ["traces"], "arrival": None, "backends": [{"kind": "xray"}]})


def test_ids_begin_with_the_time_and_differ() -> None:
    ids = {otlp.new_id() for _ in range(20)}
    assert len(ids) == 20
    assert all(abs(int(one[:8], 16) - time.time()) < 60 and re.fullmatch("[0-9a-f]{16}", one) for one in ids)
