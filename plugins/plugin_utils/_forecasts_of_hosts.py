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

from ..module_utils._otelcol.forecast.told_collectors import HostForecasts
from . import _gitops, _kept_figures, _running_host
from ._otelcol import _files
from ._otelcol._testing.chosen_bench import Chosen

# What tasks of playbooks leave in the variables of each host.
TOLD = "__otel_forecasts_told"
_LABEL_OF_KEPT = "the figures of before"


def told_by_hosts(variables: Mapping[str, Any]) -> list[HostForecasts]:
    """Return the forecasts of each host of the play whose collectors change, for a page."""
    hostvars = variables.get("hostvars") or {}
    forecasts: list[HostForecasts] = []
    for host in variables.get("ansible_play_hosts_all") or ():
        told = hostvars[host].get(TOLD) or {}
        if told.get("markdown"):
            forecasts.append(HostForecasts(host, told["markdown"]))
    return forecasts


@dataclass(frozen=True)
class Before:
    """The collectors of a forecast, and what they were before: configs that were kept, or else objects of a cluster.

    `kept` has the configs by NAMESPACE/NAME; those of a Linux host by HOST/NAME, as its `collectors` are named too.
    """

    collectors: Sequence[Any]
    kept: Mapping[str, Chosen] | None = None
    resources: Sequence[Any] | None = None

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments of collector_forecast that it stands for."""
        return {"collectors": self.collectors, "kept": self.kept, "resources": self.resources}


def before(arguments: Mapping[str, Any]) -> Before:
    """Return what collectors were before, by the options of collector_forecast.

    Raises Problem for files that are none of a change that was judged, or of a repository that was written.
    """
    host, collectors = arguments["host"], arguments["collectors"]
    if arguments["host_running"] is not None:
        running = _running_host.as_collectors(arguments)
        return Before(running["collectors"], kept=running["kept"])
    if arguments["kept_path"]:
        folder = _files.named(arguments["kept_path"]).expanduser().resolve()
        configs = _kept_figures.kept_configs(folder, host)
        chosen_configs = {name: Chosen(config, "", _LABEL_OF_KEPT) for name, config in configs.items()}
        return Before(collectors, kept=chosen_configs)
    if arguments["gitops_path"]:
        root = _files.named(arguments["gitops_path"]).expanduser().resolve()
        return Before(collectors, resources=_gitops.written_objects(root, host))
    return Before(collectors, resources=arguments["resources"])
