# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module otel_render."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils import _doorway, _findings, _judge

_ARGUMENTS = {
    **_doorway.COLLECTOR_ARGUMENTS,
    **_judge.ARGUMENTS,
    "fail_on": {"choices": ["error", "never"], "default": "error"},
}


def _render(arguments: dict[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    judgement = _judge.Judgement.from_arguments(arguments)
    return _findings.render(_doorway.request(arguments), judgement, warn, arguments["fail_on"])


class ActionModule(ActionBase):
    """Compose configs, judge them, derive what they need and build all objects; no cluster is touched."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the bundle of all collectors and every finding; fail when a finding is as severe as `fail_on` says."""
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        for warning in _doorway.misspelled(task_vars or {}):
            self._display.warning(warning)
        return _doorway.answer(lambda: _render(arguments, self._display.warning))
