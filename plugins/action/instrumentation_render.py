# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module instrumentation_render."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils import _doorway, _instrumentation

_ARGUMENTS = {
    "instrumentations": {"type": "list", "elements": "dict", "default": []},
    "defaults": {"type": "dict", "default": {}},
}


class ActionModule(ActionBase):
    """Check Instrumentations and build their objects; no cluster is touched."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return manifests, annotations and prerequisites of all Instrumentations."""
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        for warning in _doorway.misspelled(task_vars or {}):
            self._display.warning(warning)
        return _doorway.answer(lambda: _instrumentation.bundle(arguments["instrumentations"], arguments["defaults"]))
