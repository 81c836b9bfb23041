# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clusters and Linux hosts of the fleet have in common: the results of the tasks that have read them. Private.

Those tasks have left their results in the variables of a host of the inventory. `fleet_cluster.py` and `fleet_host.py`
have what differs. Example of results: `{"rendered": {"collectors": […], "findings": […]}, "asked": true,
"diagnosis": {"verdict": […]}}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import list_at

Result = Mapping[str, Any]
"""The result of a task."""


@dataclass(frozen=True)
class ClusterOrHost:
    """A cluster or a Linux host of the fleet, with the results of its tasks."""

    name: str
    """The name of the host of the inventory. Such a host stands for a cluster, or is a Linux host itself."""
    task_results: Mapping[str, Any]
    """`rendered`, `diagnosis` and further results by their names; `asked`, and `problem` if rendering failed."""
    config_by_collector: Mapping[str, Any]
    """The configs of its collectors as data."""

    @property
    def findings(self) -> Sequence[Result]:
        """What the rules say of the configs."""
        return list_at(self.task_results, "rendered", "findings")

    @property
    def problem(self) -> str:
        """Why nothing could be rendered; empty if something was."""
        return str(self.task_results.get("problem") or "")
