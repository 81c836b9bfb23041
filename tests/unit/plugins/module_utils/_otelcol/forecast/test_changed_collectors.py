# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of all collectors that change: forecasts, and why there is none."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.changed_collectors import (
    ChangedCollector,
    HostForecasts,
    list_failures,
    list_report_lines,
    render_host_sections,
    render_markdown_section,
)

PASSES = ChangedCollector("a/gateway", {"report": "one\ntwo", "markdown": "### Gateway\n", "failure": ""})
FAILS = ChangedCollector("a/agent", {"report": "three", "markdown": "### Agent\n", "failure": "a/agent passes 1 limit"})
MISSING = ChangedCollector("a/lost", missing_reason="there is no capture")
BROKEN = ChangedCollector("a/broken", failure_reason="the capture is cut off")

NEW = ChangedCollector("a/new", is_new=True)


def test_the_report_has_all_forecasts_and_why_others_are_not_known_but_what_a_warning_tells() -> None:
    assert list(list_report_lines([PASSES, MISSING, NEW])) == [
        "one",
        "two",
        "a/new changes without a forecast: it is new, so there is nothing to compare it with",
    ]


@pytest.mark.parametrize(
    ("told", "must_be_known", "said"),
    [
        (PASSES, True, []),
        (FAILS, False, ["a/agent passes 1 limit"]),
        (MISSING, False, []),
        (MISSING, True, ["a/lost has no forecast: there is no capture"]),
        (NEW, True, []),
        (BROKEN, False, ["a/broken has no forecast: the capture is cut off"]),
    ],
)
def test_a_change_fails_by_limits_and_by_forecasts_that_cannot_be_made(
    told: ChangedCollector, must_be_known: bool, said: list[str]
) -> None:
    assert list(list_failures([told], must_be_known=must_be_known)) == said


def test_the_section_of_a_page_is_empty_only_if_no_collector_changes() -> None:
    assert render_markdown_section([]) == ""
    section = render_markdown_section([PASSES, BROKEN])
    assert section.startswith("### Gateway\n")
    assert "- `a/broken` changes without a forecast: `the capture is cut off`" in section


def test_hosts_with_the_same_forecasts_are_one_section() -> None:
    told = [HostForecasts("eu", "same"), HostForecasts("us", "other"), HostForecasts("ap", "same")]
    assert list(render_host_sections(told)) == ["## Forecast for eu, ap\n\nsame", "## Forecast for us\n\nother"]
