# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecasts of all collectors of a run that change, each from its own capture.

The module `collector_forecast` returns them. For each collector of the inventory:

| before the run | the result |
|---|---|
| the same config and image | nothing |
| another config, and the folder of captures has one of it | a forecast |
| another config, and there is no capture, or no config that can be read | the reason, in `unknown` |
| it did not run | it is new, so there is no forecast |

A `ChangedCollector` (changed_collectors.py) is a collector that changes, with its forecast or the reason why it has
none. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.errors import Problem, clean_text
from ....module_utils._otelcol.forecast.changed_collectors import (
    ChangedCollector,
    list_failures,
    list_report_lines,
    render_markdown_section,
)
from ....module_utils._otelcol.forecast.forecast_rows import CollectorForecasts
from .. import _files
from .captured import read_capture
from .collectors_before import ClusterBefore, KeptBefore, choose_before
from .forecast_configs import ForecastConfigs
from .forecasting import NEVER, check_options, forecast_between_configs
from .rendered_collectors import RenderedCollector

# The forecast of one collector has these options, and that of all has not.
# Options of `pipeline_forecast`, with the values by which they do nothing.
_OPTIONS_OF_ONE: dict[str, Any] = {
    "markdown_path": None,
    "output_path": None,
    "before": None,
    "after": None,
    "rates": {},
    "fail_on": NEVER,
}


def forecast_collectors(arguments: Mapping[str, Any], warn: Callable[[str], None]) -> CollectorForecasts:
    """Return the forecasts of all collectors that change, and warn of each that has no capture.

    `arguments` are those of the module. Raises Problem for wrong options, for a row that is no collector, and if no
    option gives the configs of before.
    """
    options = {**arguments, **_OPTIONS_OF_ONE, "capture": arguments["captures"]}
    check_options(options)
    before = choose_before(arguments)
    collectors = []
    for number, row in enumerate(arguments["collectors"]):
        collectors.append(RenderedCollector.from_row(row, f"collectors[{number}]"))
    changed_collectors = list(_forecast_changed_collectors(collectors, before, options, warn))
    must_be_known = arguments["without_capture"] == "fail"
    if not must_be_known:
        _warn_of_missing(changed_collectors, warn)
    return _build_task_result(changed_collectors, must_be_known=must_be_known)


def _forecast_changed_collectors(
    collectors: Sequence[RenderedCollector],
    before: KeptBefore | ClusterBefore,
    options: Mapping[str, Any],
    warn: Callable[[str], None],
) -> Iterator[ChangedCollector]:
    """Yield each collector that changes, with its forecast or the reason why it has none. A new one has no forecast."""
    for collector in collectors:
        if before.leaves_resource_unchanged(collector):
            continue
        try:
            config_before = before.find_config_before(collector)
        except Problem as problem:
            yield ChangedCollector(collector.name, missing_reason=problem.wrong)
            continue
        if config_before is None:
            yield ChangedCollector(collector.name, is_new=True)
        elif before.is_changed(config_before, collector.config_after):
            configs = ForecastConfigs(collector.name, config_before, collector.config_after)
            yield _forecast_by_capture(configs, Path(options["captures"], collector.capture_folder), options, warn)


def _forecast_by_capture(
    configs: ForecastConfigs, folder: Path, options: Mapping[str, Any], warn: Callable[[str], None]
) -> ChangedCollector:
    """Return the forecast of a collector by the capture in a folder, or why there is none."""
    if not _files.is_path_of_kind(folder, Path.is_dir):
        why_missing = f"there is no capture {folder}. Capture it with playbook capture."
        return ChangedCollector(configs.name, missing_reason=why_missing)
    try:
        forecast = forecast_between_configs(configs, read_capture(folder), {**options, "capture": str(folder)}, warn)
    except Problem as problem:
        return ChangedCollector(configs.name, failure_reason=clean_text(str(problem)).rstrip("."))
    return ChangedCollector(configs.name, forecast=forecast)


def _warn_of_missing(changed_collectors: Sequence[ChangedCollector], warn: Callable[[str], None]) -> None:
    """Warn of each collector that changes and has no capture."""
    for collector in changed_collectors:
        if collector.missing_reason:
            warn(f"{collector.name} changes without a forecast: {collector.missing_reason}")


def _build_task_result(changed_collectors: Sequence[ChangedCollector], *, must_be_known: bool) -> CollectorForecasts:
    """Return what is known of all collectors that change, as a task result."""
    without_forecast = [collector for collector in changed_collectors if not collector.forecast]
    return {
        "changed": False,
        "forecasts": [collector.forecast for collector in changed_collectors if collector.forecast],
        "unknown": [{"collector": collector.name, "why": collector.unknown_reason} for collector in without_forecast],
        "report": "\n".join(list_report_lines(changed_collectors)),
        "markdown": render_markdown_section(changed_collectors),
        "failure": ". ".join(list_failures(changed_collectors, must_be_known=must_be_known)),
    }
