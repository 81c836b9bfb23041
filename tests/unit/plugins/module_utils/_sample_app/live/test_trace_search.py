# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample application is called, and its trace is found in a log, in counts and in backends, or named as missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.service_calls import ServiceCalls
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure, Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._sample_app.live.trace_search import TraceSearch
from ansible_collections.o11y.opentelemetry.plugins.module_utils._sample_app.live.trace_stores import (
    TraceInBackend,
    TraceInCounts,
    TraceInLogs,
    TraceInXRay,
    TraceStore,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.arrival_evidence import (
    LogEvidence,
    MetricsEvidence,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.collector_pods import CollectorPods
from botocore.exceptions import ClientError

from tests.support.servers import serve_answers

from ...fake_api import FakeApi, status
from ...live_helpers import obj

TRACE = f"{1_700_000_000:08x}{'ab' * 12}"
VIA = {"namespace": "ns", "service": "front", "port": 8080}
SERVICES = ["front", "data"]
ROOT = "/api/v1/namespaces/ns"
CALL = f"{ROOT}/services/http:front:8080/proxy/"
LOG, METRICS = f"{ROOT}/pods/p/log", f"{ROOT}/pods/p:8888/proxy/metrics"
PODS = {"namespace": "ns", "selector": "app=c"}
SPAN = f"ResourceSpans #0\n     -> service.name: Str(data)\n    Trace ID       : {TRACE}\n    Name           : GET /\n"
SIDECAR = {"name": "otc-container", "restartPolicy": "Always"}


def answer(trace_id: str = TRACE, following: str = TRACE) -> str:
    return json.dumps({"service": "front", "trace_id": trace_id, "next": {"service": "data", "trace_id": following}})


@pytest.fixture
def api() -> FakeApi:
    spec = {"initContainers": [{"name": "copy"}, SIDECAR], "containers": [{"name": "app"}]}
    found = FakeApi(obj("Pod", "p", labels={"app": "c"}, spec=spec, status={"phase": "Running"}))
    found.texts |= {CALL: answer(), LOG: ""}
    return found


def counted(items: int) -> str:
    return f"otelcol_receiver_accepted_spans {items}\notelcol_exporter_sent_spans {items}\n"


def search(api: FakeApi, *required: TraceStore, logs: bool = True, counts: bool = False) -> TraceSearch:
    cluster = api.cluster()
    in_logs = TraceInLogs([LogEvidence(CollectorPods(cluster, PODS), "")]) if logs else None
    in_counts = TraceInCounts(MetricsEvidence(CollectorPods(cluster, PODS), 8888), "pods") if counts else None
    return TraceSearch(cluster, VIA, SERVICES, list(required), in_logs, in_counts, 30)


def later(api: FakeApi, seconds: float, **texts: str) -> None:
    api.clock.on_sleep.append(lambda now: api.texts.update(texts) if now >= seconds else None)


def test_it_is_found_in_the_log_of_a_sidecar(api: FakeApi) -> None:
    later(api, 2, **{LOG: SPAN})
    found = search(api).run()
    where = "the log of pod ns/p, container otc-container"
    assert (found["trace_id"], found["msg"]) == (TRACE, f"Trace {TRACE} was found in {where}.")
    lines = ["-> service.name: Str(data)", f"Trace ID       : {TRACE}", "Name           : GET /"]
    assert found["found"] == [{"place": where, "evidence": lines}]
    assert not any("copy" in query.values() for _method, _path, query in api.requests), "it has ended"


def test_an_application_that_does_not_answer_is_no_api_server_that_is_away(api: FakeApi) -> None:
    def be_silent(_method: str, path: str) -> None:
        if path == CALL:
            raise LostError("timeout", "Read timed out.", "https://a", again=False)

    api.trouble = be_silent
    with pytest.raises(Problem, match=r"Call the sample application ns/front: it gives no answer: Read timed out\."):
        search(api).run()
    assert api.clock.now >= 30


def test_counts_show_it_where_no_log_does_and_the_log_may_be_late(api: FakeApi) -> None:
    api.texts[METRICS] = counted(4)
    wanted = search(api, counts=True)
    api.texts[METRICS] = counted(6)
    found = wanted.run()
    assert found["found"][0]["evidence"] == ["otelcol_receiver_accepted_spans +2", "otelcol_exporter_sent_spans +2"]
    assert api.clock.now >= 5
    wanted = search(api, counts=True)
    api.texts[METRICS] = counted(8)
    later(api, api.clock.now + 3, **{LOG: SPAN})
    assert "otc-container" in wanted.run()["msg"]


def test_what_is_nowhere_is_named(api: FakeApi) -> None:
    with pytest.raises(Failure, match=f"trace {TRACE} is not in the logs of the collectors after 30 s") as caught:
        search(api).run()
    assert "diagnose" in str(caught.value)
    assert caught.value.facts["trace_id"] == TRACE


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (answer(following="cd" * 16), "do not share one trace"),
        (answer(trace_id="\\u001b[31m", following=""), "do not share one trace"),
        ("<html>", "do not share one trace: <html>"),
    ],
)
def test_an_answer_that_is_no_trace_fails(api: FakeApi, text: str, wrong: str) -> None:
    api.texts[CALL] = text
    with pytest.raises(Problem) as caught:
        search(api).run()
    assert wrong in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_service_may_need_a_moment_and_a_refusal_ends_it(api: FakeApi) -> None:
    api.refuse(CALL, status(503, "ServiceUnavailable", "no endpoints available"), until=3)
    later(api, 3, **{LOG: SPAN})
    assert search(api).run()["trace_id"] == TRACE
    api.refuse(CALL, status(403, "Forbidden", "services/proxy is forbidden"))
    began = api.clock.now
    with pytest.raises(Problem, match="Call the sample application"):
        search(api).run()
    assert api.clock.now == began


class XRay:
    """Has the segments of one trace, service by service."""

    def __init__(self, *names: str, code: str = "") -> None:
        self.names, self.code = list(names), code
        self.asked: list[str] = []

    def batch_get_traces(self, TraceIds: list[str]) -> dict[str, Any]:  # noqa: N803 - boto3 names it so
        self.asked += TraceIds
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "BatchGetTraces")
        return {"Traces": [{"Segments": [{"Document": json.dumps({"name": name})} for name in self.names]}]}


def in_xray(api: FakeApi, client: XRay) -> TraceInXRay:
    return TraceInXRay(
        ServiceCalls("xray", lambda: client, clock=api.clock, sleep=api.clock.sleep), "eu-west-1", SERVICES
    )


def test_xray_must_have_every_service(api: FakeApi) -> None:
    client = XRay("front")
    api.clock.on_sleep.append(lambda now: client.names.append("data") if now > 3 else None)
    found = search(api, in_xray(api, client)).run()
    assert found["msg"] == f"Trace {TRACE} was found in AWS X-Ray in eu-west-1."
    assert set(client.asked) == {f"1-{TRACE[:8]}-{TRACE[8:]}"}
    assert api.clock.now > 3
    with pytest.raises(Failure, match="is not in AWS X-Ray in eu-west-1 after 30 s"):
        search(api, in_xray(api, XRay("front"))).run()


def test_a_missing_right_at_aws_is_named(api: FakeApi) -> None:
    with pytest.raises(Problem, match="xray:BatchGetTraces"):
        search(api, in_xray(api, XRay(code="AccessDeniedException"))).run()


@pytest.fixture
def backend() -> Iterator[tuple[str, dict[str, Any]]]:
    """Serve a backend; return its address, and what it has and was asked."""
    state: dict[str, Any] = {"text": "{}", "asked": [], "status": 200}

    def respond(handler: BaseHTTPRequestHandler, _body: bytes) -> RawAnswer:
        state["asked"].append((handler.path, handler.headers.get("DD-API-KEY")))
        return RawAnswer(state["status"], {}, state["text"].encode())

    with serve_answers(respond) as url:
        yield url, state


def test_a_backend_must_return_every_service(api: FakeApi, backend: tuple[str, dict[str, Any]]) -> None:
    url, state = backend
    options = {"url": f"{url}/api/traces/{{trace_id}}?q=1", "headers": {"DD-API-KEY": "key"}}
    api.clock.on_sleep.append(lambda now: state.update(text='["front", "data"]') if now > 2 else None)
    found = search(api, TraceInBackend(options, SERVICES)).run()
    assert found["found"][0]["evidence"] == ["spans of front, data"]
    assert set(state["asked"]) == {(f"/api/traces/{TRACE}?q=1", "key")}
    state |= {"text": "front data", "status": 404}
    api.clock.on_sleep.clear()
    with pytest.raises(Failure, match="Its last answer: status 404"):
        search(api, TraceInBackend(options, SERVICES)).run()


def test_a_backend_that_wants_another_key_ends_it_and_the_key_is_not_shown(
    api: FakeApi, backend: tuple[str, dict[str, Any]]
) -> None:
    url, state = backend
    state["status"] = 403
    options = {"url": f"{url}/{{trace_id}}?token=hunter2", "headers": {"DD-API-KEY": "hunter2"}}
    with pytest.raises(Problem, match="answers 403") as caught:
        search(api, TraceInBackend(options, SERVICES)).run()
    assert "hunter2" not in str(caught.value)


def test_without_a_place_to_look_the_answer_is_all(api: FakeApi) -> None:
    assert search(api, logs=False).run()["found"] == []
