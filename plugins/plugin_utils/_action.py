# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of actions that do the work of a module on the controller. Private.

An action validates the arguments of its task, and `run_on_controller` of its class returns the result. For example,
the whole action of module alert_plan is

    class ActionModule(ControllerAction):
        def run_on_controller(self, arguments):
            return _alert_plan.plan_alert(arguments, self.variables, time.time(), self._task.check_mode)

A module takes its options from its documentation, and otel_render those of a collector from the argument_specs.yml of
role otel_collector. No table repeats them.

`ControllerAction.run` takes these steps, in this order:

| step | why not later, or not earlier |
|---|---|
| refuse an old ansible-core | the steps after it use what an old core does not have |
| forget the task's own line | from here on a step may fail, and Ansible names this line as the origin of the error |
| check the inputs of the running role | a wrong input makes a wrong argument, and users know the input |
| check the shapes of the arguments | the next step makes texts of values of a wrong shape |
| convert and check the arguments | the work and the completion rely on their types |
| check the names of variables | it says what has no effect; what is wrong in the task itself comes first |
| warn of misspelled options | a task that fails above says what is wrong already |
| complete the arguments from variables | it reads validated arguments, such as `variables_prefix` |
| do the work | it gets complete arguments; their secrets are hidden in its failure |

`fail_for_missing_needs` takes the first step. `_validate_arguments` takes those from the inputs of the role to the
names of variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from ansible.plugins.action import ActionBase

from . import _arguments, _inventory, _lock_file, _origins
from ._answers import answer_or_fail_task, turn_problems_into_failure
from ._needed import fail_for_missing_needs
from ._otelcol import _documented
from ._own_lines import forget_own_line
from ._role_inputs import check_running_role, fill_templates, find_misspelled_options, find_running_role
from ._shape_checks import check_shapes


class ControllerAction(ActionBase):
    """Validates the task's arguments and returns the result of `run_on_controller`. It touches no cluster.

    `variables` are those of the task, which `run_on_controller` may read. A subclass must have `run_on_controller`. It
    may have `options`, for a module with the option `variables_prefix`, and `_check_inventory`.
    """

    _requires_connection = False
    variables: Mapping[str, Any]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task. Fails for invalid arguments and for a Problem.

        The table at the top of this file has the reasons for the order of the steps.
        """
        with fail_for_missing_needs():
            super().run(tmp, task_vars)
        forget_own_line(self._task)
        self.variables = task_vars or {}
        arguments = self._validate_arguments()
        for warning in find_misspelled_options(self.variables):
            self._display.warning(warning)
        completed_arguments = self._complete_from_variables(arguments)
        return answer_or_fail_task(lambda: self.run_on_controller(completed_arguments), completed_arguments)

    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the result for valid arguments. May raise Problem."""
        raise NotImplementedError

    # ── Checks ──

    def _validate_arguments(self) -> dict[str, Any]:
        """Return the arguments of the task in their types. Fails for invalid ones, and for invalid variables."""
        module_name = type(self).__module__.rpartition(".")[2]  # the file of the action has the name of the module
        argument_spec = read_argument_spec(module_name)
        check_running_role(self.variables, self._templar.template)
        with turn_problems_into_failure():
            check_shapes(self._task.args, argument_spec, f"module {module_name}")
        _result, arguments = self.validate_argument_spec(argument_spec=argument_spec)
        with turn_problems_into_failure():
            self._check_inventory(self.variables)
        return dict(arguments)

    @staticmethod
    def _check_inventory(variables: Mapping[str, Any]) -> None:
        """Reject variables that are almost those of this collection. May raise Problem."""
        _inventory.check_variable_names(variables)

    # ── What arguments leave to variables ──

    def _complete_from_variables(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with what the variables of the task say, and not its arguments.

        For example, with `variables_prefix: otel_collector_`, the variable `otel_collector_image` becomes `image` among
        the `defaults`, and `lock_file` becomes a path beside the inventory.
        """
        completed_arguments = dict(arguments)
        if not _origins.are_tagged():  # ansible-core 2.18
            completed_arguments.update(self._restore_positions(completed_arguments, self.variables))
        prefix = completed_arguments.get("variables_prefix")
        if prefix:
            prefixed_options = self._collect_prefixed_variables(prefix)
            completed_arguments["defaults"] = prefixed_options | completed_arguments["defaults"]
        if "lock_file" in completed_arguments:
            folder = self.variables.get("inventory_dir")
            completed_arguments["lock_file"] = _lock_file.find_lock_path(completed_arguments["lock_file"], folder)
        return completed_arguments

    def _restore_positions(self, arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the list of a role that knows its positions, which ansible-core 2.18 forgets after a lookup.

        For example, the argument `collectors` is equal to the variable `otel_collectors` of role otel_collector.
        """
        role_list = variables.get(f"{find_running_role(variables).name}s")
        list_with_positions = self._templar.template(role_list) if role_list else None
        if not list_with_positions:
            return {}
        return {name: list_with_positions for name, value in arguments.items() if value == list_with_positions}

    def _collect_prefixed_variables(self, prefix: str) -> dict[str, Any]:
        """Return the options that have a variable, as Ansible's own validate_argument_spec takes them."""
        values_of_options: dict[str, Any] = {}
        for name in self.options():
            variable = prefix + name
            if variable in self.variables:
                values_of_options[name] = self.variables[variable]
        return fill_templates(values_of_options, self.variables, self._templar.template)

    @staticmethod
    def options() -> Iterable[str]:
        """Return the names of the options that `variables_prefix` looks up."""
        return ()


def read_argument_spec(module_name: str) -> dict[str, dict[str, Any]]:
    """Return the argument spec of a module: the options of its documentation and of the fragments there."""

    def read_fragment(fragment_name: str, attribute: str) -> str:
        fragment_class = import_module(f"..doc_fragments.{fragment_name}", __package__).ModuleDocFragment
        return str(getattr(fragment_class, attribute))

    documentation = import_module(f"..modules.{module_name}", __package__).DOCUMENTATION
    return _arguments.build_argument_spec(
        _documented.read_documented_options(documentation, module_name, read_fragment)
    )
