# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module otlp_probe: sends in this process, if the module would run here.

`plugin_utils/_worker.py` decides that.
"""

from __future__ import annotations

from typing import Any

from ..module_utils._telemetry.live.probe_options import ARGUMENTS, CONDITIONS
from ..plugin_utils._worker import Work, WorkerAction


class ActionModule(WorkerAction):
    conditions = CONDITIONS

    @staticmethod
    def load_options_and_work() -> tuple[dict[str, Any], Work]:
        from ..module_utils._kube.live.connect import CLUSTER_ARG_SPEC  # noqa: PLC0415 - needs kubernetes.core
        from ..module_utils._telemetry.live import probe_task  # noqa: PLC0415

        return CLUSTER_ARG_SPEC | ARGUMENTS, probe_task.run_otlp_probe
