# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module wave_plan: plans the waves of a run, and who can approve one."""

from __future__ import annotations

import getpass
import os
from typing import Any

from ..plugin_utils import _wave_fleet, _wave_planning
from ..plugin_utils._action import ControllerAction


def _is_on_terminal() -> bool:
    """Whether somebody can answer: the standard input is a terminal, and the run is not in its background."""
    try:
        return os.isatty(0) and os.getpgrp() == os.tcgetpgrp(0)
    except OSError:
        return False


def _find_user_name() -> str:
    """Return who runs the playbook. A container may run with a number that no user has."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()}"


# Ansible loads an action in its own process. The worker that runs it has another standard input.
_ON_TERMINAL = _is_on_terminal()


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the plan of a run; with `layout` only the wave of each host, for a playbook that changes none."""
        if arguments["layout"]:
            return _wave_fleet.map_hosts_to_waves(arguments["waves"], self.variables)
        user_name = str(self.variables.get("awx_user_name") or _find_user_name())
        # In check mode nobody is asked, since nothing begins.
        can_ask = _ON_TERMINAL or self._task.check_mode
        person = _wave_planning.Person(can_ask, arguments["approved"], user_name)
        return {**_wave_planning.plan_run(arguments["waves"], arguments["until"], self.variables, person)}
