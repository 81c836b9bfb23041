# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module host_removal_plan. `plugin_utils/_host_removal.py` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _host_removal
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._chosen_hosts import REMOVAL_VARIABLE, check_removal_hosts


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        check_removal_hosts({**self.variables, REMOVAL_VARIABLE: True}, self._templar.template)
        return _host_removal.plan_removal(self.variables, self._display.warning)
