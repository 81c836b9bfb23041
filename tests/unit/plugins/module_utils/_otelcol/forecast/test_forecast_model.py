# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a forecast names the largest changes first, and its bars are as long as the bytes."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.bounds import OneSide
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.forecast_model import (
    build_forecast_model,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.record_kinds import (
    KindOfOneSide,
    RecordKind,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import (
    Figures,
    SenderChange,
    SentChange,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.tallies import SenderName


def change(name: str, before: int, after: int, **more: Any) -> dict[str, Any]:
    return SentChange(name, "traces", Figures(before, before), Figures(after, after), **more).as_dict()


def forecast(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    cost = {"before": 2.0, "after": 1.0, "text": ""}
    return {
        "collector": "gateway",
        "changes": list(changes),
        "breaches": [],
        "notes": [],
        "cost_per_month": cost,
        **more,
    }


def test_the_five_largest_changes_come_first_and_same_ones_not_at_all() -> None:
    changes = [change(f"otlp/{size}", 100, 100 + size) for size in (0, 1, 5, 2, 4, 3, 100)]
    page = build_forecast_model(forecast(*changes))
    assert [row["exporter"] for row in page["movers"]] == ["otlp/100", "otlp/5", "otlp/4", "otlp/3", "otlp/2"]
    assert (page["movers"][0]["before_width"], page["movers"][0]["after_width"]) == (50.0, 100.0)
    assert len(page["exporters"]) == len(changes)


def test_nothing_that_moves_has_no_bars() -> None:
    assert build_forecast_model(forecast(change("otlp/a", 0, 0)))["movers"] == []


def test_the_figures_at_the_top_are_those_of_all_exporters() -> None:
    cost = {"before": 2.0, "after": 1.0, "text": "2.00 → 1.00 (-1.00)"}
    given = forecast(change("otlp/a", 100, 50), change("otlp/b", 100, 50), breaches=["too much"], cost_per_month=cost)
    tiles = [(tile["number"], tile["what"], tile["state"]) for tile in build_forecast_model(given)["tiles"]]
    assert tiles == [
        ("-50.0 %", "bytes: 200 B → 100 B", ""),
        ("-50.0 %", "items: 200 → 100", ""),
        ("-1.00", "cost per month", ""),
        ("1", "limits passed", "error"),
    ]


def test_an_exporter_has_its_bound_its_old_name_and_its_senders() -> None:
    sender_changes = (SenderChange(SenderName("cart", "shop", ""), Figures(5, 50), Figures(2, 20)),)
    page = build_forecast_model(
        forecast(change("otlp/new", 100, 50, bound=None, sender_changes=sender_changes, old_exporter="otlp/old"))
    )
    (row,) = page["exporters"]
    assert row["exporter"] == "otlp/old → otlp/new"
    assert row["items_percent"] == "-50.0 %, of a sample that is too small for a bound"
    assert page["senders"][0]["sender"] == "cart in shop"


def test_kinds_of_one_side_alone_stand_on_the_page() -> None:
    gone = OneSide(5, 0.0, (KindOfOneSide(RecordKind("user <*> failed", "debug", "cart"), 5),))
    row = {**change("otlp/a", 10, 5, only_before=gone), "signal": "logs"}
    assert build_forecast_model(forecast(row))["kinds"] == [
        {
            "kind": "user <*> failed (debug, cart)",
            "exporter": "otlp/a",
            "signal": "logs",
            "side": "before",
            "items": "5",
        }
    ]
