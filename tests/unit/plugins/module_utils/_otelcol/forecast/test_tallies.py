# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of OTLP are counted by signal and sender."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.tallies import (
    RECORD,
    RESOURCE,
    Sender,
    Tally,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.otlp_requests import (
    item_count,
    signal_of_request,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.records import SIGNALS, otlp_request

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
    counted.add(SIGNALS[short], otlp_request(short, RECORDS[short], "given"), tenant_attribute)
    return counted


@cases(
    "short, items",
    ("spans", {Sender("cart", "shop", ""): 2, Sender("pay", "", ""): 1}),
    ("metrics", {Sender("cart", "shop", ""): 3, Sender("pay", "", ""): 1}),
    ("logs", {Sender("cart", "shop", ""): 1, Sender("", "", ""): 1}),
)
def test_items_belong_to_their_senders(short: str, items: dict[Sender, int]) -> None:
    request = otlp_request(short, RECORDS[short], "given")
    assert signal_of_request(request) == SIGNALS[short]
    assert dict(tally(short).items) == items
    assert tally(short).total == item_count(SIGNALS[short], request) == sum(items.values())
    assert all(tally(short).sizes[sender] > 0 for sender in items)


def test_the_tenant_is_an_attribute_that_the_user_names() -> None:
    assert set(tally("spans", "team").items) == {Sender("cart", "shop", "a"), Sender("pay", "", "")}


def test_spans_of_a_trace_and_points_of_a_series_are_counted_once() -> None:
    assert sorted(tally("spans").traces.values()) == [1, 2]
    assert len(tally("metrics").series) == 3
    assert not tally("logs").series


def test_attributes_know_whether_the_resource_or_the_record_has_them() -> None:
    counted = tally("spans").attributes
    assert counted[RESOURCE, "service.name"] == 3
    assert counted[RESOURCE, "team"] == counted[RECORD, "url.path"] == 2
    assert counted[RECORD, "user.id"] == 1
