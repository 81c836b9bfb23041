# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a probe and see it arrive, with a receiver and pods in memory."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure, Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.arrival_evidence import (
    choose_pod_evidence,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_senders import NotSentError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.probe import TelemetryProbe
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

from tests.support.cases import cases

from ...fake_api import FakeApi
from ...live_helpers import obj

SIGNALS = ["traces", "metrics", "logs"]
HEADINGS = {"traces": "ResourceSpans #0", "metrics": "ResourceMetrics #0", "logs": "ResourceLog #0"}
POD = obj("Pod", "p", labels={"app": "c"}, spec={"containers": [{"name": "c"}]}, status={"phase": "Running"})
LOG, METRICS = "/api/v1/namespaces/ns/pods/p/log", "/api/v1/namespaces/ns/pods/p:8888/proxy/metrics"
ARRIVAL = {"namespace": "ns", "selector": "app=c", "evidence": "logs", "metrics_port": 8888}


def probe(api: FakeApi, send: Any, arrival: dict[str, Any] | None = None, seconds: float = 10) -> TelemetryProbe:
    found = choose_pod_evidence(api.cluster(), arrival, "id1") if arrival else None
    return TelemetryProbe(send, found, "id1", "svc", seconds, clock=api.clock, sleep=api.clock.sleep)


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
