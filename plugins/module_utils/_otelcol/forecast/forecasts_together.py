# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecasts of several hosts of the inventory as one, for reports that have one file. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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


class _Made(NamedTuple):
    """A forecast that could be made: its host, and its result as `pipeline_forecast` returns it."""

    host: str
    result: Mapping[str, Any]


def one_forecast(forecasts: Sequence[HostForecast]) -> dict[str, Any]:
    """Return the forecasts of hosts as one, in which the name of a host stands before those of its exporters.

    That of one host alone stays as it is. There is one result at least.
    """
    made = [_Made(forecast.host, forecast.result) for forecast in forecasts if forecast.result is not None]
    if len(forecasts) == 1:
        return dict(made[0].result)
    failures = [f"{one.host} has no forecast: {one.why}" for one in forecasts if one.result is None]
    return {
        "collector": ", ".join(f"{result['collector']} on {host}" for host, result in made),
        "changes": list(_changes(made)),
        "breaches": list(_breaches(made)),
        "notes": [*failures, *_notes(made)],
        "cost_per_month": _cost(made),
        "markdown": "\n".join(_sections(made, failures)),
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
    """Return a test with the limits that its exporter and signal break."""
    return Checked(name, tuple(Finding(Position(), name, _RULE, "error", line) for line in breaches))


def _changes(made: Sequence[_Made]) -> Iterator[dict[str, Any]]:
    """Yield the changes of all hosts; the exporter of each has the name of its host."""
    for host, result in made:
        for change in result["changes"]:
            name = f"{host}: {exporter_name(change)}"
            yield {**change, "exporter": name, "old_exporter": name}


def _breaches(made: Sequence[_Made]) -> Iterator[str]:
    """Yield a line for each limit that a host breaks."""
    for host, result in made:
        for line in result["breaches"]:
            yield f"{host}: {line}"


def _notes(made: Sequence[_Made]) -> list[str]:
    """Return what the replays cannot tell, each line once, since most are the same on all hosts."""
    lines: dict[str, None] = {}
    for _host, result in made:
        lines.update(dict.fromkeys(result["notes"]))
    return list(lines)


def _cost(made: Sequence[_Made]) -> dict[str, Any]:
    """Return what all hosts cost together, and in words what each one does."""
    costs = [result["cost_per_month"] for _host, result in made]
    texts = [f"{host}: {result['cost_per_month']['text']}" for host, result in made if result["cost_per_month"]["text"]]
    return {
        "before": sum(cost["before"] for cost in costs),
        "after": sum(cost["after"] for cost in costs),
        "text": ", ".join(texts),
    }


def _sections(made: Sequence[_Made], failures: Sequence[str]) -> Iterator[str]:
    """Yield the page of each host in Markdown, then a list of the hosts without a forecast."""
    for host, result in made:
        yield f"## Forecast for {host}\n\n{result['markdown']}"
    if failures:
        yield "".join(f"- {markdown_code(line)}\n" for line in failures)
