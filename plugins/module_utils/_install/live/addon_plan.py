# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for an EKS add-on, with its configuration checked against the schema of EKS.

The add-on is checked before anything changes: the version is chosen here, and the cluster shows conflicts. The owner is
recorded in a tag, not a label, because EKS owns the objects. Settings are those of addon_settings.py: the live ones are
what EKS has, the requested ones what the task asks for. Private.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._identity.live.aws_changes import list_changed_settings, merge_task_tags
from ..._identity.live.call_errors import AnsibleCallError
from ..._kube.live.libraries import import_library
from ..addon.addon_settings import (
    IDENTITIES,
    Settings,
    addon_settings,
    find_namespace_move,
    map_identities,
)
from ..addon.addon_versions import AddonVersionChoice
from ..addon.addon_violations import Violation, find_schema_mismatch
from .addon_reads import AddonReads, LiveAddon, parse_configuration


@dataclass
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
    warnings: list[str] = field(default_factory=list)
    """Some may be empty."""


def list_missing_settings(addon: LiveAddon, plan: AddonPlan) -> list[str]:
    """Return the requested settings that EKS does not show yet, although the add-on is done."""
    pending_settings = {
        name: plan.wanted_settings[name] for name in plan.differing_settings if name not in (IDENTITIES, "tags")
    }
    return list_changed_settings(addon_settings(addon, parse_configuration), pending_settings)


class AddonPlanner:
    """Compares the options of a task with the add-on."""

    def __init__(self, reads: AddonReads, params: Mapping[str, Any]) -> None:
        self.reads, self.params = reads, params

    def build_plan(self, addon: LiveAddon | None, *, repair: bool) -> AddonPlan:
        """Return the plan. Raises Problem if it is impossible."""
        params = self.params
        identities = None if params[IDENTITIES] is None else self.reads.read_identities(addon)
        live_settings = addon_settings(addon, parse_configuration, identities)
        choice = self._choose_version(live_settings.get("version"))
        requested_settings: Settings = {
            "version": choice.version,
            "service_account_role_arn": params["service_account_role_arn"],
            "configuration_values": params["configuration_values"],
            "namespace": params["namespace"],
            "tags": merge_task_tags(live_settings.get("tags") or {}, params),
        }
        if params[IDENTITIES] is not None:
            requested_settings[IDENTITIES] = map_identities(params[IDENTITIES], params["name"])
        target_settings = {name: value for name, value in requested_settings.items() if value is not None}
        problem = find_namespace_move(live_settings, target_settings, params["name"])
        if problem:
            raise problem
        plan = AddonPlan(
            addon, live_settings, target_settings, list_changed_settings(live_settings, target_settings), repair
        )
        plan.warnings = [choice.warning, *self._list_advice(choice, plan), self._check_configuration(plan)]
        return plan

    def _choose_version(self, installed_version: str | None) -> AddonVersionChoice:
        requested_version = self.params["version"]
        if installed_version and requested_version == installed_version:
            return AddonVersionChoice(installed_version)
        return self.reads.choose_version(requested_version, installed_version)

    def _list_advice(self, choice: AddonVersionChoice, plan: AddonPlan) -> list[str]:
        """Return warnings about missing permissions or configuration of a new add-on, according to EKS."""
        if plan.live_addon or not choice.offered_version:
            return []
        name = f"{self.params['name']} {choice.version}"
        source_text = "eks_addon_info with configuration=true shows"
        has_role = plan.wanted_settings.get("service_account_role_arn") or plan.wanted_settings.get(IDENTITIES)
        warnings = []
        if choice.offered_version.needs_permissions and not has_role:
            warnings.append(f"{name} needs an IAM role; {source_text} the policies for it.")
        if choice.offered_version.needs_configuration and not plan.wanted_settings.get("configuration_values"):
            warnings.append(f"{name} needs configuration_values; {source_text} their schema.")
        return warnings

    def _check_configuration(self, plan: AddonPlan) -> str:
        """Check the configuration against the schema of the wanted version, if one of both is new.

        Return a warning if it could not be checked; empty if it fits or nothing is new. Raises Problem if it does not
        fit.
        """
        configuration = plan.wanted_settings.get("configuration_values")
        is_from_task = configuration is not None
        if not is_from_task:
            configuration = plan.live_settings.get("configuration_values")
        if not configuration or not {"version", "configuration_values"} & set(plan.differing_settings):
            return ""
        return check_configuration(self.reads, plan.wanted_settings["version"], configuration, ours=is_from_task)


# The codes of an answer of AWS about a missing right.
DENIED_CODES = ("AccessDenied", "AccessDeniedException")


def check_configuration(reads: AddonReads, version: str, configuration: dict[str, Any], *, ours: bool) -> str:
    """Raise Problem if the configuration does not fit its schema; return a warning if that could not be checked.

    `ours` says that the configuration is of this task, and not the one that the add-on has already.
    """
    try:
        schema = json.loads(reads.read_configuration(version).get("configurationSchema") or "{}")
    except AnsibleCallError as error:
        if error.answer.code not in DENIED_CODES:
            raise
        return f"configuration_values are not checked before the call: {error.answer.message}"
    try:
        problem = find_schema_mismatch(find_violations(schema, configuration), reads.name, version, is_from_task=ours)
    except (import_library("referencing.exceptions", "jsonschema").Unresolvable, re.error) as error:
        return f"configuration_values are not checked before the call, since the schema of EKS cannot be used: {error}"
    if problem:
        raise problem
    return ""


def find_violations(schema: dict[str, Any], configuration: dict[str, Any]) -> Iterator[Violation]:
    """Yield every violation of the schema. If the schema has alternatives, only the one that fits best counts."""
    jsonschema = import_library("jsonschema")
    registry = import_library("referencing", "jsonschema").Registry()  # an empty one: references are never fetched
    validator_class = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)
    validator = validator_class(schema, registry=registry)
    for error in validator.iter_errors(configuration):
        best_error = jsonschema.exceptions.best_match([error]) if error.context else error
        known_keys: tuple[str, ...] = ()
        if isinstance(best_error.schema, dict):
            known_keys = tuple(best_error.schema.get("properties") or {})
        yield Violation(
            tuple(best_error.absolute_path),
            str(best_error.validator),
            best_error.validator_value,
            best_error.instance,
            known_keys,
        )
