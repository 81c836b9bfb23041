# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of modules that run in Ansible's worker process where they can, and in a process of their own elsewhere.

To copy, start and compile a module takes three times as long as its work when nothing changes. So the action of each
module that most runs use does the work itself, if connection, Python, user and environment are the same. For example,
module rollout_wait for a cluster that the controller reaches runs in the worker (`connection: local`); with `become` or
`async` it is started as Ansible starts any module.

`ModuleAction` always starts the module, `WorkerAction` decides. Files in plugins/action have a subclass for each
module, and not one class for all by `plugin_routing` in meta/runtime.yml: such a class has only the name of the module,
so it would find the work by a table of texts, which neither an import nor mypy checks. The tests test_worker.py and
test_worker_aws.py compare both ways. Private.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import chdir, suppress
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash

from ..module_utils._kube.option_secrets import list_option_secrets
from ..module_utils._otelcol.config.masking import conceal_secrets
from ..module_utils._otelcol.errors import Problem
from . import _worker_internals
from ._needed import fail_for_missing_needs
from ._otelcol import _yaml
from ._own_lines import forget_own_line
from ._shape_checks import check_shapes
from ._worker_module import WorkEnded, WorkerModule
from ._worker_process import end_with_parent, silence_output

# The work of a module: a function that takes an AnsibleModule, and ends with its `exit_json` or `fail_json`.
Work = Callable[[Any], None]


class ModuleAction(ActionBase):
    """Starts the module of its name, after the secrets among its options were registered where Ansible can do so.

    Ansible passes registered secrets on to the module, which logs its options before any of its own code runs.
    """

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module, which Ansible starts in a process of its own."""
        forget_own_line(self._task)
        return self._run_apart(super().run(tmp, task_vars), task_vars)

    def _run_apart(self, result: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Return the result of the module in a process of its own."""
        _worker_internals.register_where_possible(lambda: list_option_secrets(self._task.args, _yaml.parse_or_none))
        is_wrapped = bool(self._task.async_val) and not self._connection.has_native_async
        return dict(merge_hash(result, self._execute_module(task_vars=task_vars, wrap_async=is_wrapped)))


class WorkerAction(ModuleAction):
    """Runs the work of a module without a process of its own where the result is the same, and the module elsewhere."""

    conditions: ClassVar[Mapping[str, Any]] = {}
    """What the module asks beside each argument alone, such as `required_if`."""

    def __init_subclass__(cls) -> None:
        """Load the work already here: Ansible imports an action once, and forks each worker from that process.

        What is missing or broken here ends no run: the task names it, or starts the module with another Python.
        """
        with suppress(Exception):
            cls.load_options_and_work()
            import_module("urllib3")

    @staticmethod
    def load_options_and_work() -> tuple[dict[str, Any], Work]:
        """Import and return the argument spec and the work of the module, which may need another collection."""
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the work, done here or by the module in a process of its own."""
        end_with_parent()
        forget_own_line(self._task)
        result: dict[str, Any] = ActionBase.run(self, tmp, task_vars)
        variables = task_vars or {}
        try:
            with fail_for_missing_needs():
                argument_spec, work = self.load_options_and_work()
        except AnsibleError:
            raise
        except Exception:  # a library that is broken here; the module says so, unless it has another Python
            return self._run_apart(result, task_vars)
        self._check_shapes(argument_spec)
        checked_options = self._check_arguments(argument_spec) if self._has_same_python(variables) else None
        if checked_options is None:
            return self._run_apart(result, task_vars)
        module = self._run_work(checked_options, work, str(variables.get("inventory_hostname") or "localhost"))
        if not _worker_internals.shows_arguments(task_vars):
            module.result.pop("invocation", None)
        return result | module.result

    def _check_shapes(self, argument_spec: dict[str, Any]) -> None:
        """Fail for an argument of a wrong shape, of which Ansible would make text."""
        module_name = type(self).__module__.rpartition(".")[2]
        try:
            check_shapes(self._task.args, argument_spec, f"module {module_name}")
        except Problem as problem:
            raise AnsibleActionFail(str(problem)) from None

    def _run_work(self, checked_options: ValidationResult, work: Work, host: str) -> WorkerModule:
        """Do the work in the folder in which Ansible starts a module. A crash is a failed result, as a module's is."""
        with TemporaryDirectory(dir=constants.DEFAULT_LOCAL_TMP) as folder, chdir(self._loader.get_basedir()):
            module = WorkerModule(checked_options, folder, self._task, host)
            with silence_output(), suppress(WorkEnded):
                try:
                    work(module)
                except Exception as error:
                    fix = "Check the options; if they are right, report it to the maintainers of o11y.opentelemetry."
                    wrong = f"it ended with {type(error).__name__}: {error}"
                    problem = Problem(wrong, asked=f"Run {self._task.action}", fix=fix)
                    module.fail_json(msg=conceal_secrets(str(problem)))
        return module

    def _has_same_python(self, task_vars: dict[str, Any]) -> bool:
        """Return whether Ansible would start this Python, as this user, with this environment."""
        # Frameworks of macOS crash in a process that was forked; files that are to be kept are those of a module.
        may_use_worker = (
            _worker_internals.is_worker_enabled()
            and sys.platform == "linux"
            and not constants.DEFAULT_KEEP_REMOTE_FILES
        )
        if not may_use_worker or self._connection.transport != "local":
            return False
        task = self._task
        needs_process = (task.async_val, task.timeout, task.delegate_to, self._connection.become, any(task.environment))
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter"))
        return interpreter == sys.executable and not any(needs_process)

    def _check_arguments(self, arguments: dict[str, Any]) -> ValidationResult | None:
        """Return the arguments as the module gets them; None if only the module itself can read them.

        It warns of some, and refuses others, in words of its own.
        """
        try:
            plain_arguments = json.loads(json.dumps(self._task.args))
        except (TypeError, ValueError):  # a date, or a value of a vault
            return None
        checked_options = ArgumentSpecValidator(arguments, **self.conditions).validate(plain_arguments)
        return None if _worker_internals.has_remarks(checked_options) else checked_options
