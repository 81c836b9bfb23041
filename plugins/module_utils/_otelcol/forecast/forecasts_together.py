# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecasts of several hosts of the inventory as one, for reports that have one file. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..config.paths import Position
from ..rules.junit_report import render_junit
from ..rules.report_model import CheckedConfig, Report, format_markdown_code
from ..rules.subject import Finding

_RULE_ID, _SUITE_NAME = "forecast-limit", "o11y.opentelemetry.pipeline_forecast"
_OTHER_LIMITS = "other limits"


@dataclass(frozen=True)
class HostForecast:
    """The result of the forecast of a host. One that could not be made has `failure_reason` in place of a result."""

    host: str
    result: Mapping[str, Any] | None = None
    failure_reason: str = ""


class _FinishedForecast(NamedTuple):
    """A forecast that could be made: its host, and its result as `pipeline_forecast` returns it."""

    host: str
    result: Mapping[str, Any]


def join_forecasts(forecasts: Sequence[HostForecast]) -> dict[str, Any]:
    """Return the forecasts of hosts as one, in which the name of a host stands before those of its exporters.

    That of one host alone stays as it is. There is one result at least.
    """
    finished = [
        _FinishedForecast(forecast.host, forecast.result) for forecast in forecasts if forecast.result is not None
    ]
    if len(forecasts) == 1:
        return dict(finished[0].result)
    failures = [
        f"{host_forecast.host} has no forecast: {host_forecast.failure_reason}"
        for host_forecast in forecasts
        if host_forecast.result is None
    ]
    return {
        "collector": ", ".join(f"{result['collector']} on {host}" for host, result in finished),
        "changes": list(_prefix_changes(finished)),
        "breaches": list(_prefix_breaches(finished)),
        "notes": [*failures, *_join_notes(finished)],
        "cost_per_month": _sum_costs(finished),
        "markdown": "\n".join(_list_markdown_sections(finished, failures)),
    }


def exporter_name(change: Mapping[str, Any]) -> str:
    """Return the exporter as people read it, with its old name if it has a new one."""
    is_renamed = change["old_exporter"] != change["exporter"]
    return f"{change['old_exporter']} → {change['exporter']}" if is_renamed else str(change["exporter"])


def render_forecast_junit(result: Mapping[str, Any]) -> str:
    """Return the limits of a forecast as tests: one for each exporter and signal.

    A line about neither, in which a mask stands for a word that is a secret too, has a test of its own: it must fail.
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


def _prefix_changes(finished: Sequence[_FinishedForecast]) -> Iterator[dict[str, Any]]:
    """Yield the changes of all hosts; the exporter of each has the name of its host."""
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


def _sum_costs(finished: Sequence[_FinishedForecast]) -> dict[str, Any]:
    """Return what all hosts cost together, and in words what each one does."""
    costs = [result["cost_per_month"] for _host, result in finished]
    texts = [
        f"{host}: {result['cost_per_month']['text']}" for host, result in finished if result["cost_per_month"]["text"]
    ]
    return {
        "before": sum(cost["before"] for cost in costs),
        "after": sum(cost["after"] for cost in costs),
        "text": ", ".join(texts),
    }


def _list_markdown_sections(finished: Sequence[_FinishedForecast], failures: Sequence[str]) -> Iterator[str]:
    """Yield the page of each host in Markdown, then a list of the hosts without a forecast."""
    for host, result in finished:
        yield f"## Forecast for {host}\n\n{result['markdown']}"
    if failures:
        yield "".join(f"- {format_markdown_code(line)}\n" for line in failures)
