# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collectors of a run were before it: module collector_forecast compares the inventory with that. Private.

A forecast says what a change does to the data that a collector sends (docs/forecast.md). The action of module
collector_forecast calls `find_baseline` and hands the result to `forecast_collectors`. The first of these options that
is given decides:

| option | what the collectors of the inventory are compared with |
|---|---|
| `host_running` | the configs that run on a Linux host |
| `kept_path` | the configs in the file of the host that module collector_judge has kept |
| `gitops_path` | the objects in the files that an earlier run of playbook render has written for the host |
| `resources` | the objects of the cluster |

For example, with `gitops_path: fleet` for host prod, the Deployment and ConfigMap of a collector in the files of prod
are what was before: the result is `ForecastBaseline(collectors, resources=[…])`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import _gitops_changes, _host_forecast_input, _kept_figures
from ._otelcol import _files
from ._otelcol._testing.chosen_collector import ChosenConfig

# How messages say where a kept config is from.
_LABEL_OF_KEPT = "the figures of before"


@dataclass(frozen=True)
class ForecastBaseline:
    """The collectors of a forecast, and what they were before: either kept configs or objects, the other is None."""

    collectors: Sequence[Any]
    """The rendered collectors of the inventory."""
    kept_configs: Mapping[str, ChosenConfig] | None = None
    """The configs by NAMESPACE/NAME; those of a Linux host by HOST/NAME, as its `collectors` are named too."""
    resources: Sequence[Any] | None = None
    """Objects of a cluster, or those in files of a GitOps repository."""

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments of `forecast_collectors` that it stands for."""
        return {"collectors": self.collectors, "kept_configs": self.kept_configs, "resources": self.resources}


def find_baseline(arguments: Mapping[str, Any]) -> ForecastBaseline:
    """Return what collectors were before, by the options of collector_forecast.

    Without any of the options, neither is known, which `forecast_collectors` refuses. Raises Problem for files that
    are none of a change that was judged, or of a repository that was written.
    """
    host = arguments["host"]
    collectors = arguments["collectors"]
    if arguments["host_running"] is not None:
        running_arguments = _host_forecast_input.build_forecast_input(arguments)
        return ForecastBaseline(running_arguments["collectors"], kept_configs=running_arguments["kept_configs"])
    if arguments["kept_path"]:
        return ForecastBaseline(collectors, kept_configs=_read_kept_configs(arguments["kept_path"], host))
    if arguments["gitops_path"]:
        gitops_folder = _files.require_expanded_path(arguments["gitops_path"]).resolve()
        return ForecastBaseline(collectors, resources=_gitops_changes.read_written_objects(gitops_folder, host))
    return ForecastBaseline(collectors, resources=arguments["resources"])


def _read_kept_configs(kept_path: str, host: str) -> dict[str, ChosenConfig]:
    """Return the configs by NAMESPACE/NAME in the file of a host; their images were not kept."""
    kept_folder = _files.require_expanded_path(kept_path).resolve()
    kept_configs: dict[str, ChosenConfig] = {}
    for name, config in _kept_figures.read_kept_configs(kept_folder, host).items():
        kept_configs[name] = ChosenConfig(config, image="", where=_LABEL_OF_KEPT)
    return kept_configs
