# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions to backends for a probe: a request over HTTP, or a call of AWS. Private.

A probe is one record of a signal (traces, metrics or logs) that module otlp_probe sends, with an id in an attribute.
`backend_kinds.py` has a row for each kind of backend with a function of this file, and `live/backend_search.py` sends
the question. For example, the question to Tempo for the probe `65f0a1b2c3d4e5f6`:

    GET /api/search?q={ .o11y.probe.id = "65f0a1b2c3d4e5f6" } | select(resource.service.name)

Sources: the HTTP APIs of Prometheus (`/api/v1/query`), Loki (`/loki/api/v1/query_range`), Jaeger (API v3,
`api_v3/query_service.proto`), Tempo (`/api/search` with TraceQL) and Elasticsearch and OpenSearch (`_search`); logs and
spans events of Datadog's API v2; BatchGetTraces of AWS X-Ray, FilterLogEvents of CloudWatch Logs, and QueryMetrics of
CloudWatch, which is PromQL and must name the metric.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .probe_ids import ID_ATTRIBUTE, PROBE_METRIC, format_xray_trace_id, probe_segment_id, probe_trace_id

# The log group in which CloudWatch has spans if Transaction Search is on.
SPANS_GROUP = "aws/spans"
# How many seconds before a question a probe may have been sent.
SINCE_SECONDS = 900
# How many traces of the service Jaeger returns, among which the probe is looked for: this API cannot search for an
# attribute. The proto names the limit by the first key, and its HTTP gateway reads the second one.
_JAEGER_LIMITS = {"query.search_depth": "100", "query.num_traces": "100"}


class BackendRequest(NamedTuple):
    """A request over HTTP. `path` comes behind the address of the backend, `body` is sent as JSON."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None
    """None for a request without a body."""


class AwsCall(NamedTuple):
    """A call of an operation of AWS, by the names of boto3, such as `xray` and `batch_get_traces`."""

    service: str
    operation: str
    parameters: dict[str, Any]


class ProbeSearch(NamedTuple):
    """The probe that a backend is asked for."""

    signal: str
    probe_id: str
    service: str
    """The service.name of the probe."""
    current_time: float
    """In seconds since 1970."""
    attributes: tuple[str, ...]
    """The names of the attributes that the record must have."""
    data_name: str
    """The name of an index or of a log group; empty for the usual one."""


def ask_prometheus(probe_search: ProbeSearch) -> BackendRequest:
    """Return the question to Prometheus: for the label of the probe, or for the metric of all probes.

    Prometheus replaces dots by underscores. If it keeps dots, the label has dots too, which only version 3 can parse in
    a query; so the metric is asked for by its name, with any label. The query is:

        {o11y_probe_id="65f0a1b2c3d4e5f6"} or {__name__=~".*o11y[.]probe.*"}
    """
    dotted_name = PROBE_METRIC.replace(".", "[.]")
    query = (
        f'{{{replace_special_characters(ID_ATTRIBUTE)}="{probe_search.probe_id}"}} or {{__name__=~".*{dotted_name}.*"}}'
    )
    return BackendRequest("GET", "/api/v1/query", {"query": query})


def ask_loki(probe_search: ProbeSearch) -> BackendRequest:
    """Return the question to Loki: `{service_name="shop"} |= "65f0a1b2c3d4e5f6"`."""
    start = str(int(probe_search.current_time - SINCE_SECONDS))
    query = {
        "query": f'{{service_name="{probe_search.service}"}} |= "{probe_search.probe_id}"',
        "start": start,
        "limit": "10",
    }
    return BackendRequest("GET", "/loki/api/v1/query_range", query)


def ask_jaeger(probe_search: ProbeSearch) -> BackendRequest:
    """Return the question to Jaeger: for the latest traces of the service."""
    time_range = {
        "query.start_time_min": _format_rfc3339(probe_search.current_time - SINCE_SECONDS),
        "query.start_time_max": _format_rfc3339(probe_search.current_time + SINCE_SECONDS),
    }
    return BackendRequest(
        "GET", "/api/v3/traces", {"query.service_name": probe_search.service, **_JAEGER_LIMITS, **time_range}
    )


def ask_tempo(probe_search: ProbeSearch) -> BackendRequest:
    """Return the question to Tempo, with the attributes that its answer shall have.

    The query is `{ .o11y.probe.id = "65f0a1b2c3d4e5f6" } | select(resource.service.name, resource.team)`.
    """
    selected_attributes = ", ".join(f"resource.{name}" for name in ("service.name", *probe_search.attributes))
    return BackendRequest(
        "GET",
        "/api/search",
        {"q": f'{{ .{ID_ATTRIBUTE} = "{probe_search.probe_id}" }} | select({selected_attributes})'},
    )


def ask_elasticsearch(probe_search: ProbeSearch) -> BackendRequest:
    """Return the question to Elasticsearch or OpenSearch: for documents with the id, in an index or in `*traces*`."""
    body = {"size": 10, "query": {"query_string": {"query": f'"{probe_search.probe_id}"', "lenient": True}}}
    return BackendRequest("POST", f"/{probe_search.data_name or f'*{probe_search.signal}*'}/_search", {}, body)


def ask_datadog(probe_search: ProbeSearch) -> BackendRequest:
    """Return the question to Datadog: for logs or spans with the id."""
    search_filter = {"query": probe_search.probe_id, "from": "now-15m", "to": "now"}
    body: dict[str, Any] = {"filter": search_filter, "page": {"limit": 10}}
    if probe_search.signal == "logs":
        return BackendRequest("POST", "/api/v2/logs/events/search", {}, body)
    wrapped_body = {"data": {"type": "search_request", "attributes": body}}
    return BackendRequest("POST", "/api/v2/spans/events/search", {}, wrapped_body)


def ask_xray(probe_search: ProbeSearch) -> AwsCall:
    """Return the question to X-Ray: for the trace of the OTLP span, and that of a segment as the X-Ray SDKs send it."""
    trace_ids = [format_xray_trace_id(probe_trace_id(probe_search.probe_id)), probe_segment_id(probe_search.probe_id)]
    return AwsCall("xray", "batch_get_traces", {"TraceIds": trace_ids})


def ask_cloudwatch(probe_search: ProbeSearch) -> BackendRequest | AwsCall:
    """Return the question to CloudWatch: for events of a log group, or for the metric.

    The query for the metric is `{"o11y.probe","o11y.probe.id"="65f0a1b2c3d4e5f6"}`.
    """
    log_group = probe_search.data_name
    if not log_group and probe_search.signal == "traces":
        log_group = SPANS_GROUP
    if not log_group:  # the query has no space: it would be sent as a plus, and signed as another character
        query = f'{{"{PROBE_METRIC}","{ID_ATTRIBUTE}"="{probe_search.probe_id}"}}'
        return BackendRequest("GET", "/api/v1/query", {"query": query})
    start = int((probe_search.current_time - SINCE_SECONDS) * 1000)
    parameters = {
        "logGroupName": log_group,
        "startTime": start,
        "filterPattern": f'"{probe_search.probe_id}"',
        "limit": 10,
    }
    return AwsCall("logs", "filter_log_events", parameters)


def replace_special_characters(name: str) -> str:
    """Return the name of an attribute as Prometheus and Loki write it."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def _format_rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
