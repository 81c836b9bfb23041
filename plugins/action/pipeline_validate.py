# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module pipeline_validate."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._core.lint.reports import FORMATS
from ..plugin_utils import _binary, _doorway, _judge, _target, _validate

_ARGUMENTS = {
    **_doorway.COLLECTOR_ARGUMENTS,
    "paths": {"type": "list", "elements": "path", "default": []},
    "config": {"type": "raw"},
    "merge": {"type": "bool", "default": False},
    **_target.ARGUMENTS,
    **_judge.ARGUMENTS,
    "format": {"choices": list(FORMATS), "default": "text"},
    "output_path": {"type": "path", "default": "-"},
    "binary": {"type": "str", "default": _binary.NONE},
    "fail_on": {"choices": ["error", "warning", "never"], "default": "error"},
}


class ActionModule(ActionBase):
    """Check collector configs against the rules; no cluster is touched."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return every finding and the report; fail when a finding is as severe as `fail_on` says."""
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        check = self._task.check_mode
        return _doorway.answer(lambda: _validate.report(arguments, self._display.warning, check))
