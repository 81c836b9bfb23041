# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One span, one data point and one log record as OTLP's JSON, and what of them was counted. Private.

Source: OTLP/HTTP with JSON, in which ids are hexadecimal (opentelemetry-proto). The names of the
records are those of `_telemetry/live/otlp_payloads.py`, which needs a library that hosts do not have.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .host_judgement import Count

ID_ATTRIBUTE, METRIC, SERVICE = "o11y.probe.id", "o11y.probe", "o11y-probe"
# What a signal must be counted by, in and out; all other counters of it that grow say what went wrong.
ACCEPTED_COUNT, SENT_COUNT = "receiver_accepted", "exporter_sent"
TROUBLE_COUNTS = ("receiver_refused", "receiver_failed", "exporter_send_failed", "exporter_enqueue_failed")
_ERROR = {"code": 2, "message": "a test of the pipeline"}


def build_probe_request(signal: str, probe_id: str, now_nanoseconds: int, is_failed: bool) -> bytes:
    """Return the request for one record of a signal; a span that failed is one that tail samplers keep."""
    end_time, start_time = str(now_nanoseconds), str(now_nanoseconds - 1_000_000)
    attributes = [{"key": ID_ATTRIBUTE, "value": {"stringValue": probe_id}}]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}, *attributes]}
    scope, record_name = {"name": "o11y.opentelemetry"}, f"o11y-probe {probe_id}"
    id_digits = hashlib.sha256(probe_id.encode()).hexdigest()
    span: dict[str, Any] = {"traceId": id_digits[:32], "spanId": id_digits[32:48], "name": record_name, "kind": 1}
    span.update(startTimeUnixNano=start_time, endTimeUnixNano=end_time, attributes=attributes)
    if is_failed:
        span["status"] = _ERROR
    point = {"asInt": "1", "startTimeUnixNano": start_time, "timeUnixNano": end_time, "attributes": attributes}
    record = {"timeUnixNano": end_time, "observedTimeUnixNano": end_time, "severityNumber": 9}
    record.update(body={"stringValue": record_name}, attributes=attributes)
    metric = {"name": METRIC, "gauge": {"dataPoints": [point]}}
    bodies: dict[str, Any] = {
        "traces": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": [span]}]}]},
        "metrics": {
            "resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": [metric]}]}]
        },
        "logs": {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [record]}]}]},
    }
    return json.dumps(bodies[signal]).encode("utf-8")


def list_grown_counts(
    earlier_counts: Mapping[Count, int], later_counts: Mapping[Count, int], signal: str, count_names: tuple[str, ...]
) -> list[str]:
    """Return the counts of a signal that grew, as `exporters/otlp_grpc exporter_sent +1`."""
    lines = []
    for count, value in sorted(later_counts.items()):
        growth = value - earlier_counts.get(count, 0)
        if count.signal == signal and count.name in count_names and growth > 0:
            component_id = count.component_id.partition("/")[2]
            lines.append(f"{component_id}: {count.name} +{growth}")
    return lines


def has_arrived(earlier_counts: Mapping[Count, int], later_counts: Mapping[Count, int], signal: str) -> bool:
    """Whether a signal came in and went out since."""
    return all(
        list_grown_counts(earlier_counts, later_counts, signal, (name,)) for name in (ACCEPTED_COUNT, SENT_COUNT)
    )
