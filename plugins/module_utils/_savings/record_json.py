# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON of the parts of a capture, and the bytes of each part in it. Private.

Bytes are those of OTLP in JSON without spaces, as a capture has them. A value of an attribute is compared and counted
as a text in JSON, since it may be a number, a list or a mapping. Example: the attribute `cpu` of 4 has the value
`{"intValue":"4"}`, and takes the bytes of `{"key":"cpu","value":{"intValue":"4"}},`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from .._otelcol.otlp_requests import measure_text

COMMA_BYTES = 1
"""The byte of the comma behind a record in its list."""
_ATTRIBUTE_OVERHEAD = len('{"key":,"value":},')
"""The bytes of an attribute beside its name and its value."""
# An encoder that is made once takes half of the time of `json.dumps`.
encode_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode
# The fields of a data point that have what it measured.
_VALUE_FIELDS = ("asDouble", "asInt", "count", "sum", "bucketCounts", "quantileValues", "positive", "negative")


def read_attributes(holder: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the attributes of a resource or record, each value in JSON: `{"cpu": '{"intValue":"4"}'}`."""
    attribute_pairs = (holder or {}).get("attributes") or ()
    return {str(pair.get("key", "")): _encode_attribute_value(pair.get("value") or {}) for pair in attribute_pairs}


def _encode_attribute_value(value: Mapping[str, Any]) -> str:
    """Return the value of an attribute in JSON, such as `{"stringValue":"cart"}`."""
    text_value = value.get("stringValue")
    # Most values are texts, and a single text is written in a fifth of the time.
    if isinstance(text_value, str):
        return '{"stringValue":' + encode_basestring(text_value) + "}"
    return encode_json(value)


def decode_attribute_text(value_json: str) -> str:
    """Return the text of an attribute, whose value is in JSON: `cart` of `{"stringValue":"cart"}`.

    Of a value that is no text, it is the JSON without the type: `true` of `{"boolValue":true}`.
    """
    tagged_value = json.loads(value_json) if value_json else None
    if not tagged_value:
        return ""
    bare_value = next(iter(tagged_value.values()))
    return bare_value if isinstance(bare_value, str) else encode_json(bare_value)


def encode_point_value(point: Mapping[str, Any]) -> str:
    """Return what a data point measured, in JSON."""
    return encode_json([point.get(name) for name in _VALUE_FIELDS])


def measure_json_size(request_part: Any) -> int:
    """Return the bytes of a part of a request in JSON without spaces."""
    return measure_text(encode_json(request_part))


def measure_attribute_size(name: str, value_json: str) -> int:
    """Return the bytes of an attribute, whose value is in JSON, in the list that has it."""
    return measure_text(encode_basestring(name)) + measure_text(value_json) + _ATTRIBUTE_OVERHEAD
