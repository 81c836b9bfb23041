# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module release_lock. `plugin_utils/_written_lock.py` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._written_lock import lock_or_verify


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return whether the lock changed, and the difference."""
        return lock_or_verify(arguments, check=self._task.check_mode)
