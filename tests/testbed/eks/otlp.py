# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what AWS makes of OTLP: log events in log groups, spans as log events of `aws/spans`, and series for PromQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from moto.logs.models import logs_backends
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.testbed.aws.world import ACCOUNT
from tests.testbed.eks.requests import Call

SPAN_GROUP, SPAN_STREAM = "aws/spans", "default"
"""The log group and the log stream in which AWS keeps spans."""
QUERY_PATTERN = re.compile(r'\{"(?P<metric>[^"]+)","(?P<label>[^"]+)"="(?P<value>[^"]*)"\}\Z')
"""The only PromQL that is understood: a metric with one label, as UTF-8 names are written since Prometheus 3."""
SCOPE_LISTS = ("scopeSpans", "scopeLogs", "scopeMetrics")
RECORD_LISTS = ("spans", "logRecords", "metrics")
METRIC_KINDS = ("sum", "gauge", "histogram", "exponentialHistogram")
"""The kinds of metrics that are kept, as the field that holds their data points. Summaries are not kept."""

Message = Mapping[str, Any]


class TelemetryStore:
    """The telemetry that one AWS account has received as OTLP."""

    def __init__(self) -> None:
        self.series: list[dict[str, str]] = []
        """The labels of each data point, with its metric as `__name__`. Values are not kept."""

    def keep_records(self, call: Call, body: bytes, milliseconds: int) -> None:
        """Keep the records of one request, which came at that time since 1970.

        `body` is the protobuf message. Raises google.protobuf.message.DecodeError for other bytes.
        """
        service = call.endpoint.service
        if service == "monitoring":
            self.series += _list_series(MessageToDict(ExportMetricsServiceRequest.FromString(body)))
        elif service == "xray":
            message = MessageToDict(ExportTraceServiceRequest.FromString(body))
            _put_log_events(call.endpoint.region, SPAN_GROUP, SPAN_STREAM, message, milliseconds)
        else:
            message = MessageToDict(ExportLogsServiceRequest.FromString(body))
            group, stream = call.parameters["logGroupName"], call.parameters["logStreamName"]
            _put_log_events(call.endpoint.region, group, stream, message, milliseconds)

    def answer_query(self, promql: str) -> dict[str, Any]:
        """Return the answer of Prometheus to a query for a metric and one label. Another query finds nothing."""
        match = QUERY_PATTERN.match(promql)
        result = []
        if match:
            required_labels = {f"@datapoint.{match['label']}": match["value"], "__name__": match["metric"]}
            result = [
                {"metric": labels, "value": [0, "1"]} for labels in self.series if _has_labels(labels, required_labels)
            ]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}


def _has_labels(labels: Mapping[str, str], required_labels: Mapping[str, str]) -> bool:
    return required_labels.items() <= labels.items()


def _put_log_events(region: str, group: str, stream: str, message: Message, milliseconds: int) -> None:
    """Add a log event for each record of a message. Log group and log stream are made if they do not exist."""
    backend = logs_backends[ACCOUNT][region]
    if group not in backend.groups:
        backend.create_log_group(group, {})
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    events = [{"timestamp": milliseconds, "message": json.dumps(record)} for record in list_records(message)]
    backend.put_log_events(group, stream, events)


def list_records(message: Message) -> Iterator[dict[str, Any]]:
    """Yield each span, log record or metric of a message, with its resource.

    Attributes are an object by their keys, and the body of a log record is its value.
    """
    for resource_message in next(iter(message.values()), []):
        resource_fields = {"attributes": _attributes_by_key(resource_message.get("resource", {}).get("attributes"))}
        for scope_message in _find_list(SCOPE_LISTS, resource_message):
            for record in _find_list(RECORD_LISTS, scope_message):
                body_fields = {"body": _plain_value(record["body"])} if "body" in record else {}
                yield {
                    **record,
                    **body_fields,
                    "attributes": _attributes_by_key(record.get("attributes")),
                    "resource": resource_fields,
                }


def _find_list(names: tuple[str, ...], message: Message) -> list[Message]:
    """Return the list in the one field that a message has of several; an empty list if it has none of them."""
    for name in names:
        if name in message:
            messages: list[Message] = message[name]
            return messages
    return []


def _list_series(message: Message) -> Iterator[dict[str, str]]:
    """Yield the labels of each data point of a request of metrics."""
    for metric in list_records(message):
        resource_labels = _prefix_labels("@resource.", metric["resource"]["attributes"])
        for point in _list_data_points(metric):
            yield {
                "__name__": metric["name"],
                **resource_labels,
                **_prefix_labels("@datapoint.", _attributes_by_key(point.get("attributes"))),
            }


def _list_data_points(metric: Message) -> list[Message]:
    for kind in METRIC_KINDS:
        if kind in metric:
            points: list[Message] = metric[kind].get("dataPoints", [])
            return points
    return []


def _prefix_labels(prefix: str, attributes: Mapping[str, Any]) -> dict[str, str]:
    return {f"{prefix}{key}": str(value) for key, value in attributes.items()}


def _attributes_by_key(attributes: list[Message] | None) -> dict[str, Any]:
    """Return the values of attributes by their keys."""
    return {attribute["key"]: _plain_value(attribute["value"]) for attribute in attributes or []}


def _plain_value(any_value: Message) -> Any:
    """Return the value in an AnyValue of OTLP: a text, a number, or the message of a list; None if it is empty."""
    return next(iter(any_value.values()), None)
