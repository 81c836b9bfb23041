# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module pipeline_forecast. `plugin_utils/_otelcol/_forecast` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _forecast_reports, _host_forecast_input
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._otelcol._forecast import forecasting


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return what a change does to what a collector sends. Fails if a limit is passed."""
        forecast_arguments = {**arguments, **_host_forecast_input.build_forecast_input(arguments)}
        result = forecasting.forecast_change(forecast_arguments, self._display.warning)
        result["changed"] = _forecast_reports.write_result(result, arguments, self._task.check_mode)
        forecasting.refuse_breaches(result, arguments["fail_on"])
        return dict(result)
