# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module identity_render."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils import _doorway, _identity

_ARGUMENTS = _identity.ARGUMENTS


class ActionModule(ActionBase):
    """Decide who gets which IAM role; nothing is called."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the service accounts with their roles."""
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        for warning in _doorway.misspelled(task_vars or {}):
            self._display.warning(warning)
        return _doorway.answer(lambda: _identity.decide(arguments))
