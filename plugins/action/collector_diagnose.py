# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module collector_diagnose: judges what the module has read of the cluster.

The module reads facts where the cluster can be reached: one mapping for each collector, which docs/diagnose.md
describes. `plugin_utils/_worker.py` decides whether it reads them in this process. Catalogue, rules and checks are on
the controller, in `plugin_utils/_diagnose.py` and `_after_rollout.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.common.validation import check_type_list

from ..plugin_utils import _diagnose
from ..plugin_utils._after_rollout import check_delivery, select_changed_collectors
from ..plugin_utils._answers import answer_or_fail_task
from ..plugin_utils._chosen_collectors import select_collectors
from ..plugin_utils._own_lines import forget_own_line
from ..plugin_utils._playbook_command import build_playbook_command
from ..plugin_utils._shape_checks import check_shapes
from ..plugin_utils._worker import Work, WorkerAction

# The options that are read here, before the module checks all of them. Their types are those of its documentation.
READ_OPTIONS = {
    "collectors": {"type": "list", "elements": "dict"},
    "only": {"type": "list", "elements": "str"},
    "applied": {"type": "list", "elements": "dict"},
}


class ActionModule(WorkerAction):
    """Lets the module read the cluster, then diagnoses the collectors.

    The options decide between three tasks. With `applied`, the rows of what a run has just changed, only the delivery
    of these collectors is checked. With `only`, the collectors of these names are diagnosed. With neither, all
    collectors are, and `unlisted` of the result has those of the cluster that the inventory does not list.
    """

    _supports_async = False  # there would be no facts yet

    @staticmethod
    def load_options_and_work() -> tuple[dict[str, Any], Work]:
        from ..module_utils._diagnose.live import collect  # noqa: PLC0415
        from ..module_utils._kube.live.connect import CLUSTER_ARG_SPEC  # noqa: PLC0415 - needs kubernetes.core

        return CLUSTER_ARG_SPEC | collect.ARGUMENTS, collect.run_diagnose

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the diagnosis. It has no facts, since these may hold secrets of configs."""
        forget_own_line(self._task)
        return answer_or_fail_task(lambda: self._diagnose_collectors(task_vars or {}), self._task.args)

    def _diagnose_collectors(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the result of one of the three tasks. May raise Problem."""
        options = dict(self._task.args)
        check_shapes(options, READ_OPTIONS, "module collector_diagnose")
        only_names = check_type_list(options.get("only") or [])
        options["collectors"] = select_collectors(options.get("collectors") or [], only_names)
        checks = _diagnose.list_checks(options)
        checks_delivery = "applied" in options
        if checks_delivery:
            options["collectors"] = select_changed_collectors(options["collectors"], options["applied"] or [])
            if not options["collectors"]:
                return check_delivery([], "")
        module_result = self._read_cluster(options, task_vars)
        facts_of_collectors = module_result.pop("facts", None)
        if facts_of_collectors is None:  # the module has failed
            return module_result
        if checks_delivery:
            return _report_delivery(facts_of_collectors, module_result, task_vars)
        if only_names:  # the module knows only these, so it would call all other collectors unlisted
            module_result["unlisted"] = []
        unlisted_collectors = module_result.get("unlisted") or ()
        diagnosis = _diagnose.diagnose_collectors(facts_of_collectors, checks, options, unlisted_collectors)
        return {**module_result, **diagnosis}

    def _read_cluster(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return what the module says: `facts` of each collector, unless it has failed."""
        written_arguments = self._task.args
        self._task.args = {**options, "listeners": _diagnose.list_listener_rows()}
        try:
            return super().run(None, task_vars)
        finally:  # `until` runs the action again
            self._task.args = written_arguments


def _report_delivery(
    facts_of_collectors: Sequence[Mapping[str, Any]], module_result: Mapping[str, Any], task_vars: Mapping[str, Any]
) -> dict[str, Any]:
    """Return which exporters of the collectors do not deliver, with the command that says why."""
    delivery = check_delivery(facts_of_collectors, build_playbook_command("diagnose", task_vars))
    warnings = [*module_result.get("warnings", ()), *delivery["warnings"]]
    return {**module_result, **delivery, "warnings": warnings}
