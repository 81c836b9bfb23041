# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module sample_app_render. `plugin_utils/_sample_app.py` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _lock_file, _sample_app
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._answers import hide_if_secret


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        pin = _lock_file.choose_pin(arguments.pop("lock_file"))
        return hide_if_secret(_sample_app.render_sample_app(**arguments, pin=pin))
