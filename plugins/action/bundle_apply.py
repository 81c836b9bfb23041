# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of module bundle_apply: applies here if the module would run here."""

from __future__ import annotations

from ..module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ..module_utils._edge.bundle import task
from ..plugin_utils._worker import WorkerAction


class ActionModule(WorkerAction):
    """Apply or remove a bundle."""

    arguments = CLUSTER_ARG_SPEC | task.ARGUMENTS
    work = staticmethod(task.run_bundle)
