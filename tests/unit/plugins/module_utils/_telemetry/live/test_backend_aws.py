# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe at X-Ray and CloudWatch: found by its trace ID, in log events and by PromQL, and what AWS says to errors."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live import backend_aws
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.backend_search import BackendEvidence
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_payloads import (
    build_otlp_request,
    build_xray_segment,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.cases import cases
from tests.testbed.aws.server import AwsServer, run_in_thread, send_order
from tests.testbed.aws.world import World

REGION = "us-east-1"
PROBE = "6925a1b0c0ffee01"
DEFAULT: dict[str, Any] = {"otel.resource.k8s.cluster.name": "blue", "otel.resource.o11y.probe.id": PROBE}
OTLP = {"resource": {"attributes": {"k8s.cluster.name": "blue"}}, "attributes": {"o11y.probe.id": PROBE}}
DIRECTIVE = {"Namespace": "ContainerInsights/Prometheus", "Dimensions": [["EKS_Cluster"]]}
EMF = {"o11y.probe": 1, "o11y.probe.id": PROBE, "EKS_Cluster": "blue", "_aws": {"CloudWatchMetrics": [DIRECTIVE]}}
LABELS = {"__name__": "o11y.probe", "@resource.k8s.cluster.name": "blue", "@datapoint.o11y.probe.id": PROBE}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServer]:
    """AWS, and credentials for it where boto3 looks."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTESTBED")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-to-be-shown")
    with run_in_thread(World()) as found:
        send_order(found.url, "reset")
        yield found


def client(server: AwsServer, service: str) -> Any:
    return boto3.client(service, region_name=REGION, endpoint_url=server.url)


def put_segment(server: AwsServer, **more: Any) -> None:
    document = json.loads(build_xray_segment("traces", PROBE, "svc").splitlines()[1])
    client(server, "xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(document | more)])


def put_event(server: AwsServer, group: str, message: str) -> None:
    logs, where = client(server, "logs"), {"logGroupName": group, "logStreamName": "s"}
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(**where)
    logs.put_log_events(**where, logEvents=[{"timestamp": int(time.time() * 1000), "message": message}])


def backends(server: AwsServer, kind: str = "cloudwatch", **more: Any) -> BackendEvidence:
    return BackendEvidence([{"kind": kind, "region": REGION, "url": server.url, **more}], PROBE, "svc")


def exported() -> str:
    """Return the trace ID of the span that is sent, as the exporter awsxray writes it."""
    request = ExportTraceServiceRequest.FromString(build_otlp_request("traces", PROBE, "svc"))
    trace = request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
    return f"1-{trace[:8]}-{trace[8:]}"


@cases("more", lambda: {"trace_id": exported()}, dict, ids=["a span", "a segment"])
def test_a_span_or_a_segment_is_found_in_xray_by_its_trace(server: AwsServer, more: Any) -> None:
    wanted = {"k8s.cluster.name": "blue", "annotations.o11y_probe_id": PROBE}
    found = backends(server, "xray", attributes=wanted)
    assert found.look(["traces"]) == {}
    assert "xray in us-east-1: it has no record of the probe; with Transaction Search," in found.hint("traces")
    put_segment(server, metadata={"default": DEFAULT}, **more())
    assert found.look(["traces"])["traces"][0] == "xray in us-east-1"


@cases(
    "signal, group, message",
    ("logs", "/blue/applications", json.dumps(OTLP)),
    ("traces", "aws/spans", json.dumps(OTLP)),
    ("metrics", "/aws/containerinsights/blue/prometheus", json.dumps(EMF)),
)
def test_a_record_is_found_in_its_log_group(server: AwsServer, signal: str, group: str, message: str) -> None:
    # The default of traces need not be named.
    named = {} if signal == "traces" else {"log_group": group}
    found = backends(server, signals=[signal], **named)
    assert found.look([signal]) == {}
    assert "it has no such log group yet (" in found.hint(signal)
    put_event(server, group, message.replace(PROBE, "another"))
    assert found.look([signal]) == {}
    assert "it has no record of the probe." in found.hint(signal)
    where = {"logGroupName": group, "logStreamName": "s"}
    event = {"timestamp": int(time.time() * 1000), "message": message}
    client(server, "logs").put_log_events(**where, logEvents=[event])
    assert found.look([signal])[signal][0] == f"cloudwatch in us-east-1{f', log group {group}' if named else ''}"


@cases(
    "wanted, said",
    ({"k8s.node.name": ""}, "the record has no attribute k8s.node.name"),
    ({"EKS_Cluster": "green"}, "attribute EKS_Cluster is not 'green'"),
    ({"Namespace": "ContainerInsights/Prometheus", "logStreamName": "s", "EKS_Cluster": "blue"}, ""),
)
def test_an_attribute_that_is_missing_is_named(server: AwsServer, wanted: Any, said: str) -> None:
    put_event(server, "/emf", json.dumps(EMF))
    found = backends(server, signals=["metrics"], log_group="/emf", attributes=wanted)
    assert (found.look(["metrics"]) == {}) is bool(said)
    assert f"cloudwatch in us-east-1, log group /emf: {said}" in found.hint("metrics") or not said


def test_a_message_that_is_not_json_is_a_record_too(server: AwsServer) -> None:
    put_event(server, "/plain", f"o11y-probe {PROBE} again")
    assert backends(server, signals=["logs"], log_group="/plain", attributes={"message": ""}).look(["logs"])


def test_pages_are_read_until_one_has_something_or_time_is_up() -> None:
    now = [0.0]
    pages = [{"events": [], "nextToken": "a"}, {"events": [{}], "nextToken": "b"}, {"events": [], "nextToken": "c"}]

    def search(**given: Any) -> Any:
        now[0] += 5
        asked.append(given.get("nextToken"))
        return pages[(len(asked) - 1) % len(pages)]

    asked: list[Any] = []
    way = backend_aws.AwsBackend({"kind": "cloudwatch"}, lambda: now[0])
    way._client_by_service["logs"] = type("Client", (), {"filter_log_events": staticmethod(search)})
    call = backend_aws.AwsCall("logs", "filter_log_events", {})
    assert way.ask_backend(call) == (pages[1], "")
    pages[1] = pages[0]
    assert way.ask_backend(call) == (pages[0], "")  # after ten seconds, though there are more
    assert asked == [None, "a", None, "c"]


class Answered:
    """What botocore sends, and what comes back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, status: int, answer: Any) -> None:
        self.sent: list[Any] = []
        self.status_code, self.content = status, json.dumps(answer).encode()
        monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", self._send)

    def _send(self, request: Any) -> Any:
        self.sent.append(request)
        return self


def series(*labels: dict[str, str]) -> dict[str, Any]:
    return {"data": {"result": [{"metric": one} for one in labels]}}


@pytest.mark.usefixtures("server")
def test_a_metric_without_a_log_group_is_asked_by_promql_and_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Answered(monkeypatch, 200, series(LABELS))
    options = {
        "kind": "cloudwatch",
        "region": REGION,
        "signals": ["metrics"],
        "attributes": {"k8s.cluster.name": "blue"},
    }
    (seen,) = BackendEvidence([options], PROBE, "svc").look(["metrics"]).values()
    assert seen[0] == "cloudwatch in us-east-1"
    (request,) = answered.sent
    parts = urlsplit(request.url)
    assert (parts.netloc, parts.path) == ("monitoring.us-east-1.amazonaws.com", "/api/v1/query")
    assert parse_qs(parts.query) == {"query": [f'{{"o11y.probe","o11y.probe.id"="{PROBE}"}}']}
    assert "+" not in parts.query
    assert "/us-east-1/monitoring/aws4_request" in str(request.headers["Authorization"])


@cases(
    "status, answer, said",
    (200, series(), "it has no record of the probe."),
    (200, series({**LABELS, "@resource.k8s.cluster.name": "red"}), "attribute k8s.cluster.name is not 'blue'"),
    (500, {"error": "busy"}, 'it answers 500: {"error": "busy"}'),
)
def test_promql_without_the_record_is_told(
    server: AwsServer, monkeypatch: pytest.MonkeyPatch, status: int, answer: Any, said: str
) -> None:
    found = backends(server, signals=["metrics"], attributes={"k8s.cluster.name": "blue"})
    Answered(monkeypatch, status, answer)
    assert found.look(["metrics"]) == {}
    assert said in found.hint("metrics")


def test_promql_that_is_not_allowed_ends_the_wait(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    Answered(monkeypatch, 403, {})
    with pytest.raises(Problem, match=r"cloudwatch in us-east-1 answers 403.*Allow cloudwatch:GetMetricData"):
        backends(server, signals=["metrics"]).look(["metrics"])


@cases(
    "fault, said",
    ({"code": "ThrottledException"}, "it does not answer: ThrottledException: "),
    ({"drop": "before"}, "it does not answer: ConnectionClosedError: "),
)
def test_what_passes_is_asked_again_with_the_next_look(server: AwsServer, fault: dict[str, Any], said: str) -> None:
    put_segment(server)
    server.world.trouble(operation="BatchGetTraces", **fault)
    found = backends(server, "xray")
    assert found.look(["traces"]) == {}
    assert said in found.hint("traces")
    assert found.look(["traces"])


def test_a_refusal_ends_the_wait_and_names_the_permission(server: AwsServer) -> None:
    server.world.trouble(operation="BatchGetTraces", code="AccessDeniedException", status=403, message="User: x")
    with pytest.raises(Problem, match=r"not allowed \(User: x\). Allow xray:BatchGetTraces to the caller"):
        backends(server, "xray").look(["traces"])


@cases(
    "options, said",
    ({"profile": "nobody"}, "nobody.*Check profile and AWS_PROFILE"),
    ({"region": None}, "no region is known. Give region"),
)
def test_credentials_or_a_region_that_are_missing_end_the_wait(
    server: AwsServer, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(Problem, match=said) as raised:
        backends(server, "xray", **options).look(["traces"])
    assert "not-to-be-shown" not in str(raised.value)
