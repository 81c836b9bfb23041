# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module gitops_render: writes the files of a cluster, and warns of what people have to do."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _gitops_files
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return what changed in the folder of the cluster."""
        groups = self.variables.get("groups") or {}
        known_hosts = {*(groups.get("all") or ()), arguments["host"]}
        result = _gitops_files.write_cluster_files(arguments, known_hosts, check=self._task.check_mode)
        for warning in result["left_out"]:
            self._display.warning(f"{arguments['host']}: {warning}")
        for move in result["report"]["moved"]:
            self._display.warning(
                f"the folder of {arguments['host']} {move}; let the tool that applies it read the new folder before it"
                " prunes what the old one had"
            )
        if self._is_first_host():  # all hosts find the same folders
            for folder in result["unknown"]:
                self._display.warning(
                    f"{folder} is of no host of the inventory; remove the folder if its cluster is gone"
                )
        return result

    def _is_first_host(self) -> bool:
        """Whether the task is that of the first host of the play."""
        hosts_of_play = list(self.variables.get("ansible_play_hosts") or [])
        return hosts_of_play[:1] == [self.variables.get("inventory_hostname")]
