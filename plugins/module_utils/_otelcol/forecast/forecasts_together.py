# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecasts of several hosts of the inventory as one, for reports that have one file. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.paths import Position
from ..rules.junit_report import junit
from ..rules.report_model import Checked, Report, markdown_code
from ..rules.subject import Finding

_RULE, _SUITE = "forecast-limit", "o11y.opentelemetry.pipeline_forecast"
_OTHERS = "other limits"


@dataclass(frozen=True)
class HostForecast:
    """The result of the forecast of a host. One that could not be made has `why` in place of a result."""

    host: str
    result: Mapping[str, Any] | None = None
    why: str = ""


def one_forecast(forecasts: Sequence[HostForecast]) -> dict[str, Any]:
    """Return the forecasts of hosts as one, in which the name of a host stands before those of its exporters.

    That of one host alone stays as it is. There is one result at least.
    """
    made = [forecast for forecast in forecasts if forecast.result is not None]
    if len(forecasts) == 1:
        return dict(made[0].result or {})
    names = [f"{result['collector']} on {host}" for host, result in _results(made)]
    return {
        "collector": ", ".join(names),
        "changes": list(_changes(made)),
        "breaches": [f"{host}: {line}" for host, result in _results(made) for line in result["breaches"]],
        "notes": [*_unknown(forecasts), *_notes(made)],
        "cost_per_month": _cost(made),
        "markdown": "\n".join(_sections(forecasts)),
    }


def exporter_name(change: Mapping[str, Any]) -> str:
    """Return the exporter as people read it, with its old name if it has a new one."""
    is_renamed = change["old_exporter"] != change["exporter"]
    return f"{change['old_exporter']} → {change['exporter']}" if is_renamed else str(change["exporter"])


def junit_of_forecast(result: Mapping[str, Any]) -> str:
    """Return the limits of a forecast as tests: one for each exporter and signal.

    A line about neither, in which a mask stands for a word that is a secret too, has a test of its own: it must fail.
    """
    checked: list[Checked] = []
    others = list(result["breaches"])
    for change in result["changes"]:
        name = f"{exporter_name(change)}: {change['signal']}"
        lines = [line for line in result["breaches"] if line.startswith(f"{name}:")]
        others = [line for line in others if line not in lines]
        checked.append(_tested(name, lines))
    if others:
        checked.append(_tested(_OTHERS, others))
    return junit(Report(checked, suite=_SUITE))


def _tested(name: str, breaches: Sequence[str]) -> Checked:
    return Checked(name, tuple(Finding(Position(), name, _RULE, "error", line) for line in breaches))


def _results(made: Sequence[HostForecast]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for forecast in made:
        yield forecast.host, forecast.result or {}


def _changes(made: Sequence[HostForecast]) -> Iterator[dict[str, Any]]:
    for host, result in _results(made):
        for change in result["changes"]:
            name = f"{host}: {exporter_name(change)}"
            yield {**change, "exporter": name, "old_exporter": name}


def _notes(made: Sequence[HostForecast]) -> list[str]:
    """Return what the replays cannot tell, each line once, since most are the same on all hosts."""
    return list(dict.fromkeys(line for _host, result in _results(made) for line in result["notes"]))


def _unknown(forecasts: Sequence[HostForecast]) -> Iterator[str]:
    for forecast in forecasts:
        if forecast.result is None:
            yield f"{forecast.host} has no forecast: {forecast.why}"


def _cost(made: Sequence[HostForecast]) -> dict[str, Any]:
    """Return what all hosts cost together, and in words what each one does."""
    costs = [(host, result["cost_per_month"]) for host, result in _results(made)]
    return {
        "before": sum(cost["before"] for _host, cost in costs),
        "after": sum(cost["after"] for _host, cost in costs),
        "text": ", ".join(f"{host}: {cost['text']}" for host, cost in costs if cost["text"]),
    }


def _sections(forecasts: Sequence[HostForecast]) -> Iterator[str]:
    for host, result in _results([forecast for forecast in forecasts if forecast.result is not None]):
        yield f"## Forecast for {host}\n\n{result['markdown']}"
    unknown = [f"- {markdown_code(line)}\n" for line in _unknown(forecasts)]
    if unknown:
        yield "".join(unknown)
