# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exporters send before and after, by exporter, signal and sender."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import (
    MOST_LISTED,
    Sent,
    SentChange,
    list_changes,
    pair_exporters,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.otlp_requests import measure_resources
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.written_records import (
    build_otlp_request,
)

from tests.support.cases import cases


def sent(short: str, records: list[dict[str, Any]], size: int) -> dict[str, Sent]:
    signal = {"spans": "traces"}.get(short, short)
    counted = Sent(byte_count=size)
    text = json.dumps(build_otlp_request(short, records, "given"), separators=(",", ":"))
    counted.tally.add_resources(signal, measure_resources(text))
    return {signal: counted}


def spans(service: str, number: int, **attributes: str) -> list[dict[str, Any]]:
    resource = {"service.name": service}
    return [{"trace": f"{service}-{one}", "attributes": attributes, "resource": resource} for one in range(number)]


def one_change(before: dict[str, Sent], after: dict[str, Sent]) -> SentChange:
    (change,) = list_changes({"a": before}, {"b": after}, {"a": "b"})
    return change


def test_a_change_has_figures_of_both_sides_under_the_new_name() -> None:
    change = one_change(sent("spans", spans("cart", 40), 400), sent("spans", spans("cart", 30), 290))
    assert (change.exporter, change.name) == ("b", "a → b")
    assert change.before.as_dict() == {"items": 40, "bytes": 400, "series": 0}
    assert change.after.as_dict() == {"items": 30, "bytes": 290, "series": 0}
    assert change.bound is not None
    assert 0 < change.bound < 1


def test_a_new_name_is_that_of_an_exporter_of_the_same_type() -> None:
    old, new = ["debug", "otlp_http/old", "kafka"], ["kafka", "otlp_http/new", "file"]
    assert pair_exporters(old, new) == {
        "kafka": "kafka",
        "debug": "debug",
        "otlp_http/old": "otlp_http/new",
        "file": "file",
    }


def test_names_of_attributes_come_and_go() -> None:
    old, new = [{"attributes": {"user": "a"}, "resource": {"team": "x"}}], [{"attributes": {"team": "x"}}]
    change = one_change(sent("logs", old, 9), sent("logs", new, 9))
    assert change.lost_attributes == ("team of the resource", "user")
    assert change.gained_attributes == ("team",)


LOG = {"attributes": {"user": "a"}, "resource": {"team": "x"}}
BARE = {"attributes": {}, "resource": {}}


@cases(
    "before, after, lost",
    ([LOG] * 5, [LOG] * 3 + [BARE] * 2, {"user": 2, "team of the resource": 2}),
    # What is dropped may be what had it.
    ([LOG] * 2 + [BARE], [LOG, BARE], {}),
    ([LOG] * 5 + [BARE], [LOG] + [BARE] * 4, {"user": 3, "team of the resource": 3}),
    # Others that the exporter gets from elsewhere never had it.
    ([LOG] * 2, [LOG] * 2 + [BARE] * 3, {}),
    # What has it no more at all is lost, and told as such.
    ([LOG], [BARE], {}),
)
def test_what_some_items_have_no_more_is_partly_lost(
    before: list[dict[str, Any]], after: list[dict[str, Any]], lost: dict[str, int]
) -> None:
    change = one_change(sent("logs", before, 9), sent("logs", after, 9))
    assert dict(change.partly_lost_attributes) == lost
    assert change.as_dict()["partly_lost_attributes"] == [{"name": name, "items": lost[name]} for name in lost]


def test_points_of_a_metric_have_their_attributes_each() -> None:
    old = [{"name": "requests", "attributes": {"route": f"/{route}"}} for route in range(3)]
    new = [*old[:2], {"name": "requests", "attributes": {}}]
    (lost,) = one_change(sent("metrics", old, 9), sent("metrics", new, 9)).partly_lost_attributes
    assert lost == ("route", 1)


def test_an_exporter_that_gets_nothing_has_lost_all_attributes() -> None:
    change = one_change(sent("logs", [{"attributes": {"user": "a"}}], 9), {})
    assert (change.after.item_count, change.lost_attributes) == (0, ("user",))


def test_the_senders_whose_bytes_change_most_come_first() -> None:
    services = [f"s{number}" for number in range(MOST_LISTED + 2)]
    old = [span for number, name in enumerate(services) for span in spans(name, number + 1)]
    change = one_change(sent("spans", old, 28_000), sent("spans", spans("s0", 1), 1_000))
    assert [sender_change.sender.service for sender_change in change.sender_changes] == services[:1:-1][:MOST_LISTED]
    assert change.sender_changes[0].as_dict()["after"] == {"items": 0, "bytes": 0, "series": 0}


def test_series_are_counted_by_sender() -> None:
    points = [
        {"name": "m", "attributes": {"route": str(number)}, "resource": {"service.name": "x"}} for number in (1, 2)
    ]
    change = one_change(sent("metrics", points, 10), sent("metrics", points[:1], 5))
    assert (change.before.series_count, change.after.series_count) == (2, 1)
    assert change.sender_changes[0].before.series_count == 2


def test_what_one_side_alone_has_is_told_by_trace() -> None:
    change = one_change(sent("spans", spans("cart", 40), 400), sent("spans", spans("pay", 40), 400))
    told = change.as_dict()
    assert told["only_before"] == {"items": 40, "bound_percent": 0.0, "kinds": []}
    # How many traces of pay there are beside one of cart is known as far as the sample of both is.
    assert told["only_after"] == {"items": 40, "bound_percent": 43.8, "kinds": []}


def test_what_has_no_ids_is_told_apart_by_its_kind() -> None:
    logs = [{"body": "request failed", "severity": "warn", "resource": {"service.name": "pay"}}]
    told = one_change(sent("logs", logs * 100, 9), sent("logs", logs * 90, 8)).as_dict()
    kind = {"name": "request failed", "severity": "warn", "service": "pay", "items": 10, "attributes": []}
    assert told["only_before"] == {"items": 10, "bound_percent": 5.9, "kinds": [kind]}
    assert told["only_after"] == {"items": 0, "bound_percent": 0.0, "kinds": []}
    more = one_change(sent("logs", logs * 100, 9), sent("logs", logs * 110, 8)).as_dict()
    assert (more["only_before"]["items"], more["only_after"]["items"]) == (0, 10)
    other = [{**logs[0], "body": "request denied"}]
    changed = one_change(sent("logs", logs * 100, 9), sent("logs", other * 100, 9)).as_dict()
    assert (changed["only_before"]["items"], changed["only_after"]["items"]) == (100, 100)


def measured(minutes_of: dict[str, range]) -> dict[str, Sent]:
    """Return what was sent of a metric whose routes were measured in some minutes."""
    counted = Sent(byte_count=9)
    for route, minutes in minutes_of.items():
        for minute in minutes:
            point = {"name": "requests", "attributes": {"route": route}}
            text = json.dumps(build_otlp_request("metrics", [point], "given", minute), separators=(",", ":"))
            counted.tally.add_resources("metrics", measure_resources(text))
    return {"metrics": counted}


def test_series_that_appear_and_end_are_told() -> None:
    before = {"/": range(6), "/old": range(3), "/new": range(3, 6)}
    told = one_change(measured(before), measured({"/": range(6)})).as_dict()
    assert told["series_churn"] == {
        "before": {"appear": 1, "end": 1, "known": 3},
        "after": {"appear": 0, "end": 0, "known": 1},
    }
