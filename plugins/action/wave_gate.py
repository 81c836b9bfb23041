# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module wave_gate: decides after each wave whether the run goes on."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _wave_gate, _wave_rollback
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return how the wave went, which every callback shows."""
        return {**super().run(tmp, task_vars), "_ansible_verbose_always": True}

    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Judge a wave, or the whole run with `ends`. With `failed`, fail with what became of a wave that failed."""
        run_plan, wave = arguments["plan"], arguments["wave"]
        if arguments["failed"]:
            _wave_rollback.report_failed_wave(run_plan, wave, arguments["failed"], self.variables)
        if arguments["ends"]:
            return _wave_gate.conclude_run(run_plan, self.variables)
        return _wave_gate.judge_wave(run_plan, wave, self.variables, self._task.check_mode)
