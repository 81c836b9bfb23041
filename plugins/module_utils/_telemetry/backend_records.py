# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a probe in the answer of a backend, each as a mapping of its attributes. Private.

`backend_kinds.py` has a row for each kind of backend with a function of this file, which takes an answer that is parsed
from JSON. `live/backend_search.py` compares the records with the attributes that a user requires. For example, a series
in the answer of Prometheus:

    {"data": {"result": [{"metric": {"o11y_probe_id": "65f0a1b2c3d4e5f6", "service_name": "shop"}}]}}
    → {"o11y_probe_id": "65f0a1b2c3d4e5f6", "service_name": "shop"}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.config.paths import mappings_at
from .backend_queries import replace_special_characters

# Prefixes of names of attributes: exporter awsxray adds them in metadata and annotations, CloudWatch in labels. Such as
# `otel.resource.`, `otel_resource_` and `@resource.`.
_AWS_PREFIXES = re.compile(r"\A(?:otel\.resource\.|otel_resource_|@(?:resource|instrumentation|datapoint)\.)")
# How deep in a document an attribute may be. Documents may be nested deeper than Python allows recursion.
_MOST_LEVELS = 50
# The attributes of a record by their names.
Attributes = dict[str, str]


class _NamedValue(NamedTuple):
    """A value of a document, with one of the names that it may have as an attribute."""

    name: str
    value: str


def read_series(answer: Any) -> Iterator[Attributes]:
    """Yield the labels of each series of Prometheus, or of each stream of Loki."""
    for series in mappings_at(answer, "data", "result"):
        labels = series.get("metric") or series.get("stream") or {}
        yield {str(key): str(value) for key, value in labels.items()}


def read_otlp_spans(answer: Any) -> Iterator[Attributes]:
    """Yield the attributes of spans in OTLP's JSON, which Jaeger wraps in `result`."""
    # Jaeger streams its answer, so each part of it is in `result`; OTLP itself has no such key.
    for resource in mappings_at(answer, "result", "resourceSpans") or mappings_at(answer, "resourceSpans"):
        resource_attributes = _read_otlp_attributes(mappings_at(resource, "resource", "attributes"))
        for scope in mappings_at(resource, "scopeSpans"):
            for span in mappings_at(scope, "spans"):
                yield {**resource_attributes, **_read_otlp_attributes(mappings_at(span, "attributes"))}


def read_tempo_spans(answer: Any) -> Iterator[Attributes]:
    """Yield the attributes of the spans that Tempo found."""
    for trace in mappings_at(answer, "traces"):
        for span_set in mappings_at(trace, "spanSets"):
            for span in mappings_at(span_set, "spans"):
                yield _read_otlp_attributes(mappings_at(span, "attributes"))


def read_documents(answer: Any) -> Iterator[Attributes]:
    """Yield the attributes of documents of Elasticsearch or OpenSearch."""
    for hit in mappings_at(answer, "hits", "hits"):
        yield dict(_flatten_document(hit.get("_source"), ()))


def read_datadog_events(answer: Any) -> Iterator[Attributes]:
    """Yield the attributes of events of Datadog."""
    for event in mappings_at(answer, "data"):
        yield dict(_flatten_document(event.get("attributes"), ()))


def read_xray_segments(answer: Any) -> Iterator[Attributes]:
    """Yield the attributes of segments of X-Ray, which are texts of JSON."""
    for trace in mappings_at(answer, "Traces"):
        for segment in mappings_at(trace, "Segments"):
            yield _add_names_without_prefix(_flatten_document(_parse_json_or_message(segment.get("Document")), ()))


def read_log_events(answer: Any) -> Iterator[Attributes]:
    """Yield the attributes of CloudWatch's log events, whose messages are mostly JSON, or of its series."""
    for series_labels in read_series(answer):
        yield _add_names_without_prefix(series_labels.items())
    for event in mappings_at(answer, "events"):
        attributes = _add_names_without_prefix(_flatten_document(_parse_json_or_message(event.get("message")), ()))
        yield {**attributes, "logStreamName": str(event.get("logStreamName"))}


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


def _parse_json_or_message(text: Any) -> Any:
    """Return the JSON of a text; for another text a mapping with it as `message`."""
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


def _flatten_document(value: Any, path: tuple[str, ...], levels_left: int = _MOST_LEVELS) -> Iterator[_NamedValue]:
    """Yield each value of a document with its path, and with each end of the path.

    The document `{"a": {"b": {"c": 1}}}` has the names `a.b.c`, `b.c` and `c`, each with the value `1`.

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
            yield _NamedValue(".".join(path[first_level:]), str(value))
