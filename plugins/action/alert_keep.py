# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module alert_keep. `plugin_utils/_alert_keep.py` does the work."""

from __future__ import annotations

import time
from typing import Any

from ..plugin_utils import _alert_keep
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was done about the alert, which every callback shows."""
        return {**super().run(tmp, task_vars), "_ansible_verbose_always": True}

    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        timestamp = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
        return _alert_keep.keep_alert(
            arguments["path"], arguments["plan"], self.variables, timestamp, self._task.check_mode
        )
