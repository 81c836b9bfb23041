# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module collector_diagnose."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.validation import check_type_list
from ansible.plugins.action import ActionBase

from ..plugin_utils import _diagnose
from ..plugin_utils._after_rollout import check_delivery, select_changed_collectors
from ..plugin_utils._answers import answer_or_fail_task
from ..plugin_utils._chosen_collectors import select_collectors
from ..plugin_utils._own_lines import forget_own_line
from ..plugin_utils._playbook_command import build_playbook_command


class ActionModule(ActionBase):
    """Let the module read the cluster, then judge what it saw, here where the catalogue is."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the verdict; the facts, which may hold secrets of configs, stay here."""
        super().run(tmp, task_vars)
        forget_own_line(self._task)
        return answer_or_fail_task(lambda: self._diagnose_collectors(task_vars), self._task.args)

    def _diagnose_collectors(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        task_options = {**self._task.args}
        only_names = check_type_list(task_options.get("only") or [])
        task_options["collectors"] = select_collectors(task_options.get("collectors") or [], only_names)
        checks = _diagnose.list_checks(task_options)
        module_arguments = {**task_options, "listeners": _diagnose.list_listener_rows()}
        if "applied" in task_options:
            module_arguments["collectors"] = select_changed_collectors(
                task_options.get("collectors") or [], task_options["applied"]
            )
            if not module_arguments["collectors"]:
                return check_delivery([], "")
        module_result: dict[str, Any] = self._execute_module(module_args=module_arguments, task_vars=task_vars)
        facts = module_result.pop("facts", None)
        if facts is None:
            return module_result
        if "applied" in task_options:
            delivery = check_delivery(facts, build_playbook_command("diagnose", task_vars or {}))
            return {
                **module_result,
                **delivery,
                "warnings": [*module_result.get("warnings", ()), *delivery["warnings"]],
            }
        if only_names:
            module_result["unlisted"] = []
        return {
            **module_result,
            **_diagnose.diagnose_collectors(facts, checks, task_options, module_result.get("unlisted") or ()),
        }
