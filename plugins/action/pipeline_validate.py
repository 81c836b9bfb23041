# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module pipeline_validate. `plugin_utils/_otelcol/_validate.py` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._inventory_cases import list_inventory_cases
from ..plugin_utils._origins import collect_positions
from ..plugin_utils._otelcol import _builds, _input_model, _validate


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return every finding and the report. Fails for findings as severe as `fail_on`."""
        with _builds.use_tables_from(arguments["catalogue"] or ""):
            return _validate.validate_configs(
                arguments,
                self._display.warning,
                self._task.check_mode,
                planned_cases=list_inventory_cases(arguments),
                reading=_input_model.InputOptions(find_positions=collect_positions),
            )
