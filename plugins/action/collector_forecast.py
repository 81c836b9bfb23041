# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module collector_forecast. `plugin_utils/_otelcol/_forecast` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _forecast_baseline
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._otelcol._forecast.collector_forecasts import forecast_collectors
from ..plugin_utils._otelcol._forecast.forecasting import refuse_breaches


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the forecasts of all collectors that change. Fails if a limit is passed."""
        forecast_arguments = {**arguments, **_forecast_baseline.find_baseline(arguments).as_arguments()}
        result = forecast_collectors(forecast_arguments, self._display.warning)
        refuse_breaches(result, arguments["fail_on"])
        return dict(result)
