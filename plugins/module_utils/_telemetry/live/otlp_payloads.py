# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of a probe, each with one item, and what the answers say about that item. Private.

An item carries the id of its probe wherever a backend may look for it: as an attribute of the resource and of the item,
and in its name or body.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import Any, NamedTuple

from ..._kube.live.api_errors import library
from ..._otelcol.config.masking import quoted
from ..backend_queries import ID_ATTRIBUTE, METRIC, segment_id, trace_id
from ..evidence import LINE_LENGTH

_SCOPE = {"name": "o11y.opentelemetry"}
_SPAN_NANOSECONDS = 1_000_000
_SEGMENT_SECONDS = 0.001


class SignalService(NamedTuple):
    """How opentelemetry-proto calls a signal.

    `package` and `name` are parts of the names of its service. `rejected_field` is where a partial success counts the
    items that the receiver rejects.
    """

    package: str
    name: str
    rejected_field: str


SERVICES = {
    "traces": SignalService("trace", "Trace", "rejected_spans"),
    "metrics": SignalService("metrics", "Metrics", "rejected_data_points"),
    "logs": SignalService("logs", "Logs", "rejected_log_records"),
}


def new_id() -> str:
    """Return the id of a probe: 16 hexadecimal digits. It begins with the time, because trace IDs of X-Ray SDKs do."""
    return f"{int(time.time()):08x}{secrets.token_hex(4)}"


def otlp_request(signal: str, probe_id: str, service: str, *, failed: bool = False) -> bytes:
    """Return the serialized OTLP request of one item. `failed` gives a span the status that tail samplers keep."""
    resource = {"attributes": [_attribute("service.name", service), _attribute(ID_ATTRIBUTE, probe_id)]}
    if signal == "traces":
        body = _trace_body(resource, probe_id, failed=failed)
    elif signal == "metrics":
        body = _metric_body(resource, probe_id)
    else:
        body = _log_body(resource, probe_id)
    request = _message(signal, "Request")
    library("google.protobuf.json_format", "protobuf").ParseDict(body, request)
    if signal == "traces":  # the JSON of protobuf has bytes as base64, so IDs are set afterwards
        span = request.resource_spans[0].scope_spans[0].spans[0]
        span.trace_id = bytes.fromhex(trace_id(probe_id))
        span.span_id = secrets.token_bytes(8)
    serialized: bytes = request.SerializeToString()
    return serialized


def _message(signal: str, kind: str) -> Any:
    """Return an empty message of the export service of a signal; `kind` is Request or Response."""
    service = SERVICES[signal]
    module = f"opentelemetry.proto.collector.{service.package}.v1.{service.package}_service_pb2"
    message_class = getattr(library(module, "opentelemetry-proto"), f"Export{service.name}Service{kind}")
    return message_class()


def _attribute(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": text}}


def _trace_body(resource: dict[str, Any], probe_id: str, *, failed: bool) -> dict[str, Any]:
    """Return the request of one span as JSON of OTLP, without its IDs."""
    end = time.time_ns()
    span: dict[str, Any] = {
        "name": _item_name(probe_id),
        "kind": "SPAN_KIND_INTERNAL",
        "startTimeUnixNano": str(end - _SPAN_NANOSECONDS),
        "endTimeUnixNano": str(end),
        "attributes": [_attribute(ID_ATTRIBUTE, probe_id)],
    }
    if failed:
        span["status"] = {"code": "STATUS_CODE_ERROR", "message": "a test of the pipeline"}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": _SCOPE, "spans": [span]}]}]}


def _metric_body(resource: dict[str, Any], probe_id: str) -> dict[str, Any]:
    """Return the request of one data point as JSON of OTLP.

    The metric is a gauge: of a cumulative sum, the exporter awsemf and others drop the first data point.
    """
    now = time.time_ns()
    point = {
        "asInt": "1",
        "startTimeUnixNano": str(now - _SPAN_NANOSECONDS),
        "timeUnixNano": str(now),
        "attributes": [_attribute(ID_ATTRIBUTE, probe_id)],
    }
    metric = {"name": METRIC, "gauge": {"dataPoints": [point]}}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": _SCOPE, "metrics": [metric]}]}]}


def _log_body(resource: dict[str, Any], probe_id: str) -> dict[str, Any]:
    """Return the request of one log record as JSON of OTLP."""
    now = str(time.time_ns())
    record = {
        "timeUnixNano": now,
        "observedTimeUnixNano": now,
        "severityNumber": "SEVERITY_NUMBER_INFO",
        "body": {"stringValue": _item_name(probe_id)},
        "attributes": [_attribute(ID_ATTRIBUTE, probe_id)],
    }
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": _SCOPE, "logRecords": [record]}]}]}


def _item_name(probe_id: str) -> str:
    return f"o11y-probe {probe_id}"


def xray_segment(_signal: str, probe_id: str, service: str, *, failed: bool = False) -> bytes:
    """Return a segment as the SDKs of X-Ray send it, with the id as an annotation.

    Source: "Sending trace data to X-Ray" and "Segment documents" of the developer guide of AWS X-Ray.
    """
    now = time.time()
    header = {"format": "json", "version": 1}
    segment = {
        "name": service,
        "id": secrets.token_hex(8),
        "trace_id": segment_id(probe_id),
        "start_time": now - _SEGMENT_SECONDS,
        "end_time": now,
        "annotations": {ID_ATTRIBUTE.replace(".", "_"): probe_id},
    }
    if failed:
        segment["fault"] = True
    return f"{json.dumps(header)}\n{json.dumps(segment)}".encode()


def refusal(signal: str, answer: bytes) -> str:
    """Return in one line why a receiver rejects the item of a request; empty if it takes it, be it with a warning.

    Source: "Partial Success" of the OTLP specification: a text beside no rejected items is a warning.
    """
    if not answer:  # nothing is rejected, or nobody answers, as over UDP
        return ""
    response = _message(signal, "Response")
    decode_error = library("google.protobuf.message", "protobuf").DecodeError
    try:
        response.ParseFromString(answer)
    except decode_error:  # an answer in another format says nothing of that kind
        return ""
    partial = response.partial_success
    if not getattr(partial, SERVICES[signal].rejected_field):
        return ""
    return quoted(partial.error_message, LINE_LENGTH) or "the receiver rejects it, and does not say why"
