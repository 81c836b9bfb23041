# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test data for a collector of a host, as JSON of OTLP, and whether the collector counts it in and out. Private.

`live/host_probe.py` sends the requests. Each has one record, a span, a data point or a log record, whose names are
those of `_telemetry/live/otlp_payloads.py`, which needs a library that hosts do not have. The test data has arrived if
the collector's own metrics show that a receiver accepted it and an exporter sent it, as in the lines

    otlp: receiver_accepted +1
    otlp_grpc: exporter_sent +1

Ids are hexadecimal. Source: OTLP specification, "JSON Protobuf Encoding".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .host_metrics import HostCountKey

# The attribute of each record with the id of the probe.
ID_ATTRIBUTE = "o11y.probe.id"
# The name of the metric of the data point.
METRIC = "o11y.probe"
# The service that seems to send the records.
SERVICE = "o11y-probe"
# A signal has arrived when both counts grew. Source: documentation.md of receiverhelper and exporterhelper.
ACCEPTED_COUNT = "receiver_accepted"
SENT_COUNT = "exporter_sent"
# The counts that grow when something went wrong.
TROUBLE_COUNTS = ("receiver_refused", "receiver_failed", "exporter_send_failed", "exporter_enqueue_failed")
# How long the span takes.
_SPAN_NANOSECONDS = 1_000_000
# Numbers of enums of opentelemetry-proto.
_SPAN_KIND_INTERNAL = 1
_STATUS_CODE_ERROR = 2
_SEVERITY_NUMBER_INFO = 9
# The library that seems to have made the records.
_SCOPE = {"name": "o11y.opentelemetry"}


class _Probe(NamedTuple):
    """What the records of one probe have in common. Times are nanoseconds since 1970, as texts."""

    id: str
    start_time: str
    end_time: str

    @property
    def attributes(self) -> list[dict[str, Any]]:
        return [_build_attribute(ID_ATTRIBUTE, self.id)]

    @property
    def record_name(self) -> str:
        return f"o11y-probe {self.id}"


def build_probe_request(signal: str, probe_id: str, now_nanoseconds: int, is_failed: bool) -> bytes:
    """Return the body of a request with one record of a signal.

    `is_failed` gives a span the status of an error, since tail samplers keep such spans.
    """
    probe = _Probe(probe_id, str(now_nanoseconds - _SPAN_NANOSECONDS), str(now_nanoseconds))
    resource = {"attributes": [_build_attribute("service.name", SERVICE), *probe.attributes]}
    body: dict[str, Any]
    if signal == "traces":
        scope_spans = {"scope": _SCOPE, "spans": [_build_span(probe, is_failed)]}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [scope_spans]}]}
    elif signal == "metrics":
        scope_metrics = {"scope": _SCOPE, "metrics": [_build_metric(probe)]}
        body = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [scope_metrics]}]}
    else:
        scope_logs = {"scope": _SCOPE, "logRecords": [_build_log_record(probe)]}
        body = {"resourceLogs": [{"resource": resource, "scopeLogs": [scope_logs]}]}
    return json.dumps(body).encode("utf-8")


def _build_attribute(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": text}}


def _build_span(probe: _Probe, is_failed: bool) -> dict[str, Any]:
    """Return the span of a probe as JSON of OTLP."""
    # The ids follow from the id of the probe, so who looks for the span knows them.
    id_digits = hashlib.sha256(probe.id.encode()).hexdigest()
    span: dict[str, Any] = {
        "traceId": id_digits[:32],
        "spanId": id_digits[32:48],
        "name": probe.record_name,
        "kind": _SPAN_KIND_INTERNAL,
        "startTimeUnixNano": probe.start_time,
        "endTimeUnixNano": probe.end_time,
        "attributes": probe.attributes,
    }
    if is_failed:
        span["status"] = {"code": _STATUS_CODE_ERROR, "message": "a test of the pipeline"}
    return span


def _build_metric(probe: _Probe) -> dict[str, Any]:
    data_point = {
        "asInt": "1",
        "startTimeUnixNano": probe.start_time,
        "timeUnixNano": probe.end_time,
        "attributes": probe.attributes,
    }
    return {"name": METRIC, "gauge": {"dataPoints": [data_point]}}


def _build_log_record(probe: _Probe) -> dict[str, Any]:
    return {
        "timeUnixNano": probe.end_time,
        "observedTimeUnixNano": probe.end_time,
        "severityNumber": _SEVERITY_NUMBER_INFO,
        "body": {"stringValue": probe.record_name},
        "attributes": probe.attributes,
    }


def list_grown_counts(
    earlier_counts: Mapping[HostCountKey, int],
    later_counts: Mapping[HostCountKey, int],
    signal: str,
    count_names: tuple[str, ...],
) -> list[str]:
    """Return a line for each count of a signal that grew, such as `otlp_grpc: exporter_sent +1`.

    Only counts with one of the names matter.
    """
    lines = []
    for count, value in sorted(later_counts.items()):
        growth = value - earlier_counts.get(count, 0)
        if count.signal == signal and count.name in count_names and growth > 0:
            component_name = count.component_id.partition("/")[2]
            lines.append(f"{component_name}: {count.name} +{growth}")
    return lines


def has_arrived(
    earlier_counts: Mapping[HostCountKey, int], later_counts: Mapping[HostCountKey, int], signal: str
) -> bool:
    """Return whether a receiver accepted records of a signal and an exporter sent some, between both readings."""
    for count_name in (ACCEPTED_COUNT, SENT_COUNT):
        if not list_grown_counts(earlier_counts, later_counts, signal, (count_name,)):
            return False
    return True
