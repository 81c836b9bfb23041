# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecasts that the hosts of a play have got, for a page. Private.

A forecast says what a change does to the data that a collector sends (docs/forecast.md). A playbook runs module
collector_forecast on each host, and registers the result. The actions of the modules collector_judge and
gitops_changes ask here for the results of all hosts. For example, of a play with web1 and web2 in which only the
collector of web1 changes:

    hostvars: {"web1": {"__otel_forecasts_told": {"markdown": "web1 sends more", …}},
               "web2": {"__otel_forecasts_told": {"markdown": "", …}}}
    → [HostForecasts("web1", "web1 sends more")]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._otelcol.forecast.changed_collectors import HostForecasts

# The variable of each host in which playbooks/tasks/forecast_collectors.yml registers the result.
TOLD_VARIABLE = "__otel_forecasts_told"


def collect_told_forecasts(variables: Mapping[str, Any]) -> list[HostForecasts]:
    """Return the forecasts of each host of the play whose collectors change. `variables` are those of the task."""
    hostvars = variables.get("hostvars") or {}
    forecasts: list[HostForecasts] = []
    for host in variables.get("ansible_play_hosts_all") or ():
        told_forecast = hostvars[host].get(TOLD_VARIABLE) or {}
        if told_forecast.get("markdown"):
            forecasts.append(HostForecasts(host, told_forecast["markdown"]))
    return forecasts
