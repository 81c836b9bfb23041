# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS makes of OTLP: log events in a log group, spans as those of `aws/spans`, and metrics that PromQL finds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict
from moto.logs.models import logs_backends
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.testbed.aws.world import ACCOUNT
from tests.testbed.eks.requests import Asked

SPANS = ("aws/spans", "default")
# A metric by name and one label, with UTF-8 names as in Prometheus 3.
QUERY = re.compile(r'\{"(?P<metric>[^"]+)","(?P<label>[^"]+)"="(?P<value>[^"]*)"\}\Z')


class Kept:
    """All of it."""

    def __init__(self) -> None:
        self.series: list[dict[str, str]] = []

    def keep(self, asked: Asked, body: bytes, milliseconds: int) -> None:
        """Keep the records of one request."""
        if asked.service == "monitoring":
            self.series += _series(MessageToDict(ExportMetricsServiceRequest.FromString(body)))
            return
        spans = asked.service == "xray"
        message = MessageToDict((ExportTraceServiceRequest if spans else ExportLogsServiceRequest).FromString(body))
        group, stream = SPANS if spans else (asked.given["logGroupName"], asked.given["logStreamName"])
        backend = logs_backends[ACCOUNT][asked.region]
        if group not in backend.groups:
            backend.create_log_group(group, {})
        if stream not in backend.groups[group].streams:
            backend.create_log_stream(group, stream)
        events = [{"timestamp": milliseconds, "message": json.dumps(record)} for record in records(message)]
        backend.put_log_events(group, stream, events)

    def query(self, text: str) -> dict[str, Any]:
        """Return the answer to PromQL that names a metric and one label."""
        match = QUERY.match(text)
        wanted = {f"@datapoint.{match['label']}": match["value"], "__name__": match["metric"]} if match else {"": ""}
        found = [{"metric": one, "value": [0, "1"]} for one in self.series if wanted.items() <= one.items()]
        return {"status": "success", "data": {"resultType": "vector", "result": found}}


def records(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each span, log record or metric with its resource; attributes are objects."""
    for resource in next(iter(message.values()), []):
        shared = {"attributes": _plain(resource.get("resource", {}).get("attributes"))}
        for scope in next(value for key, value in resource.items() if key.startswith("scope")):
            for record in next(value for key, value in scope.items() if key in ("spans", "logRecords", "metrics")):
                body = {"body": next(iter(record["body"].values()))} if "body" in record else {}
                yield {**record, **body, "attributes": _plain(record.get("attributes")), "resource": shared}


def _series(message: dict[str, Any]) -> Iterator[dict[str, str]]:
    for metric in records(message):
        resource = {f"@resource.{key}": str(value) for key, value in metric["resource"]["attributes"].items()}
        data = next(metric[kind] for kind in ("sum", "gauge", "histogram", "exponentialHistogram") if kind in metric)
        for point in data["dataPoints"]:
            own = {f"@datapoint.{key}": str(value) for key, value in _plain(point.get("attributes")).items()}
            yield {"__name__": metric["name"], **resource, **own}


def _plain(attributes: Any) -> dict[str, Any]:
    return {item["key"]: next(iter(item["value"].values()), None) for item in attributes or []}
