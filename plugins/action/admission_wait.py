# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module admission_wait: waits in this process, if the module would run here.

`plugin_utils/_worker.py` decides that.
"""

from __future__ import annotations

from typing import Any

from ..plugin_utils._worker import Work, WorkerAction


class ActionModule(WorkerAction):
    @staticmethod
    def load_options_and_work() -> tuple[dict[str, Any], Work]:
        from ..module_utils._kube.live.connect import CLUSTER_ARG_SPEC  # noqa: PLC0415 - needs kubernetes.core
        from ..module_utils._rollout.live import webhook_wait  # noqa: PLC0415

        return CLUSTER_ARG_SPEC | webhook_wait.ARGUMENTS, webhook_wait.run_admission_wait
