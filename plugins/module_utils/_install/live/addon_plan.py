# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for an EKS add-on, with its configuration checked against the schema of EKS.

The add-on is checked before anything changes: the version is chosen here, and the cluster shows conflicts. The owner is
recorded in a tag, not a label, because EKS owns the objects. Private.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._identity.live.aws_api import AnsibleCallError, changes, parsed, retagged
from ..._kube.live.api_errors import library
from ..addon.addon_settings import IDENTITIES, Settings, moved, settings
from ..addon.addon_versions import VersionChoice
from ..addon.addon_violations import Violation, mismatch
from .addon_wait import Addon, AddonReads


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
    """Return the requested settings that EKS does not show yet, although the add-on is done."""
    pending = {name: plan.wanted[name] for name in plan.differing if name not in (IDENTITIES, "tags")}
    return changes(settings(addon, parsed), pending)


class Planner:
    """Compares the options of a task with the add-on."""

    def __init__(self, reads: AddonReads, params: Mapping[str, Any]) -> None:
        self.reads, self.params = reads, params

    def plan(self, addon: Addon | None, *, repair: bool) -> AddonPlan:
        """Return the plan. Raises Problem if it is impossible."""
        asked = self.params
        identities = None if asked[IDENTITIES] is None else self.reads.identities(addon)
        live = settings(addon, parsed, identities)
        choice = self._choice(live.get("version"))
        given: Settings = {
            "version": choice.version,
            "service_account_role_arn": asked["service_account_role_arn"],
            "configuration_values": asked["configuration_values"],
            "namespace": asked["namespace"],
            "tags": retagged(live.get("tags") or {}, asked),
        }
        if asked[IDENTITIES] is not None:
            given[IDENTITIES] = {item["service_account"]: item["role_arn"] for item in asked[IDENTITIES]}
        wanted = {name: value for name, value in given.items() if value is not None}
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
        """Return warnings about missing permissions or configuration of a new add-on, according to EKS."""
        if plan.addon or not choice.details:
            return []
        name = f"{self.params['name']} {choice.version}"
        see = "eks_addon_info with configuration=true shows"
        has_role = plan.wanted.get("service_account_role_arn") or plan.wanted.get(IDENTITIES)
        warnings = []
        if choice.details.permissions_needed and not has_role:
            warnings.append(f"{name} needs an IAM role; {see} the policies for it.")
        if choice.details.configuration_needed and not plan.wanted.get("configuration_values"):
            warnings.append(f"{name} needs configuration_values; {see} their schema.")
        return warnings

    def _checked(self, plan: AddonPlan) -> str:
        """Hold the configuration against the schema of the version that is to be, if either is new."""
        configuration = plan.wanted.get("configuration_values")
        is_given = configuration is not None
        if not is_given:
            configuration = plan.live.get("configuration_values")
        if not configuration or not {"version", "configuration_values"} & set(plan.differing):
            return ""
        return check(self.reads, plan.wanted["version"], configuration, ours=is_given)


DENIED = ("AccessDenied", "AccessDeniedException")


def check(reads: AddonReads, version: str, configuration: dict[str, Any], *, ours: bool) -> str:
    """Fail if the configuration does not fit; return a warning where that could not be found out."""
    try:
        schema = json.loads(reads.configuration(version).get("configurationSchema") or "{}")
    except AnsibleCallError as error:
        if error.answer.code not in DENIED:
            raise
        return f"configuration_values are not checked before the call: {error.answer.message}"
    try:
        problem = mismatch(violations(schema, configuration), reads.name, version, ours=ours)
    except (library("referencing.exceptions", "jsonschema").Unresolvable, re.error) as error:
        return f"configuration_values are not checked before the call, since the schema of EKS cannot be used: {error}"
    if problem:
        raise problem
    return ""


def violations(schema: dict[str, Any], configuration: dict[str, Any]) -> Iterator[Violation]:
    """Yield every violation; of alternatives those of the one that fits best."""
    jsonschema = library("jsonschema")
    registry = library("referencing", "jsonschema").Registry()  # an empty one: references are never fetched
    validator_class = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)
    validator = validator_class(schema, registry=registry)
    for error in validator.iter_errors(configuration):
        best = jsonschema.exceptions.best_match([error]) if error.context else error
        known: tuple[str, ...] = ()
        if isinstance(best.schema, dict):
            known = tuple(best.schema.get("properties") or {})
        yield Violation(tuple(best.absolute_path), str(best.validator), best.validator_value, best.instance, known)
