# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module host_wave: turns the answer of a host into what the gate of a wave compares.

The host returns its metrics and configs as texts. The gate needs counts, and configs as data without secrets.
"""

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
        """Return what the collectors count. If the host cannot be read, the task does not fail: the gate tells why."""
        with fail_for_missing_needs():
            super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = dict(self._task.args)
        reads_own_host = not self._task.delegate_to  # else the variables are those of another host
        if "seconds" in arguments and reads_own_host:
            arguments["seconds"] = choose_watch_seconds(float(arguments["seconds"]), variables)
        asked_at = time.time()
        result = self._run_module(arguments, variables)
        if result.get("failed"):
            return build_result_for_gate(result, arguments, str(variables.get("inventory_hostname") or "the host"))
        collectors = result.pop("collectors", [])
        watch_mark = build_watch_mark(arguments)
        return answer_or_fail_task(
            lambda: {**result, **watch_mark, "collectors": count_samples(collectors, asked_at)}, {}
        )

    def _run_module(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the module on the host. A host that does not answer is a failed result."""
        try:
            return dict(self._execute_module(module_name=_MODULE_NAME, module_args=arguments, task_vars=variables))
        except AnsibleConnectionFailure as connection_failure:
            return build_lost_host_result(connection_failure)
