# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module gitops_changes. `plugin_utils/_gitops_changes.py` does the work."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _gitops_changes, _told_forecasts, _wave_fleet
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the page. It is written in check mode too, since a pull request only asks what would change."""
        forecasts = _told_forecasts.collect_told_forecasts(self.variables)
        return _gitops_changes.write_changes_page(arguments, _wave_fleet.list_clusters(self.variables), forecasts)
