# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module fleet_report. `plugin_utils/_fleet_report.py` does the work."""

from __future__ import annotations

from typing import Any

from ..module_utils._otelcol.errors import Problem
from ..module_utils._report.fleet_waves import NO_WAVES, FleetWaves
from ..plugin_utils import _fleet_report, _wave_fleet
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return _fleet_report.write_fleet_report(arguments, self._task.check_mode, self._waves(arguments["waves"]))

    def _waves(self, waves_option: Any) -> FleetWaves:
        """Return the waves of the inventory. Wrong ones are told on the page, which is written all the same."""
        if waves_option is None:
            return NO_WAVES
        try:
            return FleetWaves(_wave_fleet.list_wave_members(waves_option, self.variables))
        except Problem as problem:
            return FleetWaves(problem=str(problem))
