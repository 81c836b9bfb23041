# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module telemetry_capture: chooses the collectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.validation import check_type_list

from ..plugin_utils._answers import turn_problems_into_failure
from ..plugin_utils._chosen_collectors import select_collectors
from ..plugin_utils._shape_checks import check_shapes
from ..plugin_utils._worker import ModuleAction

# The options that are read here, before the module checks all of them. Their types are those of its documentation.
READ_OPTIONS = {
    "collectors": {"type": "list", "elements": "dict"},
    "only": {"type": "list", "elements": "str"},
    "files": {"type": "list", "elements": "path"},
    "path": {"type": "path"},
}


class ActionModule(ModuleAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the captures of the collectors that are asked for."""
        written_arguments = self._task.args
        with turn_problems_into_failure(written_arguments):
            self._task.args = prepare_arguments(written_arguments)
        try:
            return super().run(tmp, task_vars)
        finally:  # `until` runs the action again
            self._task.args = written_arguments


def prepare_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the module: the chosen collectors, and paths that are absolute.

    Raises Problem for a value of a wrong shape, and for a name that no collector has.
    """
    check_shapes(arguments, READ_OPTIONS, "module telemetry_capture")
    collectors = arguments.get("collectors") or []
    only_names = check_type_list(arguments.get("only") or [])
    files = check_type_list(arguments.get("files") or [])
    if not files:
        collectors = select_collectors(collectors, only_names, asked="Capture telemetry")
    prepared_arguments = {
        **arguments,
        "collectors": collectors,
        "only": only_names,
        "files": [_make_absolute(file) for file in files],
    }
    path = prepared_arguments.pop("path", None)
    # Without one, the module says that it is missing.
    return prepared_arguments if path is None else {**prepared_arguments, "path": _make_absolute(path)}


def _make_absolute(path: Any) -> str:
    """Return a path as it is seen from where Ansible was started: the module runs in another folder."""
    return str(Path(str(path)).expanduser().absolute())
