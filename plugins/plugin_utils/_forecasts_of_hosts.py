# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts of the hosts of a play: what tasks have told of each, and what the collectors of one were before.

The two meet in plays alone: collector_forecast asks for what was before, and its result is what a task tells. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..module_utils._otelcol.forecast.changed_collectors import HostForecasts
from . import _gitops, _kept_figures, _running_host
from ._otelcol import _files
from ._otelcol._testing.chosen_bench import ChosenConfig

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
        running_arguments = _running_host.convert_to_collectors(arguments)
        return ForecastBaseline(running_arguments["collectors"], kept_configs=running_arguments["kept"])
    if arguments["kept_path"]:
        kept_folder = _files.require_path(arguments["kept_path"]).expanduser().resolve()
        configs = _kept_figures.read_kept_configs(kept_folder, host)
        chosen_configs = {name: ChosenConfig(config, "", _LABEL_OF_KEPT) for name, config in configs.items()}
        return ForecastBaseline(collectors, kept_configs=chosen_configs)
    if arguments["gitops_path"]:
        gitops_folder = _files.require_path(arguments["gitops_path"]).expanduser().resolve()
        return ForecastBaseline(collectors, cluster_resources=_gitops.read_written_objects(gitops_folder, host))
    return ForecastBaseline(collectors, cluster_resources=arguments["resources"])
