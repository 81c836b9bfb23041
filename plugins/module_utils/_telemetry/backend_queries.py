# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the question to a backend for a probe, and read the records of the probe from the answer. Private.

A probe is one record of a signal that module otlp_probe sends, with an id in the attribute `o11y.probe.id`.
`live/backend_search.py` sends the questions. `BACKENDS`, near the end, has a row for each kind of backend: a function
`_ask_…` builds its question, and a function `_read_…` yields the attributes of each record in its answer.

Sources: the HTTP APIs of Prometheus (`/api/v1/query`), Loki (`/loki/api/v1/query_range`), Jaeger (API v3,
`api_v3/query_service.proto`), Tempo (`/api/search` with TraceQL) and Elasticsearch and OpenSearch (`_search`); logs and
spans events of Datadog's API v2; BatchGetTraces of AWS X-Ray, FilterLogEvents of CloudWatch Logs, and QueryMetrics of
CloudWatch, which is PromQL and must name the metric.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.config.paths import mappings_at

ID_ATTRIBUTE = "o11y.probe.id"
PROBE_METRIC = "o11y.probe"
# The log group in which CloudWatch has spans if Transaction Search is on.
SPANS_GROUP = "aws/spans"
HINT_OF_TRANSACTION_SEARCH = "; with Transaction Search, spans are in CloudWatch, so ask kind cloudwatch for traces"
# Prefixes of names of attributes: exporter awsxray adds them in metadata and annotations, CloudWatch in labels.
_AWS_PREFIXES = re.compile(r"\A(?:otel\.resource\.|otel_resource_|@(?:resource|instrumentation|datapoint)\.)")
# How many seconds before a question a probe may have been sent.
SINCE_SECONDS = 900
# How many traces of the service Jaeger returns, among which the probe is looked for: this API cannot search for an
# attribute. The proto names the limit by the first key, and its HTTP gateway reads the second one.
_JAEGER_LIMITS = dict.fromkeys(("query.search_depth", "query.num_traces"), "100")
# How deep in a document an attribute may be. Documents may be nested deeper than Python allows recursion.
_MOST_LEVELS = 50
# The attributes of a record by their names.
Attributes = dict[str, str]


class BackendRequest(NamedTuple):
    """A request over HTTP. `path` comes behind the address of the backend, `body` is sent as JSON."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None
    """None for a request without a body."""


class AwsCall(NamedTuple):
    """A call of an operation of AWS, by the names of boto3."""

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


class BackendKind(NamedTuple):
    """A kind of backend."""

    signals: tuple[str, ...]
    """The signals that it can keep."""
    build_question: Callable[[ProbeSearch], BackendRequest | AwsCall]
    read_records: Callable[[Any], Iterator[Attributes]]
    """Takes an answer, parsed from JSON, and yields the attributes of each record."""
    filters: bool = True
    """Whether it answers with records of the probe alone. Otherwise `select_probe_records` looks for the id in them."""
    is_aws: bool = False
    absence_note: str = ", or not for this tenant"
    """What else it may mean that it has no record, as the end of a sentence."""
    grouped_signals: tuple[str, ...] = ()
    """The signals for which it needs a log group."""


def _ask_prometheus(probe_search: ProbeSearch) -> BackendRequest:
    """Ask for the label of the probe, or for the metric of all probes.

    Prometheus replaces dots by underscores. If it keeps dots, the label has dots too, which only version 3 can parse in
    a query; so the metric is asked for by its name, with any label.
    """
    dotted_name = PROBE_METRIC.replace(".", "[.]")
    query = (
        f'{{{replace_special_characters(ID_ATTRIBUTE)}="{probe_search.probe_id}"}} or {{__name__=~".*{dotted_name}.*"}}'
    )
    return BackendRequest("GET", "/api/v1/query", {"query": query})


def _ask_loki(probe_search: ProbeSearch) -> BackendRequest:
    start = str(int(probe_search.current_time - SINCE_SECONDS))
    query = {
        "query": f'{{service_name="{probe_search.service}"}} |= "{probe_search.probe_id}"',
        "start": start,
        "limit": "10",
    }
    return BackendRequest("GET", "/loki/api/v1/query_range", query)


def _ask_jaeger(probe_search: ProbeSearch) -> BackendRequest:
    time_range = {
        "query.start_time_min": _format_rfc3339(probe_search.current_time - SINCE_SECONDS),
        "query.start_time_max": _format_rfc3339(probe_search.current_time + SINCE_SECONDS),
    }
    return BackendRequest(
        "GET", "/api/v3/traces", {"query.service_name": probe_search.service, **_JAEGER_LIMITS, **time_range}
    )


def _ask_tempo(probe_search: ProbeSearch) -> BackendRequest:
    selected_attributes = ", ".join(f"resource.{name}" for name in ("service.name", *probe_search.attributes))
    return BackendRequest(
        "GET",
        "/api/search",
        {"q": f'{{ .{ID_ATTRIBUTE} = "{probe_search.probe_id}" }} | select({selected_attributes})'},
    )


def _ask_elasticsearch(probe_search: ProbeSearch) -> BackendRequest:
    body = {"size": 10, "query": {"query_string": {"query": f'"{probe_search.probe_id}"', "lenient": True}}}
    return BackendRequest("POST", f"/{probe_search.data_name or f'*{probe_search.signal}*'}/_search", {}, body)


def _ask_datadog(probe_search: ProbeSearch) -> BackendRequest:
    search_filter = {"query": probe_search.probe_id, "from": "now-15m", "to": "now"}
    body: dict[str, Any] = {"filter": search_filter, "page": {"limit": 10}}
    if probe_search.signal == "logs":
        return BackendRequest("POST", "/api/v2/logs/events/search", {}, body)
    wrapped_body = {"data": {"type": "search_request", "attributes": body}}
    return BackendRequest("POST", "/api/v2/spans/events/search", {}, wrapped_body)


def _ask_xray(probe_search: ProbeSearch) -> AwsCall:
    """Ask for both traces of the probe: that of its OTLP span, and that of a segment in the form of the X-Ray SDKs."""
    trace_ids = [format_xray_trace_id(probe_trace_id(probe_search.probe_id)), probe_segment_id(probe_search.probe_id)]
    return AwsCall("xray", "batch_get_traces", {"TraceIds": trace_ids})


def _ask_cloudwatch(probe_search: ProbeSearch) -> BackendRequest | AwsCall:
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


def _read_series(answer: Any) -> Iterator[Attributes]:
    """Read the labels of each series of Prometheus, or of each stream of Loki."""
    for series in mappings_at(answer, "data", "result"):
        labels = series.get("metric") or series.get("stream") or {}
        yield {str(key): str(value) for key, value in labels.items()}


def _read_otlp_spans(answer: Any) -> Iterator[Attributes]:
    """Read spans in OTLP's JSON, which Jaeger wraps in `result`."""
    for resource in mappings_at(answer, "result", "resourceSpans") or mappings_at(answer, "resourceSpans"):
        resource_attributes = _read_otlp_attributes(mappings_at(resource, "resource", "attributes"))
        for scope in mappings_at(resource, "scopeSpans"):
            for span in mappings_at(scope, "spans"):
                yield {**resource_attributes, **_read_otlp_attributes(mappings_at(span, "attributes"))}


def _read_tempo_spans(answer: Any) -> Iterator[Attributes]:
    for trace in mappings_at(answer, "traces"):
        for span_set in mappings_at(trace, "spanSets"):
            for span in mappings_at(span_set, "spans"):
                yield _read_otlp_attributes(mappings_at(span, "attributes"))


def _read_documents(answer: Any) -> Iterator[Attributes]:
    for hit in mappings_at(answer, "hits", "hits"):
        yield dict(_flatten_document(hit.get("_source"), ()))


def _read_datadog_events(answer: Any) -> Iterator[Attributes]:
    for event in mappings_at(answer, "data"):
        yield dict(_flatten_document(event.get("attributes"), ()))


def _read_xray_segments(answer: Any) -> Iterator[Attributes]:
    for trace in mappings_at(answer, "Traces"):
        for segment in mappings_at(trace, "Segments"):
            yield _add_names_without_prefix(_flatten_document(_parse_json_or_message(segment.get("Document")), ()))


def _read_log_events(answer: Any) -> Iterator[Attributes]:
    """Read the log events of CloudWatch Logs, whose messages are mostly JSON, or the series of its PromQL."""
    for series_labels in _read_series(answer):
        yield _add_names_without_prefix(series_labels.items())
    for event in mappings_at(answer, "events"):
        attributes = _add_names_without_prefix(_flatten_document(_parse_json_or_message(event.get("message")), ()))
        yield {**attributes, "logStreamName": str(event.get("logStreamName"))}


def _parse_json_or_message(text: Any) -> Any:
    try:
        return parse_json(text)
    except (TypeError, ValueError):
        return {"message": text}


def _add_names_without_prefix(pairs: Iterable[tuple[str, str]]) -> Attributes:
    """Return attributes under their names, and also under their names without the prefixes of AWS."""
    attributes = {}
    for key, value in pairs:
        attributes[key] = value
        attributes[_AWS_PREFIXES.sub("", key)] = value
    return attributes


def _read_otlp_attributes(otlp_attributes: Any) -> Attributes:
    """Return the attributes in OTLP's JSON, where a value is written as `{"stringValue": "a"}`."""
    attributes = {}
    for attribute in otlp_attributes:
        typed_value = attribute.get("value") or {}
        value = next(iter(typed_value.values()), "")
        attributes[str(attribute.get("key"))] = str(value)
    return attributes


def _flatten_document(value: Any, path: tuple[str, ...], levels_left: int = _MOST_LEVELS) -> Iterator[tuple[str, str]]:
    """Yield each value of a document with its path, such as `a.b.c`, and with each end of it: `b.c` and `c`.

    Backends put an attribute at different depths, so any end of the path may be its name. Values below too many levels
    are left out.
    """
    if levels_left == 0:
        return
    if isinstance(value, Mapping):
        for key, nested_value in value.items():
            yield from _flatten_document(nested_value, (*path, str(key)), levels_left - 1)
    elif isinstance(value, list) and any(isinstance(element, Mapping) for element in value):
        for element in value:
            yield from _flatten_document(element, path, levels_left - 1)
    else:
        for first_level in range(len(path)):
            yield ".".join(path[first_level:]), str(value)


def _format_rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def probe_trace_id(probe_id: str) -> str:
    """Return the trace ID of a probe's span. It looks random, and follows from the ID of the probe."""
    return hashlib.sha256(probe_id.encode()).hexdigest()[:32]


def probe_segment_id(probe_id: str) -> str:
    """Return the trace ID of a probe's segment. It begins with a time, as those of the X-Ray SDKs do."""
    return format_xray_trace_id(probe_id[:8] + probe_trace_id(probe_id)[8:])


def format_xray_trace_id(trace_id: str) -> str:
    """Return a trace ID of 32 hexadecimal digits as X-Ray writes it: `1-` with 8 digits, a dash, and 24 digits."""
    return f"1-{trace_id[:8]}-{trace_id[8:]}"


def replace_special_characters(name: str) -> str:
    """Return the name of an attribute as Prometheus and Loki write it."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


BACKENDS: dict[str, BackendKind] = {
    "prometheus": BackendKind(("metrics",), _ask_prometheus, _read_series, filters=False),
    "loki": BackendKind(("logs",), _ask_loki, _read_series),
    "jaeger": BackendKind(("traces",), _ask_jaeger, _read_otlp_spans, filters=False),
    "tempo": BackendKind(("traces",), _ask_tempo, _read_tempo_spans),
    "elasticsearch": BackendKind(("traces", "metrics", "logs"), _ask_elasticsearch, _read_documents),
    "datadog": BackendKind(("traces", "logs"), _ask_datadog, _read_datadog_events),
    "xray": BackendKind(
        ("traces",), _ask_xray, _read_xray_segments, is_aws=True, absence_note=HINT_OF_TRANSACTION_SEARCH
    ),
    "cloudwatch": BackendKind(
        ("traces", "metrics", "logs"),
        _ask_cloudwatch,
        _read_log_events,
        is_aws=True,
        absence_note="",
        grouped_signals=("logs",),
    ),
}


def select_probe_records(backend: BackendKind, answer: Any, probe_id: str) -> list[Attributes]:
    """Return the attributes of each record of a probe; empty if the backend does not have it."""
    records = list(backend.read_records(answer))
    if backend.filters:
        return records
    id_names = (ID_ATTRIBUTE, replace_special_characters(ID_ATTRIBUTE))
    return [record for record in records if probe_id in [record.get(name) for name in id_names]]


def describe_missing_attributes(records: list[Attributes], required_attributes: Mapping[str, Any]) -> list[str]:
    """Return a line for each required attribute that no record has, or that all records have with another value.

    `required_attributes` has values by names; an attribute with None or an empty text may have any value.
    """
    problems = []
    for name, value in required_attributes.items():
        values = _list_attribute_values(records, name)
        if not values:
            problems.append(f"the record has no attribute {name}")
        elif value not in (None, "") and str(value) not in values:
            problems.append(f"attribute {name} is not '{value}'")
    return problems


def _list_attribute_values(records: list[Attributes], name: str) -> set[str]:
    """Return the values that records have for an attribute, under its own name or as Prometheus writes it."""
    values = set()
    for record in records:
        for spelled_name in (name, replace_special_characters(name)):
            if spelled_name in record:
                values.add(record[spelled_name])
    return values
