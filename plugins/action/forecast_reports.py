# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module forecast_reports. `plugin_utils/_forecast_reports.py` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _forecast_reports
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Write the reports of what the forecasts of all hosts of the run have returned."""
        forecasts = _forecast_reports.collect_host_forecasts(self.variables)
        return {"changed": _forecast_reports.write_forecasts(forecasts, arguments, self._task.check_mode)}
