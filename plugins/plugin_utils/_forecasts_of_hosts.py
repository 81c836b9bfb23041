# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts of the hosts of a play: what collectors were before, and what tasks have told of others. Private."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.forecast.told_collectors import HostForecasts
from . import _collector_judge, _gitops, _running_host
from ._otelcol import _files
from ._otelcol._testing.chosen_bench import Chosen

# What tasks of playbooks leave in the variables of each host.
TOLD = "__otel_forecasts_told"
_KEPT = "the figures of before"


def told_by_hosts(variables: Mapping[str, Any]) -> list[HostForecasts]:
    """Return the forecasts of each host of the play whose collectors change, for a page."""
    hostvars = variables.get("hostvars") or {}
    hosts = variables.get("ansible_play_hosts_all") or ()
    told = [HostForecasts(host, (hostvars[host].get(TOLD) or {}).get("markdown", "")) for host in hosts]
    return [forecasts for forecasts in told if forecasts.markdown]


def before(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the objects of before as `resources`, or the collectors of before by NAMESPACE/NAME as `kept`.

    Those of a Linux host have the names HOST/NAME, also in `collectors`. Raises Problem for files that are none of
    these.
    """
    host = arguments["host"]
    if arguments["host_running"] is not None:
        return _running_host.as_collectors(arguments)
    if arguments["kept_path"]:
        folder = Path(_files.named(arguments["kept_path"]).expanduser().resolve())
        configs = _collector_judge.kept_configs(folder, host)
        return {"kept": {name: Chosen(config, "", _KEPT) for name, config in configs.items()}}
    if arguments["gitops_path"]:
        root = _files.named(arguments["gitops_path"]).expanduser().resolve()
        return {"kept": None, "resources": _gitops.written_objects(root, host)}
    return {"kept": None}
