# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecasts of several hosts are one, and each figure says of which host it is."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.forecast_model import (
    build_forecast_model,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.forecasts_together import (
    HostForecast,
    join_forecasts,
    render_forecast_junit,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import (
    Figures,
    SentChange,
)

LINE = "otlp/a: traces: items 10 → 30, beyond the limit +20%"


def result(before: int, after: int, *breaches: str, **more: Any) -> dict[str, Any]:
    change = SentChange("otlp/a", "traces", Figures(before, before), Figures(after, after), old_exporter="otlp/a")
    return {
        "collector": "gateway",
        "changes": [change.as_dict()],
        "breaches": list(breaches),
        "notes": ["a note of all"],
        "cost_per_month": {"before": 2.0, "after": 1.0, "text": "2.00 → 1.00 (-1.00)"},
        "markdown": "### Forecast of `gateway`\n",
        **more,
    }


FORECASTS = [
    HostForecast("us", result(10, 11)),
    HostForecast("eu", result(10, 30, LINE)),
    HostForecast("ap", failure_reason="there is no capture x."),
]


def test_the_page_has_the_largest_changes_of_all_hosts_first_and_names_who_is_missing() -> None:
    page = build_forecast_model(join_forecasts(FORECASTS))
    assert page["title"] == "Forecast of gateway on us, gateway on eu"
    assert [row["exporter"] for row in page["movers"]] == ["eu: otlp/a", "us: otlp/a"]
    assert page["breaches"] == [f"eu: {LINE}"]
    assert page["notes"] == ["ap has no forecast: there is no capture x.", "a note of all"]
    assert page["cost"] == "us: 2.00 → 1.00 (-1.00), eu: 2.00 → 1.00 (-1.00)"
    assert [tile["number"] for tile in page["tiles"]] == ["+105.0 %", "+105.0 %", "-2.00", "1"]


def test_markdown_has_a_section_for_each_host_in_their_order() -> None:
    text = join_forecasts(FORECASTS)["markdown"]
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Forecast for us",
        "## Forecast for eu",
    ]
    assert "- `ap has no forecast: there is no capture x.`" in text


def test_a_limit_fails_the_test_of_its_host_alone() -> None:
    report = render_forecast_junit(join_forecasts(FORECASTS))
    assert 'tests="2" failures="1"' in report
    failed = report[report.index('name="eu: otlp/a: traces"') :]
    assert "<failure" in failed
    assert "<failure" not in report[: report.index('name="eu: otlp/a: traces"')]


def test_a_limit_with_a_mask_where_its_exporter_stands_fails_a_test_of_its_own() -> None:
    report = render_forecast_junit(result(10, 30, "********: traces: items 10 → 30, beyond the limit +20%"))
    assert 'tests="2" failures="1"' in report


def test_the_forecast_of_one_host_stays_as_it_is() -> None:
    alone = result(10, 30, LINE)
    assert join_forecasts([HostForecast("eu", alone)]) == alone
