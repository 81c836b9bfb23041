# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module telemetry_capture: chooses the collectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.validation import check_type_list

from ..module_utils._otelcol.errors import Problem
from ..plugin_utils._chosen_collectors import chosen
from ..plugin_utils._worker import ModuleAction


class ActionModule(ModuleAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the captures of the collectors that are asked for."""
        arguments = self._task.args
        only = check_type_list(arguments.get("only") or [])
        try:
            collectors = arguments.get("collectors") or []
            if not arguments.get("files"):
                collectors = chosen(collectors, only, asked="Capture telemetry")
        except Problem as problem:
            raise AnsibleActionFail(str(problem)) from None
        paths = {name: _absolute(arguments[name]) for name in ("path", "files") if name in arguments}
        self._task.args = {**arguments, **paths, "collectors": collectors, "only": only}
        return super().run(tmp, task_vars)


def _absolute(given: Any) -> Any:
    """Return paths as they are seen from where Ansible was started: the module runs in another folder."""
    if isinstance(given, list):
        return [_absolute(path) for path in given]
    return str(Path(given).expanduser().absolute())
