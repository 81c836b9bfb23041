# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a forecast, or of the forecasts of all hosts of a run: a page, Markdown and JUnit. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.errors import Problem, cleaned
from ..module_utils._otelcol.forecast.forecast_model import forecast_model
from ..module_utils._otelcol.forecast.forecasts_together import HostForecast, junit_of_forecast, one_forecast
from ._html_pages import page_text
from ._otelcol import _files

STYLES = ("page.css", "bars.css")
# What a task of playbook forecast leaves in the variables of each host.
RESULT = "forecast_result"
Result = Mapping[str, Any]


def made_by_hosts(variables: Mapping[str, Any]) -> list[HostForecast]:
    """Return what the forecast of each host of the run has returned, in the order of the inventory.

    A host of the play without a result has failed before, such as one that could not be read.
    """
    hostvars, groups = variables.get("hostvars") or {}, variables.get("groups") or {}
    of_play = variables.get("ansible_play_hosts_all", ())
    forecasts: list[HostForecast] = []
    for host in dict.fromkeys((*groups.get("all", ()), *of_play)):
        if RESULT in hostvars[host]:
            forecasts.append(_of_host(host, hostvars[host][RESULT]))
        elif host in of_play:
            forecasts.append(HostForecast(host, why="the run failed before it"))
    return forecasts


def _of_host(host: str, result: Result) -> HostForecast:
    if result.get("failed"):
        return HostForecast(host, why=str(result.get("msg") or "the task failed"))
    return HostForecast(host, result)


def write(forecasts: Sequence[HostForecast], arguments: Mapping[str, Any], check: bool) -> bool:
    """Write the files that are asked for; return whether one changes.

    Raises Problem without a forecast, and if a file cannot be written.
    """
    if not any(forecast.result for forecast in forecasts):
        raise Problem("no host has a forecast, so no report was written", fix="Run the forecasts first.")
    return write_result(one_forecast(forecasts), arguments, check)


def write_result(result: Result, arguments: Mapping[str, Any], check: bool) -> bool:
    """Write the files that are asked for of one forecast; return whether one changes.

    They have the names of services, as captures do, so only their user may read new ones.
    """
    if check:
        return False
    texts: dict[str, Callable[[Result], str]] = {
        "markdown_path": lambda made: str(made["markdown"]),
        "output_path": junit_of_forecast,
        "html_path": page,
    }
    changed = False
    for option, text in texts.items():
        if arguments[option]:
            changed |= _files.place_private(Path(arguments[option]), text(result))
    return changed


def page(result: Result) -> str:
    """Return the page of a forecast."""
    return page_text("forecast", cleaned(forecast_model(result)), STYLES)
