# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes to AWS's OTLP endpoints can be read there, as a probe reads it."""

from __future__ import annotations

import os
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.backend_search import BackendEvidence
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_payloads import (
    build_otlp_request,
)
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from google.protobuf.json_format import ParseDict
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from werkzeug.serving import make_server

from tests.support.cases import cases
from tests.testbed.aws.server import QuietRequestHandler
from tests.testbed.eks.front import FrontApplication
from tests.testbed.eks.otlp import TelemetryStore, list_records
from tests.testbed.eks.requests import OTLP_OPERATIONS, Call, Endpoint
from tests.unit.testbed.eks_iam import iam

PROBE, REGION, GROUP = "6925a1b0c0ffee01", "us-east-1", "/blue/applications"
PATHS = {path.rpartition("/")[2]: (service, path) for service, path in OTLP_OPERATIONS}


def test_messages_without_the_usual_fields_are_read() -> None:
    empty: dict[str, Any] = {"body": {}}
    logs = {"resourceLogs": [{"resource": {}}, {"scopeLogs": [{"logRecords": [empty]}]}]}
    assert [record["body"] for record in list_records(logs)] == [None]
    metrics = [{"name": "a", "summary": {"dataPoints": [{}]}}, {"name": "b"}, {"name": "c", "gauge": {}}]
    store = TelemetryStore()
    body = ExportMetricsServiceRequest()
    ParseDict({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}, body)
    endpoint = Endpoint("", "monitoring", REGION)
    store.keep_records(Call(endpoint, "PutMetricData", {}, is_otlp=True), body.SerializeToString(), 0)
    assert store.series == []


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """AWS of a cluster, with the administrator's key in the environment."""
    moto_api_backend.reset()
    with iam() as identities:
        for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), identities.person, strict=True):
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        front = FrontApplication(DomainDispatcherApplication(create_backend_app), identities)
        server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=QuietRequestHandler)
        threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()


def send(url: str, signal: str, secret: tuple[str, str]) -> None:
    """Send a record as the exporter otlp_http does with the extension sigv4auth."""
    service, path = PATHS[signal]
    headers = {"Content-Type": "application/x-protobuf", "x-aws-log-group": GROUP, "x-aws-log-stream": "gateway"}
    request = AWSRequest("POST", f"{url}{path}", headers, build_otlp_request(signal, PROBE, "svc"))
    SigV4Auth(Credentials(*secret), service, REGION).add_auth(request)
    urllib.request.urlopen(
        urllib.request.Request(request.url, request.data, {**request.headers}, method="POST"), timeout=60
    ).close()


@cases(
    "signal, more",
    ("traces", {}),
    ("logs", {"log_group": GROUP, "attributes": {"body": f"o11y-probe {PROBE}", "logStreamName": "gateway"}}),
    ("metrics", {}),
)
def test_a_record_can_be_read(url: str, monkeypatch: pytest.MonkeyPatch, signal: str, more: dict[str, Any]) -> None:
    options = {"kind": "cloudwatch", "region": REGION, "url": url, "signals": [signal], **more}
    options["attributes"] = {"service.name": "svc", **more.get("attributes", {})}
    found = BackendEvidence([options], PROBE, "svc")
    assert found.look([signal]) == {}
    send(url, signal, (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]))
    assert list(found.look([signal])) == [signal]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(Exception, match=r"403|does not accept"):
        BackendEvidence([options], PROBE, "svc").look([signal])
