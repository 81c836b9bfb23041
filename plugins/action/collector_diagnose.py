# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module collector_diagnose."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.validation import check_type_list
from ansible.plugins.action import ActionBase

from ..plugin_utils import _diagnose
from ..plugin_utils._after_rollout import changed_collectors, delivery_after_rollout
from ..plugin_utils._answers import answer_or_fail
from ..plugin_utils._chosen_collectors import chosen
from ..plugin_utils._own_lines import forget_own_line
from ..plugin_utils._playbook_command import playbook_command


class ActionModule(ActionBase):
    """Let the module read the cluster, then judge what it saw, here where the catalogue is."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the verdict; the facts, which may hold secrets of configs, stay here."""
        super().run(tmp, task_vars)
        forget_own_line(self._task)
        return answer_or_fail(lambda: self._diagnosed(task_vars), self._task.args)

    def _diagnosed(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        given = {**self._task.args}
        only = check_type_list(given.get("only") or [])
        given["collectors"] = chosen(given.get("collectors") or [], only)
        checks = _diagnose.checks_of(given)
        arguments = {**given, "listeners": _diagnose.listeners()}
        if "applied" in given:
            arguments["collectors"] = changed_collectors(given.get("collectors") or [], given["applied"])
            if not arguments["collectors"]:
                return delivery_after_rollout([], "")
        read: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        facts = read.pop("facts", None)
        if facts is None:
            return read
        if "applied" in given:
            seen = delivery_after_rollout(facts, playbook_command("diagnose", task_vars or {}))
            return {**read, **seen, "warnings": [*read.get("warnings", ()), *seen["warnings"]]}
        if only:
            read["unlisted"] = []
        return {**read, **_diagnose.diagnosed(facts, checks, given, read.get("unlisted") or ())}
