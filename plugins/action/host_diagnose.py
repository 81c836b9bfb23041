# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module host_diagnose: says what to look at on the host, and what the answers mean.

The module runs on the host once, for all collectors, and returns what it has seen. The host gets no configs, and knows
neither rules nor causes: those are on the controller.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

from ansible.module_utils.common.validation import check_type_list
from ansible.plugins.action import ActionBase

from ..plugin_utils._action import read_argument_spec
from ..plugin_utils._answers import answer_or_fail_task, turn_problems_into_failure
from ..plugin_utils._arguments import validate_values
from ..plugin_utils._chosen_collectors import select_collectors
from ..plugin_utils._host_diagnose import HostLookResult, HostVisit, diagnose_host, list_questions, load_configs
from ..plugin_utils._needed import fail_for_missing_needs
from ..plugin_utils._piped_secrets import pipe_secrets
from ..plugin_utils._shape_checks import check_shapes
from ..plugin_utils._wave_tasks import run_or_count_as_failed

_MODULE_NAME = "o11y.opentelemetry.host_diagnose"
# The options that are no collectors. The host would see them too late, or never. Ansible imports this in its main
# process, so that the processes for its hosts need not read them.
_VISIT_OPTIONS = {
    name: option
    for name, option in read_argument_spec("host_diagnose").items()
    if name in ("fail_on", "log_lines", "log_seconds", "window_seconds")
}

# The options that are read here, before the module checks them. Their types are those of its documentation.
READ_OPTIONS = {
    "collectors": {"type": "list", "elements": "dict"},
    "bundles": {"type": "list", "elements": "dict"},
    "only": {"type": "list", "elements": "str"},
}


class ActionModule(ActionBase):
    """Runs the module on the host, and explains its answers."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the diagnosis. Fails for a host that cannot be asked."""
        with fail_for_missing_needs():
            super().run(tmp, task_vars)
        return run_or_count_as_failed(lambda: self._diagnose(task_vars or {}), task_vars or {})

    def _diagnose(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the diagnosis, or that of the module if the host could not be looked at."""
        arguments = dict(self._task.args)
        with turn_problems_into_failure():
            check_visit_options(arguments)
            check_shapes(arguments, READ_OPTIONS, "module host_diagnose")
        only_names = check_type_list(arguments.pop("only", None) or [])
        fail_on = arguments.pop("fail_on", None) or "never"
        collectors = arguments.pop("collectors", None) or []
        with turn_problems_into_failure():
            collectors = select_collectors(collectors, only_names)
            configs = load_configs(collectors)
            if only_names and "bundles" in arguments:
                arguments["bundles"] = select_collectors(arguments["bundles"] or [], only_names)
        # In check mode, the host is looked at, and nothing is sent.
        is_check_only = bool(self._task.check_mode and arguments.get("send"))
        if is_check_only:
            arguments["send"] = False
        asked_at = time.time()
        module_result = self._look_on_host(arguments, configs, task_vars)
        answered_at = time.time()
        if module_result.get("failed") or "collectors" not in module_result:
            return module_result
        if only_names:  # `bundles` has only these, so the module would call all other collectors unlisted
            module_result["unlisted"] = []
        visit = HostVisit(
            host=str(task_vars.get("inventory_hostname") or "host"),
            asked_between=(asked_at, answered_at),
            sends_test_data=bool(arguments.get("send")),
            fail_on=fail_on,
            is_check_only=is_check_only,
        )
        return answer_or_fail_task(lambda: diagnose_host(cast(HostLookResult, module_result), configs, visit), {})

    def _look_on_host(
        self, arguments: dict[str, Any], configs: Mapping[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what the module has seen on the host."""
        pipe_secrets(self._connection, arguments.get("bundles") or [])
        module_arguments = {**arguments, "collectors": [], "questions": list_questions(configs)}
        return dict(self._execute_module(module_name=_MODULE_NAME, module_args=module_arguments, task_vars=task_vars))


def check_visit_options(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for an option of the visit that has a wrong value. Those of collectors are checked elsewhere."""
    values = {name: arguments[name] for name in _VISIT_OPTIONS if name in arguments}
    validate_values(values, _VISIT_OPTIONS, "module host_diagnose")
