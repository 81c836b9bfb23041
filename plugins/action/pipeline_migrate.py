# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module pipeline_migrate. `plugin_utils/_otelcol/_migrate.py` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._origins import collect_positions
from ..plugin_utils._otelcol import _input_model, _migrate


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        reading = _input_model.InputOptions(find_positions=collect_positions)
        return dict(_migrate.migrate(arguments, self._task.check_mode, reading, self._display.warning))
