# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module release_render."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils import _doorway
from ..plugin_utils._release import render

_ARGUMENTS = render.ARGUMENTS


class ActionModule(ActionBase):
    """Decide what becomes of a product, and build its objects; no cluster is touched."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what is applied, given to Helm, or removed."""
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        for warning in _doorway.misspelled(task_vars or {}):
            self._display.warning(warning)
        result = _doorway.answer(lambda: render.render(arguments, self._task.check_mode))
        for warning in result.pop("warnings"):
            self._display.warning(warning)
        return result
