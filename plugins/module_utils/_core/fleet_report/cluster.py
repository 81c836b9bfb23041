# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the fleet, as the tasks before have left it: what was rendered, and what was read. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..config.paths import items, section
from ..releases.products import CERT_MANAGER, OPERATOR
from .members import FleetMember, members

Result = Mapping[str, Any]
# The key that a result has when its task went well.
_GOOD = {"diagnosis": "verdict", "cert_manager": "installed", "operator": "installed", "drift": "ready"}
_WHAT = {
    "diagnosis": "how the collectors are",
    "cert_manager": "which cert-manager there is",
    "operator": "which operator there is",
    "drift": "what a run would change",
}
NOT_ASKED = "Nothing was read from the cluster: this is what its inventory says."


@dataclass(frozen=True)
class FleetCluster:
    """What is known of one host of the inventory. `configs` has the configs of its collectors as data."""

    name: str
    given: Result
    configs: Mapping[str, Any]
    products: Mapping[str, Result] = field(default_factory=dict)

    @cached_property
    def members(self) -> list[FleetMember]:
        """The collectors that were rendered."""
        rendered = section(self.given, "rendered")
        return members(items(rendered, "collectors"), items(rendered, "manifests"), self.configs)

    @property
    def findings(self) -> Sequence[Result]:
        """What the rules say of the configs."""
        return items(self.given, "rendered", "findings")

    @property
    def problem(self) -> str:
        """Why nothing could be rendered."""
        return str(self.given.get("problem") or "")

    @property
    def asked(self) -> bool:
        """Whether the cluster was to be read at all."""
        return bool(self.given.get("asked"))

    def read(self, name: str) -> Result:
        """Return a result, empty when its task failed or never ran."""
        found = section(self.given, name)
        return found if _GOOD[name] in found else {}

    @property
    def is_read(self) -> bool:
        """Whether anything at all was read."""
        return any(self.read(name) for name in _GOOD)

    @cached_property
    def unread(self) -> list[str]:
        """Why something could not be read, each reason once: a cluster that does not answer says it once."""
        why: dict[str, list[str]] = {}
        for name, what in _WHAT.items():
            found = section(self.given, name)
            if found and not self.read(name) and found.get("msg"):
                why.setdefault(str(found["msg"]).strip(), []).append(what)
        return [f"{', '.join(what)}: {text}" for text, what in why.items()] if self.asked else []

    @cached_property
    def diagnosed(self) -> dict[str, Result]:
        """What was found of each collector that runs, by namespace and name."""
        listed = items(self.read("diagnosis"), "collectors")
        return {f"{item['namespace']}/{item['name']}": item for item in listed}

    @property
    def kubernetes(self) -> str:
        """The version of the cluster, empty when nobody could ask."""
        found = (self.read("operator"), self.read("cert_manager"))
        return next((str(item["kubernetes"]) for item in found if item.get("kubernetes")), "")

    def installed(self, product: str) -> Result:
        """Return what there is of a product."""
        return self.read({CERT_MANAGER: "cert_manager", OPERATOR: "operator"}[product])
