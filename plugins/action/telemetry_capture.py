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
from ..plugin_utils._chosen_collectors import select_collectors
from ..plugin_utils._worker import ModuleAction


class ActionModule(ModuleAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the captures of the collectors that are asked for."""
        arguments = self._task.args
        only_names = check_type_list(arguments.get("only") or [])
        try:
            collectors = arguments.get("collectors") or []
            if not arguments.get("files"):
                collectors = select_collectors(collectors, only_names, asked="Capture telemetry")
        except Problem as problem:
            raise AnsibleActionFail(str(problem)) from None
        paths = {name: _make_absolute(arguments[name]) for name in ("path", "files") if name in arguments}
        self._task.args = {**arguments, **paths, "collectors": collectors, "only": only_names}
        return super().run(tmp, task_vars)


def _make_absolute(path_or_paths: Any) -> Any:
    """Return paths as they are seen from where Ansible was started: the module runs in another folder."""
    if isinstance(path_or_paths, list):
        return [_make_absolute(path) for path in path_or_paths]
    return str(Path(path_or_paths).expanduser().absolute())
