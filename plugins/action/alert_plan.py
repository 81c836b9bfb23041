# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module alert_plan. `plugin_utils/_alert_plan.py` does the work."""

from __future__ import annotations

import time
from typing import Any

from ..plugin_utils import _alert_plan
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return _alert_plan.plan_alert(arguments, self.variables, time.time(), self._task.check_mode)
