# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log records and data points are told apart by kind, in bounded memory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast import record_kinds
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.record_kinds import (
    MOST_NAMES,
    KindOfOneSide,
    KindsOfOneSide,
    RecordKind,
    RecordKinds,
    find_kinds_only_in,
)

from tests.support.cases import cases


def logs(*bodies: str) -> RecordKinds:
    """Return log records of a service, each of which has a body of common words alone."""
    counted = RecordKinds()
    for body in bodies:
        counted.add_log({"body": {"stringValue": body}, "severityNumber": 9}, "cart")
    return counted


@cases(
    "record, kind",
    ({"body": {"stringValue": "user 7 failed"}, "severityNumber": 5}, RecordKind("user <*> failed", "debug", "cart")),
    (
        {"body": {"stringValue": "user 7"}, "eventName": "login", "severityNumber": 12},
        RecordKind("login", "info", "cart"),
    ),
    ({"body": {"kvlistValue": {"values": []}}, "severityNumber": 0}, RecordKind("", "", "cart")),
    ({"body": {"stringValue": None}, "severityNumber": 25}, RecordKind("", "", "cart")),
    ({"severityNumber": "SEVERITY_NUMBER_INFO"}, RecordKind("", "", "cart")),
)
def test_a_log_record_is_told_by_its_event_or_template_its_severity_and_its_service(
    record: dict[str, Any], kind: RecordKind
) -> None:
    counted = RecordKinds()
    counted.add_log(record, "cart")
    assert list(counted.count_by_kind) == [kind]


def test_the_kinds_with_most_items_of_one_side_alone_come_first() -> None:
    before, after = logs(*["send"] * 9, *["get"] * 5, *["put"] * 3), logs(*["send"] * 2, *["get"] * 6)
    gone = find_kinds_only_in(before, after)
    assert gone.item_count == 10
    assert [(row.kind.name, row.item_count) for row in gone.largest_kinds] == [("send", 7), ("put", 3)]
    come = find_kinds_only_in(after, before)
    assert come == KindsOfOneSide(1, (KindOfOneSide(RecordKind("get", "info", "cart"), 1),))


def test_five_kinds_are_named_and_all_are_counted() -> None:
    gone = find_kinds_only_in(logs("send", "get", "put", "read", "write", "try", "stop"), logs())
    assert (gone.item_count, len(gone.largest_kinds)) == (7, 5)


def test_a_metric_names_the_attributes_that_its_points_of_the_other_side_lack() -> None:
    before, after = RecordKinds(), RecordKinds()
    before.add_points("requests", 9, {"route", "user"})
    before.add_points("sizes", 4, {"route"})
    after.add_points("requests", 3, {"user"})
    assert find_kinds_only_in(before, after).largest_kinds == (
        KindOfOneSide(RecordKind("requests"), 6, ("route",)),
        # No point is left, so no attribute of it is lost alone.
        KindOfOneSide(RecordKind("sizes"), 4),
    )


def test_names_of_attributes_are_bounded() -> None:
    before, after = RecordKinds(), RecordKinds()
    for number in range(3 * MOST_NAMES):
        before.add_points("requests", 1, {f"name {number}"})
    after.add_points("requests", 1, {"name 1"})
    assert len(before.attributes_by_metric["requests"]) == MOST_NAMES + 1
    assert find_kinds_only_in(before, after).largest_kinds[0].attributes == ()


def test_kinds_are_bounded_and_those_that_one_side_does_not_know_are_compared_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record_kinds, "MOST_KINDS", 2)
    before, after = logs("send", "get", "put", "read", "read"), logs("put", "read", "get")
    assert (len(before.count_by_kind), before.uncounted_items) == (2, 3)
    # Of send and get, after may have some among its uncounted. In all, it has two fewer.
    assert find_kinds_only_in(before, after) == KindsOfOneSide(2)
    assert find_kinds_only_in(after, before) == KindsOfOneSide(0)
    # What both know, and what a side without uncounted ones lacks, is told by itself.
    gone = find_kinds_only_in(before, logs("get"))
    assert [(row.kind.name, row.item_count) for row in gone.largest_kinds] == [("send", 1)]
    assert gone.item_count == 4


def test_uncounted_items_may_be_of_a_kind_that_only_one_side_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_kinds, "MOST_KINDS", 2)
    before, after = logs(*["get"] * 9, *["put"] * 4), logs(*["get"] * 5, "read", "put", "send")
    assert (after.count_by_kind.total(), after.uncounted_items) == (6, 2)
    assert find_kinds_only_in(before, after) == KindsOfOneSide(
        6, (KindOfOneSide(RecordKind("get", "info", "cart"), 4),)
    )
