# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module host_apply: gives a host the program that only the controller has.

The module runs on the host. If it lacks the program, it asks for it before it changes anything. This side then copies
the file to the temporary folder of the connection, and runs the module again. A run without changes needs one call.
"""

from __future__ import annotations

import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ..module_utils._host.removal_stages import check_senders, read_removal
from ..module_utils._host_change.bundle_form import AWAITED
from ..plugin_utils._answers import turn_problems_into_failure
from ..plugin_utils._copied_program import check_program_sum
from ..plugin_utils._inventory import check_variable_names
from ..plugin_utils._needed import fail_for_missing_needs
from ..plugin_utils._otelcol import _files
from ..plugin_utils._piped_secrets import pipe_secrets
from ..plugin_utils._unlisted_hosts import describe_staying, describe_unlisted
from ..plugin_utils._wave_tasks import run_or_count_as_failed

_MODULE_NAME = "o11y.opentelemetry.host_apply"


class ActionModule(ActionBase):
    """Runs the module on the host, and again with the program if the host lacks it."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module. Fails for a program that the controller lacks or that has another sum."""
        with fail_for_missing_needs():
            super().run(tmp, task_vars)
        variables = task_vars or {}
        return run_or_count_as_failed(lambda: self._apply_or_remove(variables), variables)

    def _apply_or_remove(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the module, which gets the program if the host lacks it. May raise Problem."""
        # No earlier task of a removal checks the names of variables, since it renders nothing. A misspelt
        # otel_host_collectors would remove the collector of the default name.
        with turn_problems_into_failure():
            check_variable_names(variables)
        if not self._is_due_in_stage(variables):
            return {"changed": False, "msg": "Nothing to do in this stage of the removal"}
        arguments = dict(self._task.args)
        pipe_secrets(self._connection, [arguments.get("bundle") or {}])
        result = self._run_module(arguments, variables)
        awaited_architecture = result.pop(AWAITED, "")
        if awaited_architecture:
            result = self._run_module(self._copy_program_to_host(arguments, awaited_architecture), variables)
        self._warn_of_unlisted(result, variables)
        return result

    def _is_due_in_stage(self, variables: dict[str, Any]) -> bool:
        """Whether the collector is removed now; a task that removes nothing has no stage, and is always due.

        Collectors are removed in stages, those that send first. Fails if those that send to this one stay.
        """
        task_options = self._task.args
        if task_options.get("stage") is None:
            return True
        name = str(task_options["bundle"]["name"])
        removal = read_removal(name, task_options.get("receivers") or {})
        if removal.stage != int(task_options["stage"]):
            return False
        if not boolean(task_options.get("discard_unsent", False)):
            with turn_problems_into_failure():
                check_senders(name, removal.senders, variables["ansible_play_hosts"])
        return True

    def _warn_of_unlisted(self, result: dict[str, Any], variables: dict[str, Any]) -> None:
        """Add a warning for each collector of this collection on the host that `listed` does not have."""
        host = str(variables.get("inventory_hostname") or "the host")
        describe_collector = describe_staying if self._task.args.get("state") == "absent" else describe_unlisted
        unlisted_warnings = [describe_collector(host, name) for name in result.get("unlisted", ())]
        if unlisted_warnings:
            result["warnings"] = [*result.get("warnings", ()), *unlisted_warnings]

    def _run_module(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the module on the host."""
        module_arguments = {**arguments, "controller_time": time.time()}
        return dict(self._execute_module(module_name=_MODULE_NAME, module_args=module_arguments, task_vars=variables))

    def _copy_program_to_host(self, arguments: dict[str, Any], architecture: str) -> dict[str, Any]:
        """Copy the program of an architecture to the host, and return the arguments that name it there."""
        host_arguments = deepcopy(arguments)
        program_row = host_arguments["bundle"]["program"]["architectures"][architecture]
        with turn_problems_into_failure():
            program_file = _files.expand_path(program_row.pop("file"))
            check_program_sum(program_file, program_row["sha256"])
        program_row["path"] = self._copy_to_temporary_folder(program_file)
        return host_arguments

    def _copy_to_temporary_folder(self, file: Path) -> str:
        """Copy a file to the temporary folder of the connection, which Ansible removes, and return its path there."""
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        remote_path = shell.join_path(shell.tmpdir, file.name)
        self._transfer_file(str(file), remote_path)
        self._fixup_perms2((shell.tmpdir, remote_path))
        return str(remote_path)
