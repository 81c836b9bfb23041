# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module release_render: all of its work, since it reads files and touches no cluster."""

from __future__ import annotations

from typing import Any, cast

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._answers import hide_if_secret
from ..plugin_utils._release import render
from ..plugin_utils._release.release_arguments import ReleaseArguments


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the decision and the objects. A result whose chart values hold a secret is hidden."""
        result = render.render_release(cast(ReleaseArguments, arguments), self._task.check_mode)
        for warning in result.pop("warnings"):
            self._display.warning(warning)
        return hide_if_secret(result, "chart_values")
