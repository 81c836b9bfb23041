# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module pipeline_savings. `plugin_utils/_savings.py` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _host_forecast_input, _savings
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return what is worth dropping of a capture. Fails if nothing came in."""
        savings_arguments = {**arguments, "collectors": _host_forecast_input.list_collectors(arguments)}
        return _savings.find_savings(savings_arguments, self._display.warning, self._task.check_mode)
