# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module host_diagnose: says what to look at on the host, and what the answers mean.

The module runs on the host once, for all collectors, and returns what it has seen. The host gets no configs, and knows
neither rules nor causes: those are on the controller.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

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
# The options that the host does not get: they are about the collectors, and about the result of the task.
_CONTROLLER_OPTIONS = ("collectors", "only", "fail_on")


class VisitRequest(NamedTuple):
    """What a task asks about the collectors of a host."""

    host_options: dict[str, Any]
    """The options that the module gets on the host."""
    configs: Mapping[str, Any]
    """The config of each collector to diagnose, by its name."""
    names_collectors: bool
    """Whether the task has the option `only`, so that the host may have more collectors than these."""
    fail_on: str
    is_check_only: bool
    """Whether test data was wanted and is not sent, in check mode."""


class ActionModule(ActionBase):
    """Runs the module on the host, and explains its answers."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the diagnosis. Fails for a host that cannot be asked."""
        with fail_for_missing_needs():
            super().run(tmp, task_vars)
        return run_or_count_as_failed(lambda: self._diagnose(task_vars or {}), task_vars or {})

    def _diagnose(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the diagnosis, or that of the module if the host could not be looked at."""
        with turn_problems_into_failure():
            request = read_visit_request(self._task.args, is_check_mode=bool(self._task.check_mode))
        asked_at = time.time()
        module_result = self._look_on_host(request, task_vars)
        answered_at = time.time()
        if module_result.get("failed") or "collectors" not in module_result:
            return module_result
        if request.names_collectors:  # `bundles` has only these, so the module would call all other collectors unlisted
            module_result["unlisted"] = []
        visit = HostVisit(
            host=str(task_vars.get("inventory_hostname") or "host"),
            asked_between=(asked_at, answered_at),
            sends_test_data=bool(request.host_options.get("send")),
            fail_on=request.fail_on,
            is_check_only=request.is_check_only,
        )
        host_look = cast(HostLookResult, module_result)
        return answer_or_fail_task(lambda: diagnose_host(host_look, request.configs, visit), {})

    def _look_on_host(self, request: VisitRequest, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return what the module has seen on the host."""
        pipe_secrets(self._connection, request.host_options.get("bundles") or [])
        module_arguments = {**request.host_options, "collectors": [], "questions": list_questions(request.configs)}
        return dict(self._execute_module(module_name=_MODULE_NAME, module_args=module_arguments, task_vars=task_vars))


def read_visit_request(task_options: Mapping[str, Any], *, is_check_mode: bool) -> VisitRequest:
    """Return what the options of a task ask. Raises Problem for a wrong value, and for a name that no collector has."""
    check_visit_options(task_options)
    check_shapes(task_options, READ_OPTIONS, "module host_diagnose")
    only_names = check_type_list(task_options.get("only") or [])
    collectors = select_collectors(task_options.get("collectors") or [], only_names)
    configs = load_configs(collectors)
    host_options = _choose_host_options(task_options, only_names)
    # In check mode, the host is looked at, and nothing is sent.
    is_check_only = is_check_mode and bool(host_options.get("send"))
    if is_check_only:
        host_options["send"] = False
    return VisitRequest(
        host_options=host_options,
        configs=configs,
        names_collectors=bool(only_names),
        fail_on=task_options.get("fail_on") or "never",
        is_check_only=is_check_only,
    )


def _choose_host_options(task_options: Mapping[str, Any], only_names: Sequence[str]) -> dict[str, Any]:
    """Return the options of a task that the host gets, with the bundles of the named collectors alone."""
    host_options = {name: value for name, value in task_options.items() if name not in _CONTROLLER_OPTIONS}
    if only_names and "bundles" in host_options:
        host_options["bundles"] = select_collectors(host_options["bundles"] or [], only_names)
    return host_options


def check_visit_options(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for an option of the visit that has a wrong value. Those of collectors are checked elsewhere."""
    values = {name: arguments[name] for name in _VISIT_OPTIONS if name in arguments}
    validate_values(values, _VISIT_OPTIONS, "module host_diagnose")
