# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done with an EKS add-on, as far as reading tells. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags

from ..._core.aws.settings import IDENTITIES, Settings, changes, moved, settings
from ..._core.aws.versions import VersionChoice
from .addon_reads import AddonReads
from .addon_schema import check
from .addon_wait import Addon
from .doors import parsed


@dataclass
class AddonPlan:
    """The add-on as it is, as it is wanted, and what differs; `repair` sends the update even if nothing does."""

    addon: Addon | None
    live: Settings
    wanted: Settings
    differing: list[str]
    repair: bool = False
    warnings: list[str] = field(default_factory=list)


def missing(addon: Addon, plan: AddonPlan) -> list[str]:
    """Return what EKS does not show yet of what was asked for, although it calls the add-on done."""
    told = {name: plan.wanted[name] for name in plan.differing if name not in (IDENTITIES, "tags")}
    return changes(settings(addon, parsed), told)


class Planner:
    """The wishes of a task, held against what is there."""

    def __init__(self, reads: AddonReads, params: Mapping[str, Any]) -> None:
        self.reads, self.params = reads, params

    def plan(self, addon: Addon | None, *, repair: bool) -> AddonPlan:
        """Return what is to be done, or fail where that cannot work."""
        asked = self.params
        identities = None if asked[IDENTITIES] is None else self.reads.identities(addon)
        live = settings(addon, parsed, identities)
        choice = self._choice(live.get("version"))
        wishes: Settings = {
            "version": choice.version,
            "service_account_role_arn": asked["service_account_role_arn"],
            "configuration_values": asked["configuration_values"],
            "namespace": asked["namespace"],
            "tags": self._tags(live.get("tags") or {}),
        }
        if asked[IDENTITIES] is not None:
            wishes[IDENTITIES] = {item["service_account"]: item["role_arn"] for item in asked[IDENTITIES]}
        wanted = {name: value for name, value in wishes.items() if value is not None}
        problem = moved(live, wanted, asked["name"])
        if problem:
            raise problem
        plan = AddonPlan(addon, live, wanted, changes(live, wanted), repair)
        plan.warnings = [choice.warning, *self._advice(choice, plan), self._checked(plan)]
        return plan

    def _choice(self, installed: str | None) -> VersionChoice:
        asked = self.params["version"]
        if installed and asked == installed:
            return VersionChoice(installed)
        return self.reads.choice(asked, installed)

    def _advice(self, choice: VersionChoice, plan: AddonPlan) -> list[str]:
        """Return what a new add-on of this version lacks, as EKS says it."""
        if plan.addon or not choice.offer:
            return []
        name = f"{self.params['name']} {choice.version}"
        see = "eks_addon_info with configuration=true shows"
        found = []
        if choice.offer.permissions_needed and not any(
            plan.wanted.get(option) for option in ("service_account_role_arn", IDENTITIES)
        ):
            found.append(f"{name} needs an IAM role; {see} the policies for it.")
        if choice.offer.configuration_needed and not plan.wanted.get("configuration_values"):
            found.append(f"{name} needs configuration_values; {see} their schema.")
        return found

    def _checked(self, plan: AddonPlan) -> str:
        """Hold the configuration against the schema of the version that is to be, if either is new."""
        given = plan.wanted.get("configuration_values")
        target = plan.live.get("configuration_values") if given is None else given
        if not target or not {"version", "configuration_values"} & set(plan.differing):
            return ""
        return check(self.reads, plan.wanted["version"], target, ours=given is not None)

    def _tags(self, live: dict[str, str]) -> dict[str, str] | None:
        """Return the tags as they are to be, as amazon.aws compares them."""
        asked = self.params["tags"]
        if asked is None:
            return None
        fresh, stale = compare_aws_tags(live, asked, self.params["purge_tags"])
        kept = {key: value for key, value in live.items() if key not in stale}
        return kept | {key: str(value) for key, value in fresh.items()}
