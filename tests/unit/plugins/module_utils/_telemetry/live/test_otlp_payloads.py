# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of a probe carry its id."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live import otlp_payloads
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_payloads import (
    build_otlp_request,
    create_probe_id,
)
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.cases import cases


@cases(
    "signal, request_type",
    ("traces", ExportTraceServiceRequest),
    ("metrics", ExportMetricsServiceRequest),
    ("logs", ExportLogsServiceRequest),
)
def test_each_signal_carries_the_id(signal: str, request_type: Any) -> None:
    request = MessageToDict(request_type.FromString(build_otlp_request(signal, "id1", "svc")))
    (resources,) = request.values()
    attributes = {a["key"]: a["value"]["stringValue"] for a in resources[0]["resource"]["attributes"]}
    assert attributes == {"service.name": "svc", "o11y.probe.id": "id1"}
    assert str(resources).count("id1") >= 2


def test_ids_begin_with_the_time_and_differ() -> None:
    ids = {create_probe_id() for _ in range(20)}
    assert len(ids) == 20
    assert all(abs(int(one[:8], 16) - time.time()) < 60 and re.fullmatch("[0-9a-f]{16}", one) for one in ids)


def test_no_answer_rejects_nothing_and_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, _package: str) -> None:
        pytest.fail(f"{name} is asked for")

    monkeypatch.setattr(otlp_payloads, "import_library", missing)
    assert otlp_payloads.explain_refusal("traces", b"") == ""
