# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux host of the fleet and its collectors, as earlier tasks have rendered and read them.

A `FleetHost` answers what the page of the fleet asks of the results of these tasks; `page_model.py` uses it. Example:
`host.diagnosis` is what playbook diagnose said of the host, and empty if the host could not be reached. Private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .._collector.recipes import SERVICE_MODE
from .._otelcol.config.paths import list_at
from .cluster_or_host import ClusterOrHost, Result
from .fleet_collector import FleetCollector

NOT_ASKED = "Nothing was read from the host: this is what its inventory says."
# The key that a diagnosis has when its task went well.
_KEY_OF_SUCCESS = "verdict"
_NO_REASON_GIVEN = "the host gave no reason"
# The words of the page for the same part of clusters.
_UNREAD_PART = "how the collectors are"


@dataclass(frozen=True)
class FleetHost(ClusterOrHost):
    """A Linux host of the fleet."""

    @property
    def services(self) -> Sequence[Mapping[str, Any]]:
        """The services that were rendered, one for each collector, with `name`, `service` and `program`."""
        return list_at(self.task_results, "rendered", "collectors")

    @cached_property
    def collectors(self) -> list[FleetCollector]:
        """The collectors as the picture of the topology needs them. The host is their namespace."""
        collectors = []
        for service in self.services:
            summary = {"name": service["name"], "namespace": self.name, "mode": SERVICE_MODE}
            config = self.config_by_collector.get(str(service["name"])) or {}
            collectors.append(FleetCollector(summary, config, sends_to=tuple(list_at(service, "sends_to"))))
        return collectors

    @property
    def is_asked(self) -> bool:
        """Whether the host was to be read. That is not so if its configs could not be rendered."""
        return bool(self.task_results.get("asked")) and not self.problem

    @cached_property
    def diagnosis(self) -> Result:
        """The result of the diagnosis; empty if the host could not be reached, or if no module runs there."""
        host_diagnosis: Result = self.task_results.get("diagnosis") or {}
        # The result of a task that failed has other keys, such as `msg` and `unreachable`.
        return host_diagnosis if _KEY_OF_SUCCESS in host_diagnosis else {}

    @property
    def is_read(self) -> bool:
        """Whether anything was read from the host."""
        return bool(self.diagnosis)

    @property
    def unread_reasons(self) -> list[str]:
        """Why the host could not be read."""
        if not self.is_asked or self.is_read:
            return []
        failed_result = self.task_results.get("diagnosis") or {}
        reason = str(failed_result.get("msg") or "").strip() or _NO_REASON_GIVEN
        if failed_result.get("unreachable"):
            reason = f"the host cannot be reached: {reason}"
        return [f"{_UNREAD_PART}: {reason}"]

    @property
    def unlisted_collectors(self) -> Sequence[str]:
        """The collectors that earlier runs have made on the host and that the inventory does not list."""
        unlisted_collectors: Sequence[str] = self.diagnosis.get("unlisted") or ()
        return unlisted_collectors

    @cached_property
    def diagnosis_by_collector(self) -> dict[str, Result]:
        """The result of the diagnosis of each collector, by its name."""
        return {str(collector["name"]): collector for collector in list_at(self.diagnosis, "collectors")}


def count_programs(hosts: Sequence[FleetHost]) -> Counter[str]:
    """Return how many collectors the inventory wants to run each program."""
    counts: Counter[str] = Counter()
    for host in hosts:
        counts.update(str(service["program"]) for service in host.services)
    return counts
