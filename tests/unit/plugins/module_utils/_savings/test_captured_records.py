# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records come with their sizes, and enumerations of OTLP are read as numbers and as names."""

from __future__ import annotations

import json

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings import captured_records
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.captured_records import ReadableValues

from .planted import points, spans


def test_a_size_is_that_of_json_without_spaces() -> None:
    signal, request = spans({"attributes": {"größe": "zwölf"}, "resource": {"service.name": "cart"}})
    ((resource, (record,)),) = captured_records.read_resources(signal, request)
    (given,) = request["resourceSpans"]
    (span,) = given["scopeSpans"][0]["spans"]
    written = json.dumps(given, separators=(",", ":"), ensure_ascii=False).encode()
    assert record.size == resource.size_bytes == len(written)
    assert resource.service_name == "cart"
    attribute = json.dumps(span["attributes"][0], separators=(",", ":"), ensure_ascii=False).encode()
    assert captured_records.measure_attribute_size("größe", record.holders[0][1]["größe"]) == len(attribute) + 1


def test_records_share_what_stands_around_them() -> None:
    signal, request = spans({"name": "a"}, {"name": "a"}, {"name": "longer"})
    ((resource, (first, second, third)),) = captured_records.read_resources(signal, request)
    assert first.size == second.size == third.size - len("longer") + len("a")
    assert resource.size_bytes - 3 < first.size + second.size + third.size <= resource.size_bytes


def test_each_data_point_of_a_metric_is_an_item() -> None:
    signal, request = points({"attributes": {"a": "1"}}, {"attributes": {"a": "2"}})
    ((_resource, (record,)),) = captured_records.read_resources(signal, request)
    assert record.items == 2


@pytest.mark.parametrize(
    ("number", "level"),
    [
        (0, ""),
        (1, "TRACE"),
        (8, "DEBUG"),
        (9, "INFO"),
        (20, "ERROR"),
        (24, "FATAL"),
        ("SEVERITY_NUMBER_DEBUG2", "DEBUG"),
    ],
)
def test_a_level_is_read_as_a_number_and_as_a_name(number: object, level: str) -> None:
    assert captured_records.read_severity_level({"severityNumber": number}) == level


def test_kinds_and_status_are_read_as_numbers_and_as_names() -> None:
    assert (
        captured_records.read_span_kind({"kind": 1})
        == captured_records.read_span_kind({"kind": "SPAN_KIND_INTERNAL"})
        == captured_records.INTERNAL
    )
    assert captured_records.has_error_status({"status": {"code": 2}})
    assert captured_records.has_error_status({"status": {"code": "STATUS_CODE_ERROR"}})
    assert not captured_records.has_error_status({})


def test_a_masked_capture_reads_the_kept_attributes_alone() -> None:
    readable = ReadableValues(is_masked=True, unmasked_names=frozenset({"url.path"}))
    assert readable.can_read("url.path")
    assert not readable.can_read("http.target")
