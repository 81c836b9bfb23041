# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts in plays: which collectors are compared with what, and what each host's forecast says. Private.

A forecast says what a change does to the data that a collector sends (docs/forecast.md). Module collector_forecast
calls `find_baseline`: what the collectors were before is in a cluster, on a host, in files that playbook judge has kept
(`kept_path`), or in a repository that playbook render has written (`gitops_path`). The modules collector_judge and
gitops_changes call `collect_told_forecasts` for their pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..module_utils._otelcol.forecast.changed_collectors import HostForecasts
from . import _gitops_changes, _host_forecast_input, _kept_figures
from ._otelcol import _files
from ._otelcol._testing.chosen_collector import ChosenConfig

# What tasks of playbooks leave in the variables of each host.
TOLD_VARIABLE = "__otel_forecasts_told"
_LABEL_OF_KEPT = "the figures of before"


def collect_told_forecasts(variables: Mapping[str, Any]) -> list[HostForecasts]:
    """Return the forecasts of each host of the play whose collectors change, for a page."""
    hostvars = variables.get("hostvars") or {}
    forecasts: list[HostForecasts] = []
    for host in variables.get("ansible_play_hosts_all") or ():
        told_forecast = hostvars[host].get(TOLD_VARIABLE) or {}
        if told_forecast.get("markdown"):
            forecasts.append(HostForecasts(host, told_forecast["markdown"]))
    return forecasts


@dataclass(frozen=True)
class ForecastBaseline:
    """The collectors of a forecast, and what they were before: configs that were kept, or else objects of a cluster.

    `kept_configs` has the configs by NAMESPACE/NAME; those of a Linux host by HOST/NAME, as its `collectors` are named
    too.
    """

    collectors: Sequence[Any]
    kept_configs: Mapping[str, ChosenConfig] | None = None
    cluster_resources: Sequence[Any] | None = None

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments of collector_forecast that it stands for."""
        return {"collectors": self.collectors, "kept": self.kept_configs, "resources": self.cluster_resources}


def find_baseline(arguments: Mapping[str, Any]) -> ForecastBaseline:
    """Return what collectors were before, by the options of collector_forecast.

    Raises Problem for files that are none of a change that was judged, or of a repository that was written.
    """
    host, collectors = arguments["host"], arguments["collectors"]
    if arguments["host_running"] is not None:
        running_arguments = _host_forecast_input.build_forecast_input(arguments)
        return ForecastBaseline(running_arguments["collectors"], kept_configs=running_arguments["kept"])
    if arguments["kept_path"]:
        kept_folder = _files.require_path(arguments["kept_path"]).expanduser().resolve()
        configs = _kept_figures.read_kept_configs(kept_folder, host)
        chosen_configs = {name: ChosenConfig(config, "", _LABEL_OF_KEPT) for name, config in configs.items()}
        return ForecastBaseline(collectors, kept_configs=chosen_configs)
    if arguments["gitops_path"]:
        gitops_folder = _files.require_path(arguments["gitops_path"]).expanduser().resolve()
        return ForecastBaseline(collectors, cluster_resources=_gitops_changes.read_written_objects(gitops_folder, host))
    return ForecastBaseline(collectors, cluster_resources=arguments["resources"])
