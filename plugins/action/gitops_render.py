# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module gitops_render."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _gitops
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        hosts = (self.variables.get("groups") or {}).get("all") or ()
        is_first_host = list(self.variables.get("ansible_play_hosts") or [])[:1] == [
            self.variables.get("inventory_hostname")
        ]
        result = _gitops.write_cluster_files(arguments, {*hosts, arguments["host"]}, check=self._task.check_mode)
        for left_out_warning in result["left_out"]:
            self._display.warning(f"{arguments['host']}: {left_out_warning}")
        for move in result["report"]["moved"]:
            self._display.warning(
                f"the folder of {arguments['host']} {move}; let the tool that applies it read the new folder before it"
                " prunes what the old one had"
            )
        for folder in result["unknown"] if is_first_host else ():
            self._display.warning(f"{folder} is of no host of the inventory; remove the folder if its cluster is gone")
        return result
