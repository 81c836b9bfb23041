# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module collector_judge. `plugin_utils/_collector_judge.py` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _collector_judge, _told_forecasts
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Keep the figures, or judge by those that were kept."""
        host_facts = {
            "members": _collector_judge.list_members(self.variables),
            "forecasts": _told_forecasts.collect_told_forecasts(self.variables),
        }
        keep_or_judge = _collector_judge.keep_figures if arguments["keep"] else _collector_judge.judge_collectors
        return keep_or_judge({**arguments, **host_facts}, check=self._task.check_mode)
