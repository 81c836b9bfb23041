# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the work of a module in Ansible's worker process, if the module would run with the same Python here.

To copy, start and compile a module takes three times as long as its work when nothing changes. Each module that most
runs use has an action that works in the process, if connection, Python, user and environment are the same. The tests
test_worker.py and test_worker_aws.py compare both ways. Private.
"""

from __future__ import annotations

import ctypes
import io
import json
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, NoReturn

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import merge_hash

from ..module_utils._kube.option_secrets import build_secret_remover, list_option_secrets
from ..module_utils._otelcol.config.masking import conceal_secrets
from ..module_utils._otelcol.errors import Problem, make_printable
from . import _worker_internals
from ._needed import fail_for_missing_needs
from ._otelcol import _yaml
from ._own_lines import forget_own_line
from ._shape_checks import check_shapes

Work = Callable[[Any], None]
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
# Callbacks whose output programs read, or that show one line for each result or none.
_TERSE_CALLBACKS = ("json", "jsonl", "minimal", "oneline", "null", "dense", "selective")


class ModuleAction(ActionBase):
    """Starts the module of its name, after the secrets among its options were registered where Ansible can do so.

    Ansible passes registered secrets on to the module, which logs its options before any of its own code runs.
    """

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
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
        end_with_parent()
        forget_own_line(self._task)
        result: dict[str, Any] = ActionBase.run(self, tmp, task_vars)
        try:
            with fail_for_missing_needs():
                arguments, work = self.load_options_and_work()
        except AnsibleError:
            raise
        except Exception:  # a library that is broken here; the module says so, unless it has another Python
            return self._run_apart(result, task_vars)
        try:
            check_shapes(self._task.args, arguments, f"module {type(self).__module__.rpartition('.')[2]}")
        except Problem as problem:
            raise AnsibleActionFail(str(problem)) from None
        checked_options = self._check_arguments(arguments) if self._has_same_python(task_vars or {}) else None
        if checked_options is None:
            return self._run_apart(result, task_vars)
        module = self._run_work(checked_options, work, str((task_vars or {}).get("inventory_hostname") or "localhost"))
        if not _worker_internals.shows_arguments(task_vars):
            module.result.pop("invocation", None)
        return result | module.result

    def _run_work(self, checked_options: ValidationResult, work: Work, host: str) -> _Module:
        """Do the work in the folder in which Ansible starts a module. A crash is a failed result, as a module's is."""
        with TemporaryDirectory(dir=constants.DEFAULT_LOCAL_TMP) as folder, chdir(self._loader.get_basedir()):
            module = _Module(checked_options, folder, self._task, host)
            with silence_output(), suppress(_WorkEnded):
                try:
                    work(module)
                except Exception as error:
                    fix = "Check the options; if they are right, report it to the maintainers of o11y.opentelemetry."
                    wrong = f"it ended with {type(error).__name__}: {error}"
                    module.fail_json(
                        msg=conceal_secrets(str(Problem(wrong, asked=f"Run {self._task.action}", fix=fix)))
                    )
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
        """Return the arguments as the module gets them, or nothing if the module has something to say about them."""
        try:
            plain_arguments = json.loads(json.dumps(self._task.args))
        except (TypeError, ValueError):  # a date, or a value of a vault
            return None
        checked_options = ArgumentSpecValidator(arguments, **self.conditions).validate(plain_arguments)
        return None if _worker_internals.has_remarks(checked_options) else checked_options


def end_with_parent() -> None:
    """Let a worker end as soon as its ansible-playbook does: one that is left would go on to write to the cluster.

    Linux sends the signal, as Ansible does to its workers when it is interrupted. Elsewhere a worker that is left stops
    when it meets what the next run has written.
    """
    parent = multiprocessing.parent_process()
    if parent is None or sys.platform != "linux":
        return
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent.pid:  # it has ended before
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def silence_output() -> Iterator[None]:
    """Drop what libraries print and log, as Ansible does with what a module prints beside its result.

    A worker has the terminal and the log of Ansible. A command that makes tokens would ask for input there.
    """
    level = logging.root.manager.disable
    logging.disable()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(level)


def _is_read_by_people() -> bool:
    """Return whether lines beside results disturb nobody: a program may read them, or a user want changes alone."""
    shows_results = boolean(os.environ.get("ANSIBLE_DISPLAY_OK_HOSTS") or "true", strict=False)
    return shows_results and str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2] not in _TERSE_CALLBACKS


class _WorkEnded(BaseException):
    """The work has a result. A module ends there."""


class _Module:
    """The attributes of AnsibleModule that the work of a module uses."""

    def __init__(self, checked: ValidationResult, tmpdir: str, task: Any, host: str) -> None:
        self.params: dict[str, Any] = checked.validated_parameters
        self.no_log_values: set[str] = _worker_internals.find_hidden_values(checked)
        self.check_mode, self._diff, self._name, self.tmpdir = task.check_mode, task.diff, task.action, tmpdir
        # It lives as long as the run, and belongs to no other one.
        self.run_folder = constants.DEFAULT_LOCAL_TMP
        self._host, self._tells = host, not task.no_log and _is_read_by_people()
        self.result: dict[str, Any] = {}
        self._warnings: list[str] = []

    def warn(self, warning: str) -> None:
        self._warnings.append(warning)

    def tell(self, text: str) -> None:
        """Show a line of progress at once, on a terminal and in a log: Ansible's main process prints it."""
        if self._tells:
            Display().display(
                conceal_secrets(make_printable(str(build_secret_remover(self.no_log_values)(f"[{self._host}] {text}"))))
            )

    def fail_json(self, msg: str, **facts: Any) -> NoReturn:
        facts.pop("exception", None)  # a traceback, of which Ansible shows a module's own only if it is asked to
        self.exit_json(failed=True, msg=msg, **facts)

    def exit_json(self, **result: Any) -> NoReturn:
        """Keep the result as a module prints it: without secret values, and as JSON."""
        warnings = {"warnings": self._warnings} if self._warnings else {}
        shown_result = {"invocation": {"module_args": self.params}, **result, **warnings}
        self.result = build_secret_remover(self.no_log_values)(json.loads(json.dumps(shown_result)))
        raise _WorkEnded
