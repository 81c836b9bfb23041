# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux host of the fleet and its collectors, as the tasks before have rendered and read them. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .._collector.recipes import SERVICE
from .._otelcol.config.paths import items
from .fleet_cluster import FleetMember, FleetPlace

Result = Mapping[str, Any]
NOT_ASKED = "Nothing was read from the host: this is what its inventory says."
# The key that a diagnosis has when its task went well.
_GOOD = "verdict"
_SILENT = "the host gave no reason"
# As the page says it of clusters.
_WHAT = "how the collectors are"


@dataclass(frozen=True)
class FleetHost(FleetPlace):
    """A Linux host of the fleet."""

    @property
    def collectors(self) -> Sequence[Result]:
        """The collectors that were rendered."""
        return items(self.given, "rendered", "collectors")

    @cached_property
    def members(self) -> list[FleetMember]:
        """The collectors as places that telemetry comes from or goes to."""
        found = []
        for collector in self.collectors:
            summary = {"name": collector["name"], "namespace": self.name, "mode": SERVICE}
            config = self.configs.get(str(collector["name"])) or {}
            found.append(FleetMember(summary, config, sends_to=tuple(items(collector, "sends_to"))))
        return found

    @property
    def asked(self) -> bool:
        """Whether the host was to be read."""
        return bool(self.given.get("asked")) and not self.problem

    @cached_property
    def diagnosis(self) -> Result:
        """What the host said of its collectors; empty if it could not be reached, or no module runs there."""
        found: Result = self.given.get("diagnosis") or {}
        return found if _GOOD in found else {}

    @property
    def is_read(self) -> bool:
        return bool(self.diagnosis)

    @property
    def unread(self) -> list[str]:
        """Why the host could not be read."""
        if not self.asked or self.is_read:
            return []
        failed = self.given.get("diagnosis") or {}
        why = str(failed.get("msg") or "").strip() or _SILENT
        if failed.get("unreachable"):
            why = f"the host cannot be reached: {why}"
        return [f"{_WHAT}: {why}"]

    @property
    def unlisted(self) -> Sequence[str]:
        """The collectors that runs have made there, and that the inventory does not list."""
        found: Sequence[str] = self.diagnosis.get("unlisted") or ()
        return found

    @cached_property
    def diagnosed(self) -> dict[str, Result]:
        """What was found of each collector, by its name."""
        return {str(collector["name"]): collector for collector in items(self.diagnosis, "collectors")}


def programs(hosts: Sequence[FleetHost]) -> Counter[str]:
    """Return how many collectors the inventory wants to run each program."""
    return Counter(str(collector["program"]) for host in hosts for collector in host.collectors)
