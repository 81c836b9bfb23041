# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a run knows each host that was to have a forecast."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.forecasts_together import (
    HostForecast,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _forecast_reports


def test_each_host_of_the_run_is_told_also_one_that_failed_before_its_forecast() -> None:
    made = {"collector": "agent"}
    hostvars: dict[str, dict[str, Any]] = {
        "away": {},
        "beside": {},
        "broken": {"forecast_result": {"failed": True, "msg": "no capture"}},
        "web1": {"forecast_result": made},
    }
    variables: dict[str, Any] = {
        "hostvars": hostvars,
        "groups": {"all": ["web1", "beside", "broken", "away"]},
        "ansible_play_hosts_all": ["web1", "broken", "away"],
    }
    assert _forecast_reports.collect_host_forecasts(variables) == [
        HostForecast("web1", made),
        HostForecast("broken", failure_reason="no capture"),
        HostForecast("away", failure_reason="the run failed before it"),
    ]
