# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module collector_diagnose."""

from __future__ import annotations

from ansible.plugins.action import ActionBase

from ..plugin_utils import _diagnose, _doorway


class ActionModule(ActionBase):
    """Let the module read the cluster, then judge what it saw, here where the catalogue is."""

    def run(self, tmp=None, task_vars=None):
        """Return the verdict; the facts, which may hold secrets of configs, stay here."""
        super().run(tmp, task_vars)
        read = self._execute_module(task_vars=task_vars)
        if read.get("failed") or "facts" not in read:
            return read
        facts = read.pop("facts")
        return {**read, **_doorway.answer(lambda: _diagnose.diagnosed(facts, self._task.args))}
