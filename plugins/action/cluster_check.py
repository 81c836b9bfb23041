# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module cluster_check: checks inputs of roles, asks in this process, if the module would run here.

`plugin_utils/_worker.py` decides that.
"""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _inventory
from ..plugin_utils._answers import turn_problems_into_failure
from ..plugin_utils._chosen_hosts import check_removal_hosts
from ..plugin_utils._role_inputs import check_inputs, check_switches
from ..plugin_utils._worker import Work, WorkerAction


class ActionModule(WorkerAction):
    @staticmethod
    def load_options_and_work() -> tuple[dict[str, Any], Work]:
        from ..module_utils._kube.live import expected_cluster  # noqa: PLC0415 - needs kubernetes.core
        from ..module_utils._kube.live.connect import CLUSTER_ARG_SPEC  # noqa: PLC0415

        return CLUSTER_ARG_SPEC | expected_cluster.ARGUMENTS, expected_cluster.run_check

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the cluster, which every callback shows. Fails before it asks if an input of a role is invalid."""
        variables = task_vars or {}
        check_switches(self._task.args.get("switches") or {})
        if self._task.args.get("inventory"):
            with turn_problems_into_failure():
                _inventory.check_inventory(variables, needs_hosts=True)
                check_removal_hosts(variables, self._templar.template)
        check_inputs(self._task.args.get("inputs"), variables, self._templar.template)
        return {**super().run(tmp, task_vars), "_ansible_verbose_always": True}
