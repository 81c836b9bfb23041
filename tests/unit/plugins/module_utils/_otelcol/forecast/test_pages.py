# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast reads well in a terminal and in a pull request."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.bounds import OneSide
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.forecast_words import format_size
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.money import Scale
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.pages import (
    Forecast,
    render_markdown,
    render_text_lines,
    sort_by_size_of_change,
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
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.series_churn import Churn
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.tallies import SenderName

from tests.support.cases import cases

MOVE = SenderChange(SenderName("cart", "shop", "a"), Figures(10, 2048), Figures(5, 1024))
CHANGE = SentChange(
    "otlp/a", "traces", Figures(1000, 2**20), Figures(620, 2**19), 0.012, ("user.id",), ("team",), (MOVE,)
)
FORECAST = Forecast("gateway", (CHANGE,), ("otlp/a: too much",), ("filter: slow",), Scale({"traces": 1000}), {})


def test_the_text_has_a_line_for_each_exporter_and_its_reasons_below() -> None:
    assert list(render_text_lines(FORECAST)) == [
        "forecast of gateway from 1,000 spans",
        "otlp/a: 1,000 → 620 spans (-38.0 %, ± 1.2), 1.0 MiB → 512.0 KiB (-50.0 %)",
        "    lost attributes: user.id",
        "    gained attributes: team",
        "    cart in shop of tenant a: 10 → 5 items, 2.0 KiB → 1.0 KiB",
        "limit: otlp/a: too much",
        "note: filter: slow",
    ]


def test_money_is_shown_if_there_are_prices() -> None:
    scale = Scale({"traces": 1000}, {"traces": 1.0})
    priced = replace(FORECAST, scale=scale, prices={"million_spans": 1000.0}, currency="EUR")
    assert "cost per month: 2,629.75 → 1,630.44 EUR (-999.30)" in list(render_text_lines(priced))
    assert "Cost per month: 2,629.75 → 1,630.44 EUR (-999.30)" in render_markdown(priced)


def test_a_cost_that_is_not_known_is_not_nothing() -> None:
    unknown = replace(FORECAST, prices={"gib": 1.0})
    assert "cost per month: not known, since the rate of traces is not known. Give `rates`" in list(
        render_text_lines(unknown)
    )
    logs = replace(CHANGE, signal="logs")
    scale = Scale({"traces": 1000}, {"traces": 1.0})
    partly = replace(FORECAST, prices={"million_spans": 1000.0, "gib": 0.0, "million_log_records": 1.0}, scale=scale)
    lines = list(render_text_lines(replace(partly, changes=(CHANGE, logs))))
    assert any(line.endswith("(-999.30), without logs, whose rate is not known") for line in lines)


def test_an_exporter_that_sends_nothing_costs_nothing() -> None:
    scale = Scale({"traces": 1000}, {"traces": 1.0})
    printed = replace(CHANGE, exporter="debug", old_exporter="debug")
    priced = replace(FORECAST, changes=(CHANGE, printed), scale=scale, prices={"million_spans": 1000.0})
    assert "cost per month: 2,629.75 → 1,630.44 (-999.30)" in list(render_text_lines(priced))


def test_a_small_sample_says_so_and_a_new_name_stands_beside_the_old_one() -> None:
    small = replace(CHANGE, bound=None, old_exporter="otlp/old")
    line = list(render_text_lines(replace(FORECAST, changes=(small,))))[1]
    assert line.startswith("otlp/old → otlp/a: 1,000 → 620 spans (-38.0 %, of a sample that is too small for a bound)")


def test_what_is_new_and_what_stays_have_words_instead_of_percent() -> None:
    new = replace(CHANGE, before=Figures(0, 0), bound=0.0, sender_changes=(), lost_attributes=(), gained_attributes=())
    same = replace(new, before=new.after)
    lines = list(render_text_lines(replace(FORECAST, changes=(new, same))))
    assert lines[1:3] == [
        "otlp/a: 0 → 620 spans (new), 0 B → 512.0 KiB (new)",
        "otlp/a: 620 → 620 spans (same), 512.0 KiB → 512.0 KiB (same)",
    ]


def test_markdown_keeps_its_form_whatever_telemetry_says() -> None:
    evil = replace(MOVE, sender=SenderName("a|b`c\n# d", "<script>", ""))
    change = replace(CHANGE, sender_changes=(evil,), lost_attributes=("x|y`\nz",))
    page = render_markdown(replace(FORECAST, changes=(change,), breach_lines=()))
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    assert all(row.replace("\\|", "").count("|") == 7 for row in rows)
    assert all("`" in line.partition("<script>")[0] for line in page.splitlines() if "<script>" in line)
    assert "\n# d" not in page
    assert "No limit is passed." in page


def test_the_largest_change_comes_first() -> None:
    small = replace(CHANGE, exporter="b", after=Figures(1, 2**20 - 1))
    assert sort_by_size_of_change([small, CHANGE]) == [CHANGE, small]


@cases("size, text", (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**20, "1.0 MiB"), (3 * 2**30, "3.0 GiB"))
def test_sizes_are_short(size: int, text: str) -> None:
    assert format_size(size) == text


def test_what_each_side_alone_has_is_told_if_both_have_such_items() -> None:
    moved = replace(CHANGE, only_before=OneSide(500, 0.0123), only_after=OneSide(120, None))
    percent = "-38.0 %, ± 1.2; 500 (50.0 %, ± 1.2) only before"
    percent += "; 120 (12.0 %, of a sample that is too small for a bound) only after"
    assert f"1,000 → 620 spans ({percent})" in list(render_text_lines(replace(FORECAST, changes=(moved,))))[1]
    assert f"1,000 → 620 ({percent})" in render_markdown(replace(FORECAST, changes=(moved,)))
    dropped = replace(CHANGE, only_before=OneSide(380, 0.0123))
    assert "only before" not in render_markdown(replace(FORECAST, changes=(dropped,)))


@cases(
    "before, after, words",
    (Churn(3, 5, 60), Churn(0, 2, 40), ", 3 → 0 appear, 5 → 2 end"),
    (Churn(3, 5, 60), Churn(), ", 3 → ? appear, 5 → ? end, known of 60 → 0"),
    (Churn(3, 5, 50), Churn(0, 0, 40), ", 3 → 0 appear, 5 → 0 end, known of 50 → 40"),
    (Churn(), Churn(), ""),
)
def test_series_have_their_churn_beside_them(before: Churn, after: Churn, words: str) -> None:
    figures = {"before": Figures(600, 900, 60), "after": Figures(400, 600, 40)}
    change = SentChange("otlp/a", "metrics", **figures, churn_before=before, churn_after=after)
    forecast = replace(FORECAST, changes=(change,))
    assert f"60 → 40 series (-33.3 %{words})" in list(render_text_lines(forecast))[1]
    assert f"| 60 → 40{words} |" in render_markdown(forecast)


def test_kinds_of_one_side_alone_are_named() -> None:
    of_logs = KindOfOneSide(RecordKind("user <*> failed", "debug", "a|b"), 1200)
    of_points = KindOfOneSide(RecordKind("requests"), 60, ("route", "user.id"))
    logs = replace(CHANGE, signal="logs", only_before=OneSide(1200, 0.0, (of_logs,)))
    textless = replace(logs, only_before=OneSide(1, 0.0, (KindOfOneSide(RecordKind(""), 1),)))
    points = replace(
        CHANGE, signal="metrics", only_before=OneSide(60, 0.0, (of_points,)), only_after=OneSide(60, 0.0, (of_points,))
    )
    forecast = replace(FORECAST, changes=(logs, textless, points))
    lines = [line.strip() for line in render_text_lines(forecast) if "only " in line and " of " in line]
    assert lines == [
        "only before: 1,200 of user <*> failed (debug, a|b)",
        "only before: 1 of records without a text",
        "only before: 60 of requests, which loses route, user.id",
        "only after: 60 of requests, which gains route, user.id",
    ]
    page = render_markdown(forecast)
    assert "- `otlp/a` logs: `only before: 1,200 of user <*> failed (debug, a\\|b)`" in page
    assert "Log records and data points of one side alone:" in page
    assert "of one side alone" not in render_markdown(FORECAST)
