# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module collector_wave: reads in this process, if the module would run here.

`plugin_utils/_worker.py` decides that.
"""

from __future__ import annotations

from typing import Any

from ..plugin_utils._wave_results import choose_watch_seconds
from ..plugin_utils._wave_tasks import build_result_for_gate, build_watch_mark, is_in_wave
from ..plugin_utils._worker import Work, WorkerAction


class ActionModule(WorkerAction):
    @staticmethod
    def load_options_and_work() -> tuple[dict[str, Any], Work]:
        from ..module_utils._kube.live.connect import CLUSTER_ARG_SPEC  # noqa: PLC0415 - needs kubernetes.core
        from ..module_utils._waves.live import collector_wave  # noqa: PLC0415

        return CLUSTER_ARG_SPEC | collector_wave.ARGUMENTS, collector_wave.run_collector_wave

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the collectors count. No task fails for a cluster that cannot be read: the gate says so."""
        variables = task_vars or {}
        written_arguments = self._task.args
        arguments = dict(written_arguments)
        # With `applied`, the collectors are those that the run has applied to the member of these variables.
        if {"seconds", "applied"} <= arguments.keys() and is_in_wave(variables):
            arguments["seconds"] = choose_watch_seconds(float(arguments["seconds"]), variables)
        self._task.args = arguments
        try:
            result = {**super().run(tmp, task_vars), **build_watch_mark(arguments)}
        finally:  # `until` runs the action again
            self._task.args = written_arguments
        return build_result_for_gate(result, arguments, str(variables.get("inventory_hostname")))
