# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests without their content: nothing of planted secrets and names is left, and everything that is counted is."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture import kept_values
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.record_masks import RecordMasks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.otlp_requests import (
    LISTS_BY_SIGNAL,
    count_items,
)

KEY = b"k" * 32


def counts(request: dict[str, Any]) -> dict[str, int]:
    """Return how many spans, data points and log records a request has, by its signal."""
    beginnings = {signal: resources for signal, (resources, *_rest) in LISTS_BY_SIGNAL.items()}
    return {signal: count_items(signal, request) for signal, begin in beginnings.items() if begin in request}


# Sixty things of a team that no capture may show: names, addresses, tokens, texts and numbers.
PLANTED = [
    *(f"{name}.{name}@example.com" for name in ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")),
    *(f"Bearer {number:032x}" for number in range(7, 17)),
    *(f"10.{number}.{number + 1}.{number + 2}" for number in range(100, 110)),
    *(f"/srv/customers/{name}/invoice.pdf" for name in ("acme", "initech", "umbrella", "hooli", "globex")),
    *(f"SELECT card FROM {name} WHERE pin = 4711" for name in ("vault", "ledger", "payroll", "salaries", "bonus")),
    *(
        "hunter2",
        "Tr0ub4dor&3",
        "correct-horse-battery",
        "Zoë Müller",
        "東京支店",
        "+49 170 1234567",
        "project-manhattan",
    ),
    *(f"DE89370400440532013{number:03}" for number in range(8)),
    *(f"https://user:pass{number}@internal.example/{number}" for number in range(7)),
]


def text(value: str) -> dict[str, Any]:
    return {"stringValue": value}


def attributes(value: str) -> list[dict[str, Any]]:
    """Return attributes that have a value in each way that OTLP has, also where an enumeration is expected."""
    encoded = base64.b64encode(value.encode()).decode()
    nested = {"kvlistValue": {"values": [{"key": "inner", "value": {"arrayValue": {"values": [text(value)]}}}]}}
    named = ("app.value", "http.request.method", "db.system", "level", "http.request.header.authorization", "password")
    pairs = [{"key": name, "value": text(value)} for name in named]
    return [*pairs, {"key": "b", "value": {"bytesValue": encoded}}, {"key": "m", "value": nested}]


def requests(value: str) -> Iterator[dict[str, Any]]:
    """Yield a request of each signal that has a value wherever OTLP has a text."""
    about = {"attributes": attributes(value), "droppedAttributesCount": value}
    scope = {"name": value, "version": value, **about}
    resource = {"resource": about, "schemaUrl": value, "unknownField": value}
    ids = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}
    span = {"name": value, "kind": 2, "traceState": value, "startTimeUnixNano": value, "status": {"message": value}}
    span |= {"events": [{"name": f"{value} 4711111", **about}], "links": [{"traceState": value, **ids, **about}]}
    yield {"resourceSpans": [{**resource, "scopeSpans": [{"scope": scope, "spans": [{**ids, **span, **about}]}]}]}
    point = {"asInt": "5", "attributes": attributes(value), "exemplars": [{"filteredAttributes": attributes(value)}]}
    metric = {"name": "app.orders", "description": value, "unit": value, "sum": {"dataPoints": [point, point]}}
    yield {"resourceMetrics": [{**resource, "scopeMetrics": [{"scope": scope, "metrics": [metric]}]}]}
    logs = [{"body": text(value), "severityText": value, **about}, {"body": attributes(value)[-1]["value"]}]
    yield {"resourceLogs": [{**resource, "scopeLogs": [{"scope": scope, "logRecords": logs}], "futureField": value}]}


def test_nothing_of_sixty_planted_secrets_and_names_is_left() -> None:
    masks = RecordMasks(KEY)
    shown = [
        json.dumps(masks.mask_request(request), ensure_ascii=False) for one in PLANTED for request in requests(one)
    ]
    assert len(set(PLANTED)) == 60
    for planted in PLANTED:
        encoded = base64.b64encode(planted.encode()).decode()
        escaped = json.dumps(planted)[1:-1]
        assert not [form for form in (planted, encoded, escaped) if any(form in line for line in shown)]


def test_secrets_are_left_out_even_if_values_are_kept() -> None:
    masks = RecordMasks(KEY, mode="keep")
    (span, *_rest) = requests("Bearer 0123456789abcdef0123456789abcdef")
    assert "0123456789abcdef0123456789abcdef" not in json.dumps(masks.mask_request(span))
    shown = json.dumps(masks.mask_request(next(requests("blue"))))
    values = {pair["key"]: pair["value"] for pair in json.loads(shown)["resourceSpans"][0]["resource"]["attributes"]}
    assert values["app.value"] == text("blue")
    assert text("blue") not in (values["http.request.header.authorization"], values["password"])


def shown_value(masks: RecordMasks, name: str, value: dict[str, Any]) -> Any:
    resource = {"attributes": [{"key": name, "value": value}]}
    masked = masks.mask_request({"resourceLogs": [{"resource": resource}]})
    return masked["resourceLogs"][0]["resource"]["attributes"][0]["value"]


def in_map(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"kvlistValue": {"values": [{"key": name, "value": value}]}}


@pytest.mark.parametrize("values", ["hash", "keep"])
@pytest.mark.parametrize("name", ["password", "http.request.header.x-card"])
@pytest.mark.parametrize(
    "value",
    [
        text("hunter2"),
        {"intValue": "4711"},
        {"intValue": 4711},
        {"doubleValue": 47.11},
        {"doubleValue": "47.11"},
        {"bytesValue": base64.b64encode(b"hunter2").decode()},
        {"arrayValue": {"values": [{"intValue": "4711"}]}},
        in_map("of.others", text("hunter2")),
        in_map("state", text("active")),
        in_map("inner", in_map("deep", {"intValue": "4711"})),
    ],
)
def test_no_type_of_value_under_the_name_of_a_secret_or_header_stays(
    name: str, value: dict[str, Any], values: str
) -> None:
    masks = RecordMasks(KEY, mode=values)
    shown_value(masks, "of.others", text("hunter2"))  # the same text under a name that may keep it
    shown = json.dumps(shown_value(masks, name, value))
    assert json.dumps(value) != shown
    for planted in ("hunter2", "4711", "47.11", "active", base64.b64encode(b"hunter2").decode()):
        assert planted not in shown


@pytest.mark.parametrize("masks", [RecordMasks(KEY, ["url.full"]), RecordMasks(KEY, mode="keep")])
def test_a_kept_value_loses_the_secrets_inside_of_it(masks: RecordMasks) -> None:
    url = "https://alice:hunter2@shop.example/cart"
    assert shown_value(masks, "url.full", text("https://shop.example/cart")) == text("https://shop.example/cart")
    assert "shop.example/cart" in json.dumps(shown_value(masks, "url.full", text(url)))
    packed = {"bytesValue": base64.b64encode(url.encode()).decode()}
    listed = {"arrayValue": {"values": [text(url)]}}
    assert "hunter2" not in json.dumps([shown_value(masks, "url.full", value) for value in (text(url), listed)])
    assert shown_value(masks, "url.full", packed) != packed
    plain = {"bytesValue": base64.b64encode(b"blue").decode()}
    assert shown_value(masks, "url.full", plain) == plain


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        *(("NaN", "NaN"), ("-Infinity", "-Infinity"), ("Infinity", "Infinity"), ("hunter2", 0.0), ("1e999", 0.0)),
        *((10**400, 0.0), ({"a": 1}, 0.0), ([], 0.0), (None, 0.0)),
    ],
)
def test_a_double_is_text_only_if_it_is_no_number(given: Any, shown: Any) -> None:
    assert shown_value(RecordMasks(KEY), "amount", {"doubleValue": given}) == {"doubleValue": shown}
    masked = shown_value(RecordMasks(KEY), "amount", {"doubleValue": "47.11"})["doubleValue"]
    assert isinstance(masked, float)
    assert masked != 47.11


def pairs(request: Any) -> list[tuple[str, str]]:
    """Return the attributes of a request in their order, as text."""
    found: list[tuple[str, str]] = []
    add_pairs(request, found)
    return found


def add_pairs(part: Any, found: list[tuple[str, str]]) -> None:
    """Add the attributes of a part of a request to those that were found."""
    if isinstance(part, list):
        for one in part:
            add_pairs(one, found)
    elif isinstance(part, dict):
        if "key" in part:
            found.append((part["key"], json.dumps(part["value"])))
        for one in part.values():
            add_pairs(one, found)


def test_names_sizes_and_the_number_of_values_stay() -> None:
    masks = RecordMasks(KEY)
    given = [request for number in range(2000) for request in requests(f"customer {number % 700} of team {number % 3}")]
    masked = [masks.mask_request(request) for request in given]
    before, after = ([pair for request in all_of for pair in pairs(request)] for all_of in (given, masked))
    assert [name for name, _value in before] == [name for name, _value in after]
    assert len(set(before)) == len(set(after))
    assert [len(value) for _name, value in before] == [len(value) for _name, value in after]
    assert len(set(zip(before, after, strict=True))) == len(set(before))
    assert [counts(request) for request in given] == [counts(request) for request in masked]


@pytest.mark.parametrize(
    ("name", "value", "stays"),
    [
        ("http.request.method", text("GET"), True),
        ("http.request.method", text("hunter2"), False),
        ("http.response.status_code", {"intValue": "404"}, True),
        ("http.response.status_code", {"intValue": "4711"}, False),
        ("http.flavor", text("1.1"), True),
        ("http.flavor", text("QUIC"), True),
        ("http.flavor", text("kafka"), False),
        ("db.system.name", text("postgresql"), True),
        ("rpc.system", text("grpc"), True),
        ("k8s.object.kind", text("Deployment"), True),
        ("service.name", text("checkout"), False),
        ("k8s.pod.name", text("checkout-7"), False),
        ("retry", {"boolValue": True}, True),
    ],
)
def test_enumerations_stay_readable(name: str, value: dict[str, Any], stays: bool) -> None:
    resource = {"attributes": [{"key": name, "value": value}]}
    masked = RecordMasks(KEY).mask_request({"resourceLogs": [{"resource": resource}]})
    shown = masked["resourceLogs"][0]["resource"]["attributes"][0]
    assert shown["key"] == name
    assert (shown["value"] == value) is stays
    assert stays is (name in kept_values.ENUMERATED_ATTRIBUTES and shown["value"] == value) or name == "retry"


def test_a_named_attribute_stays() -> None:
    given = {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": text("checkout")}]}}]}
    assert RecordMasks(KEY, ["service.name"]).mask_request(given) == given


def test_a_name_that_looks_like_content_is_masked() -> None:
    for name in ("alice@example.com", "order 12", "user.4711234", "x" * 300):
        given = {"resourceLogs": [{"resource": {"attributes": [{"key": name, "value": text("v")}]}}]}
        assert name not in json.dumps(RecordMasks(KEY).mask_request(given))


def test_records_are_counted_by_signal() -> None:
    counted = [counts(request) for request in requests("v")]
    assert counted == [{"traces": 1}, {"metrics": 2}, {"logs": 2}]
    assert [*LISTS_BY_SIGNAL] == ["traces", "metrics", "logs"]
