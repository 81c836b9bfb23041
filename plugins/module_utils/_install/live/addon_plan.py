# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for an EKS add-on: what a task wants, what EKS has, and what differs. Private.

All that can be wrong is found here, before anything changes: the version is chosen, and the configuration is compared
with its schema. Settings are those of addon_settings.py. For example, if a task gives another configuration:

    live       {"version": "v0.151.0-eksbuild.2", "configuration_values": {}, "tags": {}, …}
    wanted     {"version": "v0.151.0-eksbuild.2", "configuration_values": {"replicas": 2}}
    differing  ["configuration_values"]

The owner is recorded in a tag, not a label, because EKS owns the objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._identity.live.aws_changes import list_changed_settings, merge_task_tags
from ..addon.addon_settings import (
    IDENTITIES,
    Settings,
    addon_settings,
    find_namespace_move,
    map_identities,
)
from ..addon.addon_versions import AddonVersionChoice
from .addon_configuration_check import validate_configuration
from .addon_reads import AddonReads, LiveAddon, parse_configuration

# No wait looks for these settings: tags have calls of their own, and DescribeAddon shows no roles of pod identities.
_UNSHOWN_SETTINGS = (IDENTITIES, "tags")
# If one of these changes, the configuration may no longer fit the schema.
_SCHEMA_SETTINGS = ("version", "configuration_values")


@dataclass(frozen=True)
class AddonPlan:
    """The add-on as it is, as it is wanted, and what differs."""

    live_addon: LiveAddon | None
    """As DescribeAddon returns it; None if the cluster does not have it."""
    live_settings: Settings
    wanted_settings: Settings
    """The settings that the task names; others stay as they are."""
    differing_settings: list[str]
    """The names of the wanted settings that differ from the live ones."""
    needs_repair: bool = False
    """Whether the update is sent even if no setting differs, because an earlier operation has failed."""
    warnings: Sequence[str] = ()
    """Some may be empty."""


def list_missing_settings(addon: LiveAddon, plan: AddonPlan) -> list[str]:
    """Return the requested settings that EKS does not show yet, although the add-on is done."""
    pending_settings: Settings = {}
    for name in plan.differing_settings:
        if name not in _UNSHOWN_SETTINGS:
            pending_settings[name] = plan.wanted_settings[name]
    return list_changed_settings(addon_settings(addon, parse_configuration), pending_settings)


class AddonPlanner:
    """Compares the options of a task with the add-on."""

    def __init__(self, reads: AddonReads, params: Mapping[str, Any]) -> None:
        self.reads, self.params = reads, params

    def build_plan(self, addon: LiveAddon | None, *, repair: bool) -> AddonPlan:
        """Return the plan. Raises Problem if it is impossible."""
        identities = None if self.params[IDENTITIES] is None else self.reads.read_identities(addon)
        live_settings = addon_settings(addon, parse_configuration, identities)
        choice = self._choose_version(live_settings.get("version"))
        wanted_settings = self._build_wanted_settings(choice.version, live_settings)
        problem = find_namespace_move(live_settings, wanted_settings, self.params["name"])
        if problem:
            raise problem
        differing_settings = list_changed_settings(live_settings, wanted_settings)
        advice = [] if addon else self._list_advice(choice, wanted_settings)
        check_warning = self._validate_if_new(live_settings, wanted_settings, differing_settings)
        return AddonPlan(
            live_addon=addon,
            live_settings=live_settings,
            wanted_settings=wanted_settings,
            differing_settings=differing_settings,
            needs_repair=repair,
            warnings=[choice.warning, *advice, check_warning],
        )

    def _choose_version(self, installed_version: str | None) -> AddonVersionChoice:
        """Return the version to have. One that is installed already may stay, also if EKS offers it no more."""
        requested_version = self.params["version"]
        if installed_version and requested_version == installed_version:
            return AddonVersionChoice(installed_version)
        return self.reads.choose_version(requested_version, installed_version)

    def _build_wanted_settings(self, version: str, live_settings: Settings) -> Settings:
        """Return the settings that the task names, with the version that was chosen."""
        params = self.params
        requested_settings: Settings = {
            "version": version,
            "service_account_role_arn": params["service_account_role_arn"],
            "configuration_values": params["configuration_values"],
            "namespace": params["namespace"],
            "tags": merge_task_tags(live_settings.get("tags") or {}, params),
        }
        if params[IDENTITIES] is not None:
            requested_settings[IDENTITIES] = map_identities(params[IDENTITIES], params["name"])
        return {name: value for name, value in requested_settings.items() if value is not None}

    def _list_advice(self, choice: AddonVersionChoice, wanted_settings: Settings) -> list[str]:
        """Return warnings about missing permissions or configuration of a new add-on, according to EKS."""
        if not choice.offered_version:
            return []
        name = f"{self.params['name']} {choice.version}"
        source_text = "eks_addon_info with configuration=true shows"
        has_role = wanted_settings.get("service_account_role_arn") or wanted_settings.get(IDENTITIES)
        warnings = []
        if choice.offered_version.needs_permissions and not has_role:
            warnings.append(f"{name} needs an IAM role; {source_text} the policies for it.")
        if choice.offered_version.needs_configuration and not wanted_settings.get("configuration_values"):
            warnings.append(f"{name} needs configuration_values; {source_text} their schema.")
        return warnings

    def _validate_if_new(
        self, live_settings: Settings, wanted_settings: Settings, differing_settings: Sequence[str]
    ) -> str:
        """Compare the configuration with the schema of the wanted version, if one of both is new.

        Return a warning if that is impossible; empty if the configuration fits or nothing is new. Raises Problem if it
        does not fit.
        """
        if not any(name in differing_settings for name in _SCHEMA_SETTINGS):
            return ""
        configuration = wanted_settings.get("configuration_values")
        is_from_task = configuration is not None
        if not is_from_task:
            configuration = live_settings.get("configuration_values")
        if not configuration:
            return ""
        return validate_configuration(self.reads, wanted_settings["version"], configuration, is_from_task=is_from_task)
