# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for AnsibleModule where the work of a module is done in Ansible's worker process. Private.

The work of a module is a function that takes an AnsibleModule. AnsibleModule reads its arguments from a file or the
standard input, prints its result and ends the process. In a worker, `WorkerModule` takes the arguments, keeps the
result, and ends the work alone. `_worker.py` makes it, and returns the result as that of the task.
"""

from __future__ import annotations

import json
import os
from typing import Any, NoReturn

from ansible import constants
from ansible.module_utils.common.arg_spec import ValidationResult
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display

from ..module_utils._kube.option_secrets import build_secret_remover
from ..module_utils._otelcol.config.masking import conceal_secrets
from ..module_utils._otelcol.errors import make_printable
from . import _worker_internals

# Callbacks whose output programs read, or that show one line for each result or none.
_TERSE_CALLBACKS = ("json", "jsonl", "minimal", "oneline", "null", "dense", "selective")


class WorkEnded(BaseException):
    """Ends the work, which has a result now, as the process of a module ends there."""


class WorkerModule:
    """Has the attributes of AnsibleModule that the work of a module uses, such as `params` and `exit_json`.

    `result` is empty until the work ends with `exit_json` or `fail_json`.
    """

    def __init__(self, checked: ValidationResult, tmpdir: str, task: Any, host: str) -> None:
        self.params: dict[str, Any] = checked.validated_parameters
        self.no_log_values: set[str] = _worker_internals.find_hidden_values(checked)
        self.check_mode: bool = task.check_mode
        self.tmpdir = tmpdir
        # It lives as long as the run, and belongs to no other one.
        self.run_folder = constants.DEFAULT_LOCAL_TMP
        # AnsibleModule has these two names. Code of other collections reads them.
        self._diff = task.diff
        self._name = task.action
        self._host = host
        self._shows_progress = not task.no_log and _is_read_by_people()
        self.result: dict[str, Any] = {}
        self._warnings: list[str] = []

    def warn(self, warning: str) -> None:
        """Add a warning to the result."""
        self._warnings.append(warning)

    def tell(self, text: str) -> None:
        """Show a line of progress at once, on a terminal and in a log: Ansible's main process prints it."""
        if not self._shows_progress:
            return
        line = build_secret_remover(self.no_log_values)(f"[{self._host}] {text}")
        Display().display(conceal_secrets(make_printable(str(line))))

    def fail_json(self, msg: str, **facts: Any) -> NoReturn:
        """Keep the result of a failure, and end the work."""
        facts.pop("exception", None)  # a traceback, of which Ansible shows a module's own only if it is asked to
        self.exit_json(failed=True, msg=msg, **facts)

    def exit_json(self, **result: Any) -> NoReturn:
        """Keep the result as a module prints it, without secret values and as JSON, and end the work."""
        warnings = {"warnings": self._warnings} if self._warnings else {}
        shown_result = {"invocation": {"module_args": self.params}, **result, **warnings}
        # By way of JSON, so that tuples are lists and keys are texts, as in what a module prints.
        self.result = build_secret_remover(self.no_log_values)(json.loads(json.dumps(shown_result)))
        raise WorkEnded


def _is_read_by_people() -> bool:
    """Return whether lines beside results disturb nobody: a program may read them, or a user want changes alone."""
    shows_results = boolean(os.environ.get("ANSIBLE_DISPLAY_OK_HOSTS") or "true", strict=False)
    return shows_results and str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2] not in _TERSE_CALLBACKS
