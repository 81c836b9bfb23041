# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module pipeline_migrate."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils import _doorway, _migrate, _target

_ARGUMENTS = {
    "paths": {"type": "list", "elements": "path", "default": [], "aliases": ["path"]},
    "config": {"type": "raw"},
    "dest": {"type": "path"},
    **_target.ARGUMENTS,
}


class ActionModule(ActionBase):
    """Move collector configs to another version or distribution; no cluster is touched."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what changes, with its difference, and what a person has to do."""
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        return _doorway.answer(lambda: _migrate.migrate(arguments, self._task.check_mode))
