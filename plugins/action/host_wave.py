# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module host_wave: makes of the answers of a host what the gate of a wave compares."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..plugin_utils._answers import answer_or_fail_task
from ..plugin_utils._needed import fail_for_missing_needs
from ..plugin_utils._wave_results import choose_watch_seconds
from ..plugin_utils._wave_samples import count_samples
from ..plugin_utils._wave_tasks import build_lost_host_result, build_result_for_gate, build_watch_mark

_MODULE_NAME = "o11y.opentelemetry.host_wave"


class ActionModule(ActionBase):
    """Runs the module on the host, and keeps of its answer what the gate needs."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the collectors count. A host that cannot be read is told by the gate, and fails no task."""
        with fail_for_missing_needs():
            super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if "seconds" in arguments and not self._task.delegate_to:  # another host than the member of these variables
            arguments["seconds"] = choose_watch_seconds(float(arguments["seconds"]), task_vars or {})
        started_at = time.time()
        try:
            result = dict(self._execute_module(module_name=_MODULE_NAME, module_args=arguments, task_vars=task_vars))
        except AnsibleConnectionFailure as connection_failure:
            result = build_lost_host_result(connection_failure)
        if result.get("failed"):
            return build_result_for_gate(
                result, arguments, str((task_vars or {}).get("inventory_hostname") or "the host")
            )
        collectors = result.pop("collectors", [])
        watch_marks = build_watch_mark(arguments)
        return answer_or_fail_task(
            lambda: {**result, **watch_marks, "collectors": count_samples(collectors, started_at)}, {}
        )
