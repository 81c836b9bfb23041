# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module release_mirror: all of its work, since it reads and writes files here."""

from __future__ import annotations

from typing import Any, cast

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._release import release_mirror


class ActionModule(ControllerAction):
    def run_on_controller(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return release_mirror.mirror_releases(cast(release_mirror.MirrorArguments, arguments), self._task.check_mode)
