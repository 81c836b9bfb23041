# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How backends are asked for a probe, and how its records are read from their answers. Private.

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

from .._otelcol.bounded.json_text import json_value
from .._otelcol.config.paths import mappings

ID_ATTRIBUTE = "o11y.probe.id"
METRIC = "o11y.probe"
# Where CloudWatch has spans once Transaction Search is on.
SPANS_GROUP = "aws/spans"
IN_LOGS = "; with Transaction Search, spans are in CloudWatch, so ask kind cloudwatch for traces"
# What AWS puts before names of attributes: the exporter awsxray in metadata and annotations, CloudWatch in labels.
_PREFIXES = re.compile(r"\A(?:otel\.resource\.|otel_resource_|@(?:resource|instrumentation|datapoint)\.)")
# For how long before a question a probe may have been sent.
SINCE_SECONDS = 900
# How many traces of the service Jaeger returns: it cannot search for an attribute by this API. The proto has one name,
# and its HTTP gateway reads the other.
_DEPTH = dict.fromkeys(("query.search_depth", "query.num_traces"), "100")
# A backend wraps an attribute in some levels of a document. Python parses many more than a function may call itself.
_MOST_LEVELS = 50
Attributes = dict[str, str]


class Question(NamedTuple):
    """One request: what comes behind the address, its query and its JSON body."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None


class Call(NamedTuple):
    """One operation of AWS, by its names in boto3."""

    service: str
    operation: str
    parameters: dict[str, Any]


class Asked(NamedTuple):
    """What a question is about. Times are seconds since 1970; `data` names an index or a log group."""

    signal: str
    probe_id: str
    service: str
    now: float
    attributes: tuple[str, ...]
    data: str


class Backend(NamedTuple):
    """A kind of backend: its signals, what to ask, how to read the attributes of each record, whether the backend
    answers with records of the probe alone, whether AWS is asked, what else a missing record may mean, and which
    signals need a log group."""

    signals: tuple[str, ...]
    question: Callable[[Asked], Question | Call]
    records: Callable[[Any], Iterator[Attributes]]
    filters: bool = True
    aws: bool = False
    unless: str = ", or not for this tenant"
    grouped: tuple[str, ...] = ()


def _prometheus(asked: Asked) -> Question:
    """Ask for the label with underscores, or for the metric whose name kept its dots: its label has dots too, and only
    version 3 can parse a query with those."""
    with_dots = METRIC.replace(".", "[.]")
    query = f'{{{plain(ID_ATTRIBUTE)}="{asked.probe_id}"}} or {{__name__=~".*{with_dots}.*"}}'
    return Question("GET", "/api/v1/query", {"query": query})


def _loki(asked: Asked) -> Question:
    start = str(int(asked.now - SINCE_SECONDS))
    query = {"query": f'{{service_name="{asked.service}"}} |= "{asked.probe_id}"', "start": start, "limit": "10"}
    return Question("GET", "/loki/api/v1/query_range", query)


def _jaeger(asked: Asked) -> Question:
    times = {
        "query.start_time_min": _rfc3339(asked.now - SINCE_SECONDS),
        "query.start_time_max": _rfc3339(asked.now + SINCE_SECONDS),
    }
    return Question("GET", "/api/v3/traces", {"query.service_name": asked.service, **_DEPTH, **times})


def _tempo(asked: Asked) -> Question:
    chosen = ", ".join(f"resource.{name}" for name in ("service.name", *asked.attributes))
    return Question("GET", "/api/search", {"q": f'{{ .{ID_ATTRIBUTE} = "{asked.probe_id}" }} | select({chosen})'})


def _elasticsearch(asked: Asked) -> Question:
    body = {"size": 10, "query": {"query_string": {"query": f'"{asked.probe_id}"', "lenient": True}}}
    return Question("POST", f"/{asked.data or f'*{asked.signal}*'}/_search", {}, body)


def _datadog(asked: Asked) -> Question:
    search = {"query": asked.probe_id, "from": "now-15m", "to": "now"}
    body: dict[str, Any] = {"filter": search, "page": {"limit": 10}}
    if asked.signal == "logs":
        return Question("POST", "/api/v2/logs/events/search", {}, body)
    wrapped_body = {"data": {"type": "search_request", "attributes": body}}
    return Question("POST", "/api/v2/spans/events/search", {}, wrapped_body)


def _xray(asked: Asked) -> Call:
    ids = [xray_form(trace_id(asked.probe_id)), segment_id(asked.probe_id)]
    return Call("xray", "batch_get_traces", {"TraceIds": ids})


def _cloudwatch(asked: Asked) -> Question | Call:
    group = asked.data
    if not group and asked.signal == "traces":
        group = SPANS_GROUP
    if not group:  # without a space: a plus for it would be signed in another way than it is read
        query = f'{{"{METRIC}","{ID_ATTRIBUTE}"="{asked.probe_id}"}}'
        return Question("GET", "/api/v1/query", {"query": query})
    start = int((asked.now - SINCE_SECONDS) * 1000)
    parameters = {"logGroupName": group, "startTime": start, "filterPattern": f'"{asked.probe_id}"', "limit": 10}
    return Call("logs", "filter_log_events", parameters)


def _series(answer: Any) -> Iterator[Attributes]:
    """Read the labels of what Prometheus or Loki answers."""
    for series in mappings(answer, "data", "result"):
        labels = series.get("metric") or series.get("stream") or {}
        yield {str(key): str(value) for key, value in labels.items()}


def _otlp(answer: Any) -> Iterator[Attributes]:
    """Read OTLP's JSON, which Jaeger wraps in `result`."""
    for resource in mappings(answer, "result", "resourceSpans") or mappings(answer, "resourceSpans"):
        shared = _pairs(mappings(resource, "resource", "attributes"))
        for scope in mappings(resource, "scopeSpans"):
            for span in mappings(scope, "spans"):
                yield {**shared, **_pairs(mappings(span, "attributes"))}


def _spans(answer: Any) -> Iterator[Attributes]:
    for trace in mappings(answer, "traces"):
        for span_set in mappings(trace, "spanSets"):
            for span in mappings(span_set, "spans"):
                yield _pairs(mappings(span, "attributes"))


def _documents(answer: Any) -> Iterator[Attributes]:
    for hit in mappings(answer, "hits", "hits"):
        yield dict(_flat(hit.get("_source"), ()))


def _events(answer: Any) -> Iterator[Attributes]:
    for event in mappings(answer, "data"):
        yield dict(_flat(event.get("attributes"), ()))


def _segments(answer: Any) -> Iterator[Attributes]:
    for trace in mappings(answer, "Traces"):
        for segment in mappings(trace, "Segments"):
            yield _bare(_flat(_parsed(segment.get("Document")), ()))


def _log_events(answer: Any) -> Iterator[Attributes]:
    """Read log events, whose messages are mostly JSON, or the series of PromQL."""
    for labels in _series(answer):
        yield _bare(labels.items())
    for event in mappings(answer, "events"):
        attributes = _bare(_flat(_parsed(event.get("message")), ()))
        yield {**attributes, "logStreamName": str(event.get("logStreamName"))}


def _parsed(text: Any) -> Any:
    try:
        return json_value(text)
    except (TypeError, ValueError):
        return {"message": text}


def _bare(pairs: Iterable[tuple[str, str]]) -> Attributes:
    """Return attributes also under their names without what AWS puts before them."""
    attributes = {}
    for key, value in pairs:
        attributes[key] = value
        attributes[_PREFIXES.sub("", key)] = value
    return attributes


def _pairs(items: Any) -> Attributes:
    """Return the attributes of OTLP's JSON, which has each value below the name of its type."""
    attributes = {}
    for attribute in items:
        typed_value = attribute.get("value") or {}
        value = next(iter(typed_value.values()), "")
        attributes[str(attribute.get("key"))] = str(value)
    return attributes


def _flat(value: Any, path: tuple[str, ...], levels: int = _MOST_LEVELS) -> Iterator[tuple[str, str]]:
    """Yield each value with its path, and with each end of the path: backends wrap attributes differently.

    What is below so many levels is left out: no backend wraps an attribute as deeply.
    """
    if levels == 0:
        return
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _flat(below, (*path, str(key)), levels - 1)
    elif isinstance(value, list) and any(isinstance(element, Mapping) for element in value):
        for element in value:
            yield from _flat(element, path, levels - 1)
    else:
        for start in range(len(path)):
            yield ".".join(path[start:]), str(value)


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def trace_id(probe_id: str) -> str:
    """Return the trace ID of a probe's span: as random as those of applications, and known to who looks for it."""
    return hashlib.sha256(probe_id.encode()).hexdigest()[:32]


def segment_id(probe_id: str) -> str:
    """Return the trace ID of a probe's segment. It begins with a time, as those of the X-Ray SDKs do."""
    return xray_form(probe_id[:8] + trace_id(probe_id)[8:])


def xray_form(trace: str) -> str:
    """Return a trace ID as X-Ray writes it."""
    return f"1-{trace[:8]}-{trace[8:]}"


def plain(name: str) -> str:
    """Return the name of an attribute as Prometheus and Loki write it."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


BACKENDS: dict[str, Backend] = {
    "prometheus": Backend(("metrics",), _prometheus, _series, filters=False),
    "loki": Backend(("logs",), _loki, _series),
    "jaeger": Backend(("traces",), _jaeger, _otlp, filters=False),
    "tempo": Backend(("traces",), _tempo, _spans),
    "elasticsearch": Backend(("traces", "metrics", "logs"), _elasticsearch, _documents),
    "datadog": Backend(("traces", "logs"), _datadog, _events),
    "xray": Backend(("traces",), _xray, _segments, aws=True, unless=IN_LOGS),
    "cloudwatch": Backend(
        ("traces", "metrics", "logs"), _cloudwatch, _log_events, aws=True, unless="", grouped=("logs",)
    ),
}


def of_probe(backend: Backend, answer: Any, probe_id: str) -> list[Attributes]:
    """Return the attributes of each record of a probe."""
    records = list(backend.records(answer))
    if backend.filters:
        return records
    names = (ID_ATTRIBUTE, plain(ID_ATTRIBUTE))
    return [record for record in records if probe_id in [record.get(name) for name in names]]


def missing(records: list[Attributes], wanted: Mapping[str, Any]) -> list[str]:
    """Return the attributes that no record has, or has with another value, each with a word on that."""
    lines = []
    for name, value in wanted.items():
        values = _values_of(records, name)
        if not values:
            lines.append(f"the record has no attribute {name}")
        elif value not in (None, "") and str(value) not in values:
            lines.append(f"attribute {name} is not '{value}'")
    return lines


def _values_of(records: list[Attributes], name: str) -> set[str]:
    """Return the values that records have for an attribute, under its own name or as Prometheus writes it."""
    values = set()
    for record in records:
        for key in (name, plain(name)):
            if key in record:
                values.add(record[key])
    return values
