# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a forecast, or of the forecasts of all hosts of a run: a page, Markdown and JUnit. Private.

A forecast says what a change does to the data that a collector sends (docs/forecast.md). Module pipeline_forecast
writes the files of one forecast by `write_result`. Playbook forecast runs that module for each host, and module
forecast_reports then writes the files of all hosts by `collect_host_forecasts` and `write_forecasts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.errors import Problem, clean_text
from ..module_utils._otelcol.forecast.forecast_model import build_forecast_model
from ..module_utils._otelcol.forecast.forecast_rows import ShownForecast
from ..module_utils._otelcol.forecast.forecasts_together import HostForecast, join_forecasts, render_forecast_junit
from ._html_pages import render_page
from ._otelcol import _files

STYLES = ("page.css", "bars.css")
# What a task of playbook forecast leaves in the variables of each host.
RESULT_VARIABLE = "forecast_result"


def collect_host_forecasts(variables: Mapping[str, Any]) -> list[HostForecast]:
    """Return what the forecast of each host of the run has returned, in the order of the inventory.

    `variables` are those of a task of playbook forecast. For example, with these, the forecast of web1 is read, and
    web2 is reported as failed:

        {"groups": {"all": ["web1", "web2"]}, "ansible_play_hosts_all": ["web1", "web2"],
         "hostvars": {"web1": {"forecast_result": {…}}, "web2": {}}}

    A host of the play without a result has failed before, such as one that could not be read.
    """
    hostvars, groups = variables.get("hostvars") or {}, variables.get("groups") or {}
    play_hosts = variables.get("ansible_play_hosts_all", ())
    forecasts: list[HostForecast] = []
    # All hosts of the inventory, and not those of this play alone: an earlier play of the run may have read others.
    # Those of this play come last, for the implicit localhost, which is in no group.
    for host in dict.fromkeys((*groups.get("all", ()), *play_hosts)):
        if RESULT_VARIABLE in hostvars[host]:
            forecasts.append(_build_host_forecast(host, hostvars[host][RESULT_VARIABLE]))
        elif host in play_hosts:
            forecasts.append(HostForecast(host, failure_reason="the run failed before it"))
    return forecasts


def _build_host_forecast(host: str, task_result: Any) -> HostForecast:
    """Return the forecast in a registered result, or the message of the task if it failed."""
    if task_result.get("failed"):
        return HostForecast(host, failure_reason=str(task_result.get("msg") or "the task failed"))
    return HostForecast(host, task_result)


def write_forecasts(forecasts: Sequence[HostForecast], arguments: Mapping[str, Any], is_check_mode: bool) -> bool:
    """Write the files that are asked for; return whether one changes. `arguments` are those of `write_result`.

    Raises Problem without a forecast, and if a file cannot be written.
    """
    if not any(forecast.result for forecast in forecasts):
        raise Problem("no host has a forecast, so no report was written", fix="Run the forecasts first.")
    return write_result(join_forecasts(forecasts), arguments, is_check_mode)


def write_result(result: ShownForecast, arguments: Mapping[str, Any], is_check_mode: bool) -> bool:
    """Write the files that are asked for of one forecast; return whether one changes.

    `arguments` has the path of each file, empty for one that is not asked for: `markdown_path`, `output_path` (JUnit)
    and `html_path`. The files have the names of services, as captures do, so only their user may read new ones.
    """
    if is_check_mode:
        return False
    builders_by_option: dict[str, Callable[[ShownForecast], str]] = {
        "markdown_path": lambda forecast: forecast["markdown"],
        "output_path": render_forecast_junit,
        "html_path": build_page,
    }
    has_changed = False
    for option, build_text in builders_by_option.items():
        if arguments[option]:
            has_changed |= _files.write_private(Path(arguments[option]), build_text(result))
    return has_changed


def build_page(result: ShownForecast) -> str:
    """Return the page of a forecast."""
    return render_page("forecast", clean_text(build_forecast_model(result)), STYLES)
