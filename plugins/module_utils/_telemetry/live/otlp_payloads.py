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

from ..._kube.live.libraries import import_library
from ..._otelcol.config.masking import mask_and_clean
from ..evidence import LONGEST_EXCERPT_LINE
from ..probe_ids import ID_ATTRIBUTE, PROBE_METRIC, probe_segment_id, probe_trace_id

_SCOPE_OF_PROBES = {"name": "o11y.opentelemetry"}
_SPAN_NANOSECONDS = 1_000_000
_SEGMENT_SECONDS = 0.001


class SignalService(NamedTuple):
    """The names that opentelemetry-proto has for a signal."""

    package: str
    """The package of its service, such as `trace`."""
    name: str
    """The part of the names of its service and messages, such as `Trace` in ExportTraceServiceRequest."""
    rejected_field: str
    """The field of a partial success that counts the items which the receiver rejects."""


SERVICES = {
    "traces": SignalService("trace", "Trace", "rejected_spans"),
    "metrics": SignalService("metrics", "Metrics", "rejected_data_points"),
    "logs": SignalService("logs", "Logs", "rejected_log_records"),
}


def create_probe_id() -> str:
    """Return the id of a probe: 16 hexadecimal digits. It begins with the time, because trace IDs of X-Ray SDKs do."""
    return f"{int(time.time()):08x}{secrets.token_hex(4)}"


def build_otlp_request(signal: str, probe_id: str, service: str, *, failed: bool = False) -> bytes:
    """Return the serialized OTLP request of one item. `failed` gives a span the status that tail samplers keep."""
    resource = {"attributes": [_build_attribute("service.name", service), _build_attribute(ID_ATTRIBUTE, probe_id)]}
    if signal == "traces":
        json_body = _build_trace_request(resource, probe_id, failed=failed)
    elif signal == "metrics":
        json_body = _build_metric_request(resource, probe_id)
    else:
        json_body = _build_log_request(resource, probe_id)
    request = _create_message(signal, "Request")
    import_library("google.protobuf.json_format", "protobuf").ParseDict(json_body, request)
    if signal == "traces":  # the JSON of protobuf has bytes as base64, so IDs are set afterwards
        span = request.resource_spans[0].scope_spans[0].spans[0]
        span.trace_id = bytes.fromhex(probe_trace_id(probe_id))
        span.span_id = secrets.token_bytes(8)
    serialized: bytes = request.SerializeToString()
    return serialized


def _create_message(signal: str, kind: str) -> Any:
    """Return an empty message of the export service of a signal; `kind` is Request or Response."""
    service = SERVICES[signal]
    module = f"opentelemetry.proto.collector.{service.package}.v1.{service.package}_service_pb2"
    message_class = getattr(import_library(module, "opentelemetry-proto"), f"Export{service.name}Service{kind}")
    return message_class()


def _build_attribute(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": text}}


def _build_trace_request(resource: dict[str, Any], probe_id: str, *, failed: bool) -> dict[str, Any]:
    """Return the request of one span as JSON of OTLP, without its IDs."""
    end_nanoseconds = time.time_ns()
    span: dict[str, Any] = {
        "name": _probe_item_name(probe_id),
        "kind": "SPAN_KIND_INTERNAL",
        "startTimeUnixNano": str(end_nanoseconds - _SPAN_NANOSECONDS),
        "endTimeUnixNano": str(end_nanoseconds),
        "attributes": [_build_attribute(ID_ATTRIBUTE, probe_id)],
    }
    if failed:
        span["status"] = {"code": "STATUS_CODE_ERROR", "message": "a test of the pipeline"}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": _SCOPE_OF_PROBES, "spans": [span]}]}]}


def _build_metric_request(resource: dict[str, Any], probe_id: str) -> dict[str, Any]:
    """Return the request of one data point as JSON of OTLP.

    The metric is a gauge: of a cumulative sum, the exporter awsemf and others drop the first data point.
    """
    current_nanoseconds = time.time_ns()
    data_point = {
        "asInt": "1",
        "startTimeUnixNano": str(current_nanoseconds - _SPAN_NANOSECONDS),
        "timeUnixNano": str(current_nanoseconds),
        "attributes": [_build_attribute(ID_ATTRIBUTE, probe_id)],
    }
    metric = {"name": PROBE_METRIC, "gauge": {"dataPoints": [data_point]}}
    return {
        "resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": _SCOPE_OF_PROBES, "metrics": [metric]}]}]
    }


def _build_log_request(resource: dict[str, Any], probe_id: str) -> dict[str, Any]:
    """Return the request of one log record as JSON of OTLP."""
    current_nanoseconds = str(time.time_ns())
    log_record = {
        "timeUnixNano": current_nanoseconds,
        "observedTimeUnixNano": current_nanoseconds,
        "severityNumber": "SEVERITY_NUMBER_INFO",
        "body": {"stringValue": _probe_item_name(probe_id)},
        "attributes": [_build_attribute(ID_ATTRIBUTE, probe_id)],
    }
    return {
        "resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": _SCOPE_OF_PROBES, "logRecords": [log_record]}]}]
    }


def _probe_item_name(probe_id: str) -> str:
    return f"o11y-probe {probe_id}"


def build_xray_segment(_signal: str, probe_id: str, service: str, *, failed: bool = False) -> bytes:
    """Return a segment as the SDKs of X-Ray send it, with the id as an annotation.

    Source: "Sending trace data to X-Ray" and "Segment documents" of the developer guide of AWS X-Ray.
    """
    current_seconds = time.time()
    header = {"format": "json", "version": 1}
    segment = {
        "name": service,
        "id": secrets.token_hex(8),
        "trace_id": probe_segment_id(probe_id),
        "start_time": current_seconds - _SEGMENT_SECONDS,
        "end_time": current_seconds,
        "annotations": {ID_ATTRIBUTE.replace(".", "_"): probe_id},
    }
    if failed:
        segment["fault"] = True
    return f"{json.dumps(header)}\n{json.dumps(segment)}".encode()


def explain_refusal(signal: str, response_bytes: bytes) -> str:
    """Return in one line why a receiver rejects the item of a request; empty if it takes it, be it with a warning.

    Source: "Partial Success" of the OTLP specification: a text beside no rejected items is a warning.
    """
    if not response_bytes:  # nothing is rejected, or nobody answers, as over UDP
        return ""
    response = _create_message(signal, "Response")
    decode_error = import_library("google.protobuf.message", "protobuf").DecodeError
    try:
        response.ParseFromString(response_bytes)
    except decode_error:  # an answer in another format says nothing of that kind
        return ""
    partial_success = response.partial_success
    if not getattr(partial_success, SERVICES[signal].rejected_field):
        return ""
    return (
        mask_and_clean(partial_success.error_message, LONGEST_EXCERPT_LINE)
        or "the receiver rejects it, and does not say why"
    )
