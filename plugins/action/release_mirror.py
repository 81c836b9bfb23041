# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module release_mirror."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils import _doorway
from ..plugin_utils._release import mirror

_ARGUMENTS = mirror.ARGUMENTS


class ActionModule(ActionBase):
    """List what clusters need, and write the manifests; no cluster and no registry is touched."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the images, each with its places in the mirror."""
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        return _doorway.answer(lambda: mirror.mirrored(arguments, self._task.check_mode))
