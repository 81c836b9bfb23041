# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records come with their sizes, and share what their resource has beside them."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings import captured_records
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.captured_records import ReadableValues
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.record_json import (
    decode_attribute_text,
    measure_attribute_size,
)

from tests.support.cases import cases

from .planted import points, spans


def test_a_size_is_that_of_json_without_spaces() -> None:
    signal, request = spans({"attributes": {"größe": "zwölf"}, "resource": {"service.name": "cart"}})
    ((resource, (record,)),) = captured_records.read_resources(signal, request)
    (given,) = request["resourceSpans"]
    (span,) = given["scopeSpans"][0]["spans"]
    written = json.dumps(given, separators=(",", ":"), ensure_ascii=False).encode()
    assert record.size_bytes == resource.size_bytes == len(written)
    assert resource.service_name == "cart"
    attribute = json.dumps(span["attributes"][0], separators=(",", ":"), ensure_ascii=False).encode()
    assert measure_attribute_size("größe", record.items[0].attributes["größe"]) == len(attribute) + 1


def test_records_share_what_stands_around_them() -> None:
    signal, request = spans({"name": "a"}, {"name": "a"}, {"name": "longer"})
    ((resource, (first, second, third)),) = captured_records.read_resources(signal, request)
    assert first.size_bytes == second.size_bytes == third.size_bytes - len("longer") + len("a")
    assert resource.size_bytes - 3 < first.size_bytes + second.size_bytes + third.size_bytes <= resource.size_bytes


def test_each_data_point_of_a_metric_is_an_item() -> None:
    signal, request = points({"attributes": {"a": "1"}}, {"attributes": {"a": "2"}})
    ((_resource, (record,)),) = captured_records.read_resources(signal, request)
    assert record.item_count == 2


def test_a_masked_capture_reads_the_kept_attributes_alone() -> None:
    readable = ReadableValues(is_masked=True, unmasked_names=frozenset({"url.path"}))
    assert readable.can_read("url.path")
    assert not readable.can_read("http.target")


@cases(
    "value, text",
    ({"stringValue": "cart"}, "cart"),
    ({"intValue": "4"}, "4"),
    ({"doubleValue": 1.5}, "1.5"),
    ({"boolValue": True}, "true"),
    ({"arrayValue": {"values": [{"boolValue": False}]}}, '{"values":[{"boolValue":false}]}'),
    ({}, ""),
    (None, ""),
)
def test_the_text_of_an_attribute_that_has_another_type_is_json(value: Any, text: str) -> None:
    assert decode_attribute_text(json.dumps(value)) == text


def test_the_text_of_no_attribute_is_empty() -> None:
    assert decode_attribute_text("") == ""
