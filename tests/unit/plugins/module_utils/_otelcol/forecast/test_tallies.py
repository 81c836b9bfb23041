# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of OTLP are counted by signal and sender."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.tallies import (
    RECORD,
    RESOURCE,
    SenderName,
    Tally,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.otlp_requests import (
    count_items,
    measure_resources,
    signal_of_request,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.records import SIGNAL_BY_RECORD_KIND
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.written_records import (
    build_otlp_request,
)

from tests.support.cases import cases

CART = {"service.name": "cart", "k8s.namespace.name": "shop", "team": "a"}
RECORDS: dict[str, list[dict[str, Any]]] = {
    "spans": [
        {"trace": "a", "attributes": {"url.path": "/"}, "resource": CART},
        {"trace": "a", "attributes": {"url.path": "/", "user.id": "7"}, "resource": CART},
        {"trace": "b", "resource": {"service.name": "pay"}},
    ],
    "metrics": [
        {"name": "requests", "attributes": {"http.route": "/"}, "resource": CART},
        {"name": "requests", "attributes": {"http.route": "/"}, "resource": CART},
        {"name": "requests", "attributes": {"http.route": "/pay"}, "resource": CART},
        {"name": "requests", "attributes": {"http.route": "/"}, "resource": {"service.name": "pay"}},
    ],
    "logs": [{"body": "one", "resource": CART}, {"body": "two", "attributes": {"user.id": "7"}}],
}


def tally(short: str, tenant_attribute: str = "") -> Tally:
    counted = Tally()
    text = json.dumps(build_otlp_request(short, RECORDS[short], "given"), separators=(",", ":"))
    counted.add_resources(SIGNAL_BY_RECORD_KIND[short], measure_resources(text), tenant_attribute)
    return counted


@cases(
    "short, items",
    ("spans", {SenderName("cart", "shop", ""): 2, SenderName("pay", "", ""): 1}),
    ("metrics", {SenderName("cart", "shop", ""): 3, SenderName("pay", "", ""): 1}),
    ("logs", {SenderName("cart", "shop", ""): 1, SenderName("", "", ""): 1}),
)
def test_items_belong_to_their_senders(short: str, items: dict[SenderName, int]) -> None:
    request = build_otlp_request(short, RECORDS[short], "given")
    assert signal_of_request(request) == SIGNAL_BY_RECORD_KIND[short]
    assert dict(tally(short).items_by_sender) == items
    assert tally(short).item_count == count_items(SIGNAL_BY_RECORD_KIND[short], request) == sum(items.values())
    assert all(tally(short).bytes_by_sender[sender] > 0 for sender in items)


def test_the_tenant_is_an_attribute_that_the_user_names() -> None:
    assert set(tally("spans", "team").items_by_sender) == {SenderName("cart", "shop", "a"), SenderName("pay", "", "")}


def test_spans_of_a_trace_and_points_of_a_series_are_counted_once() -> None:
    assert sorted(tally("spans").items_by_trace.values()) == [1, 2]
    assert len(tally("metrics").series_by_hash) == 3
    assert not tally("logs").series_by_hash


def test_attributes_know_how_many_items_have_them_and_whether_at_the_resource_or_the_record() -> None:
    of_resources = {**{(RESOURCE, name): 2 for name in CART}, (RESOURCE, "service.name"): 3}
    assert tally("spans").items_by_attribute == {**of_resources, (RECORD, "url.path"): 2, (RECORD, "user.id"): 1}


def test_points_whose_attributes_stand_in_another_order_are_of_one_series() -> None:
    labels = {"http.route": "/", "user.id": "7"}
    points = [{"name": "requests", "attributes": dict(order)} for order in (labels.items(), [*labels.items()][::-1])]
    text = json.dumps(build_otlp_request("metrics", points, "given"), separators=(",", ":"))
    counted = Tally()
    counted.add_resources("metrics", measure_resources(text))
    assert counted.item_count == 2
    assert len(counted.series_by_hash) == 1


def test_points_whose_attributes_differ_in_kind_or_below_are_of_different_series() -> None:
    values: list[dict[str, Any]] = [
        {"value": {"stringValue": "1"}},
        {"value": {"intValue": "1"}},
        {"value": {"doubleValue": 1.5}},
        {"value": {"boolValue": True}},
        {"value": {"arrayValue": {"values": [{"stringValue": "1"}]}}},
        {"value": {"arrayValue": {"values": [{"stringValue": "2"}]}}},
        {"value": {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "1"}}]}}},
        {"value": {}},
        {},
    ]
    points = [{"attributes": [{"key": "a", **value}]} for value in [*values, *values]] + [{}, {}]
    metric = {"name": "requests", "gauge": {"dataPoints": points}}
    text = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}, separators=(",", ":"))
    counted = Tally()
    counted.add_resources("metrics", measure_resources(text))
    assert counted.item_count == 20
    assert len(counted.series_by_hash) == 10


def test_a_resource_without_records_is_no_sender() -> None:
    counted = Tally()
    for signal, resources in (("logs", "resourceLogs"), ("metrics", "resourceMetrics")):
        counted.add_resources(
            signal, measure_resources(json.dumps({resources: [{"scopeLogs": [], "scopeMetrics": []}]}))
        )
    assert not counted.items_by_sender
