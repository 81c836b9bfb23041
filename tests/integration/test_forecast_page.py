# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a forecast in a real browser: light and dark can be read, and nothing is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.sent_changes import (
    Figures,
    SenderChange,
    SentChange,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.tallies import SenderName
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _forecast_reports

from tests.support.browser import Browser

from .test_report_page import COLOURS, ENOUGH, LARGE_ENOUGH, browser  # noqa: F401 - a fixture

HOSTILE = "<script>document.title = 'hostile'</script>"
MOVE = SenderChange(SenderName(HOSTILE, "shop", ""), Figures(10, 2048), Figures(5, 1024))
CHANGES = [
    SentChange("otlp/a", "traces", Figures(1000, 2**20), Figures(620, 2**19), 0.012, (HOSTILE,), ("team",), (MOVE,)),
    SentChange("otlp/a", "metrics", Figures(1000, 2**18, 60), Figures(1000, 2**19, 80)),
]
RESULT = {
    "collector": HOSTILE,
    "changes": [change.as_dict() for change in CHANGES],
    "breaches": ["otlp/a: traces: attribute service.name is lost"],
    "notes": [HOSTILE],
    "cost_per_month": {"before": 2.0, "after": 1.0, "text": "2.00 → 1.00 (-1.00)"},
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_can_be_read_fetches_nothing_and_runs_nothing(browser: Browser, tmp_path: Path, dark: bool) -> None:  # noqa: F811
    path = tmp_path / "page.html"
    given = {"html_path": str(path), "markdown_path": None, "output_path": None}
    assert _forecast_reports.write_result(RESULT, given, is_check_mode=False)
    assert not _forecast_reports.write_result(RESULT, given, is_check_mode=False), (
        "the same forecast gives the same page"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    browser.open(path.as_uri(), dark)
    shown = browser.evaluate(COLOURS)
    assert len(shown) > 20
    assert [row for row in shown if row["ratio"] < (LARGE_ENOUGH if row["size"] >= 24 else ENOUGH)] == []
    assert browser.evaluate("document.title") == f"Forecast of {HOSTILE}"
    widths = browser.evaluate("[...document.querySelectorAll('.bars rect')].map((bar) => bar.width.baseVal.value)")
    assert widths == [100, 50, 25, 50]
    assert [url for url in browser.requested_addresses if not url.startswith(("file:", "data:"))] == []
    assert browser.complaints == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= 1280
