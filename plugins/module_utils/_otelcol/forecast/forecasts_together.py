# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecasts of several hosts of the inventory as one, for reports that have one file.

The module `forecast_reports` joins them. This file also writes the JUnit report of a forecast. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..config.paths import Position
from ..rules.findings import Finding
from ..rules.junit_report import render_junit
from ..rules.report_model import CheckedConfig, Report, format_markdown_code
from .forecast_rows import CostRow, SentChangeRow, ShownForecast

# What a JUnit report calls its suite of tests, the rule of a failed test, and the test of lines about no exporter.
_SUITE_NAME = "o11y.opentelemetry.pipeline_forecast"
_RULE_ID = "forecast-limit"
_OTHER_LIMITS = "other limits"


@dataclass(frozen=True)
class HostForecast:
    """The result of the forecast of a host, or the reason why the forecast could not be made."""

    host: str
    result: ShownForecast | None = None
    failure_reason: str = ""


class _FinishedForecast(NamedTuple):
    """The result of a host whose forecast could be made."""

    host: str
    result: ShownForecast


def join_forecasts(forecasts: Sequence[HostForecast]) -> ShownForecast:
    """Return the forecasts of several hosts as one, with names of exporters such as `web1: otlp/backend`.

    The forecast of a single host stays as it is. At least one host must have a result.
    """
    finished: list[_FinishedForecast] = []
    failures: list[str] = []
    for forecast in forecasts:
        if forecast.result is None:
            failures.append(f"{forecast.host} has no forecast: {forecast.failure_reason}")
        else:
            finished.append(_FinishedForecast(forecast.host, forecast.result))
    if len(forecasts) == 1:
        return finished[0].result
    return {
        "collector": ", ".join(f"{result['collector']} on {host}" for host, result in finished),
        "changes": list(_prefix_changes(finished)),
        "breaches": list(_prefix_breaches(finished)),
        "notes": [*failures, *_join_notes(finished)],
        "cost_per_month": _sum_costs(finished),
        "markdown": "\n".join(_list_markdown_sections(finished, failures)),
    }


def exporter_name(change: SentChangeRow) -> str:
    """Return the exporter as people read it: `otlp/b`, or `otlp/a → otlp/b` if the change renames it."""
    if change["old_exporter"] == change["exporter"]:
        return change["exporter"]
    return f"{change['old_exporter']} → {change['exporter']}"


def render_forecast_junit(result: ShownForecast) -> str:
    """Return the limits of a forecast as a JUnit report, with one test for each exporter and signal.

    The mask of a secret may have changed the name of the exporter in a line about a passed limit. Such a line belongs
    to no exporter, and fails a test of its own.
    """
    test_cases: list[CheckedConfig] = []
    other_breaches = list(result["breaches"])
    for change in result["changes"]:
        name = f"{exporter_name(change)}: {change['signal']}"
        exporter_breaches = [line for line in result["breaches"] if line.startswith(f"{name}:")]
        other_breaches = [line for line in other_breaches if line not in exporter_breaches]
        test_cases.append(_build_test_case(name, exporter_breaches))
    if other_breaches:
        test_cases.append(_build_test_case(_OTHER_LIMITS, other_breaches))
    return render_junit(Report(test_cases, suite_name=_SUITE_NAME))


def _build_test_case(name: str, breaches: Sequence[str]) -> CheckedConfig:
    """Return a test with the limits that its exporter and signal break."""
    return CheckedConfig(name, tuple(Finding(Position(), name, _RULE_ID, "error", line) for line in breaches))


def _prefix_changes(finished: Sequence[_FinishedForecast]) -> Iterator[SentChangeRow]:
    """Yield the changes of all hosts; the name of its host stands before each exporter."""
    for host, result in finished:
        for change in result["changes"]:
            name = f"{host}: {exporter_name(change)}"
            yield {**change, "exporter": name, "old_exporter": name}


def _prefix_breaches(finished: Sequence[_FinishedForecast]) -> Iterator[str]:
    """Yield a line for each limit that a host breaks."""
    for host, result in finished:
        for line in result["breaches"]:
            yield f"{host}: {line}"


def _join_notes(finished: Sequence[_FinishedForecast]) -> list[str]:
    """Return what the replays cannot tell, each line once, since most are the same on all hosts."""
    lines: dict[str, None] = {}
    for _host, result in finished:
        lines.update(dict.fromkeys(result["notes"]))
    return list(lines)


def _sum_costs(finished: Sequence[_FinishedForecast]) -> CostRow:
    """Return the costs of all hosts together; the text has those of each host."""
    cost_before, cost_after = 0.0, 0.0
    texts: list[str] = []
    for host, result in finished:
        cost = result["cost_per_month"]
        cost_before += cost["before"]
        cost_after += cost["after"]
        if cost["text"]:
            texts.append(f"{host}: {cost['text']}")
    return {"before": cost_before, "after": cost_after, "text": ", ".join(texts)}


def _list_markdown_sections(finished: Sequence[_FinishedForecast], failures: Sequence[str]) -> Iterator[str]:
    """Yield the page of each host in Markdown, then a list of the hosts without a forecast."""
    for host, result in finished:
        yield f"## Forecast for {host}\n\n{result['markdown']}"
    if failures:
        yield "".join(f"- {format_markdown_code(line)}\n" for line in failures)
