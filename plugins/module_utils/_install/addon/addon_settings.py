# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live and wanted settings of an EKS add-on, and the requests that turn one into the other. Private.

Settings have the names of the options of module `eks_addon`. Live settings are those at EKS, and target settings are
those that the user wants; one that is missing there stays as it is. For example, if only the configuration differs:

    live      {"version": "v0.151.0-eksbuild.2", "service_account_role_arn": ARN, "configuration_values": {}}
    target    {"configuration_values": {"replicas": 2}}
    request   {"addonVersion": "v0.151.0-eksbuild.2", "serviceAccountRoleArn": ARN,
               "configurationValues": '{"replicas": 2}'}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..._otelcol.errors import Problem
from .addon_secrets import mask_secrets

Settings = dict[str, Any]
# The fields of CreateAddon and UpdateAddon that hold one text, by the names of the settings.
_API_FIELDS = {
    "version": "addonVersion",
    "service_account_role_arn": "serviceAccountRoleArn",
    "configuration_values": "configurationValues",
}
# The setting with the roles of the add-on's pods: ARNs by ServiceAccount.
IDENTITIES = "pod_identity_associations"
# The settings that UpdateAddon changes. Tags have calls of their own, and EKS never changes the namespace.
_UPDATED_SETTINGS = frozenset({*_API_FIELDS, IDENTITIES})


def addon_settings(
    addon: Mapping[str, Any] | None, parse: Callable[[str], Any], identities: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings of an add-on as DescribeAddon returns it; none without an add-on.

    `parse` reads its configuration. `identities` are the ARNs of roles by ServiceAccount; None if they were not read.
    """
    if not addon:
        return {}
    live_settings: Settings = {
        "version": addon.get("addonVersion") or "",
        "service_account_role_arn": addon.get("serviceAccountRoleArn") or "",
        "configuration_values": parse(addon.get("configurationValues") or "") or {},
        "namespace": (addon.get("namespaceConfig") or {}).get("namespace") or "",
        "tags": dict(addon.get("tags") or {}),
    }
    if identities is not None:
        live_settings[IDENTITIES] = dict(identities)
    return live_settings


def find_namespace_move(live_settings: Settings, target_settings: Settings, addon_name: str) -> Problem | None:
    """Return the problem of an add-on that is in another namespace, since EKS cannot move it; None if it is not."""
    if not live_settings.get("namespace") or target_settings.get("namespace") in (None, live_settings["namespace"]):
        return None
    wrong = (
        f"it is in the namespace {live_settings['namespace']}, and EKS cannot move it to {target_settings['namespace']}"
    )
    fix = "Remove it first with state=absent, or leave namespace out."
    return Problem(wrong, asked=f"Change the add-on {addon_name}", where="namespace", fix=fix)


def build_creation_request(target_settings: Settings) -> dict[str, Any]:
    """Return the parameters of CreateAddon beside the names of cluster and add-on."""
    request = _build_fields(target_settings)
    if target_settings.get(IDENTITIES):
        request["podIdentityAssociations"] = _build_identities(target_settings[IDENTITIES])
    if target_settings.get("namespace"):
        request["namespaceConfig"] = {"namespace": target_settings["namespace"]}
    if target_settings.get("tags"):
        request["tags"] = target_settings["tags"]
    return request


def build_update_request(
    live_settings: Settings, target_settings: Settings, differing_names: list[str], *, repair: bool
) -> dict[str, Any]:
    """Return the parameters of UpdateAddon; an empty mapping if nothing that it changes differs.

    A repair sends all settings, though none differs. UpdateAddon takes a role away that the request leaves out, so the
    request repeats what stays. Pod identities that it leaves out stay, and an empty list removes them.
    """
    if not repair and _UPDATED_SETTINGS.isdisjoint(differing_names):
        return {}
    later_settings = _change_settings(live_settings, target_settings, differing_names)
    request = _build_fields(later_settings)
    if "configuration_values" in differing_names:
        # `_build_fields` leaves an empty configuration out. Here it is what the user wants.
        request["configurationValues"] = _format_configuration(later_settings["configuration_values"])
    if IDENTITIES in differing_names:
        request["podIdentityAssociations"] = _build_identities(target_settings[IDENTITIES])
    return request


def _change_settings(live_settings: Settings, target_settings: Settings, differing_names: list[str]) -> Settings:
    """Return the live settings with the target settings in place of those that differ."""
    return live_settings | {name: target_settings[name] for name in differing_names}


def _build_fields(settings: Settings) -> dict[str, Any]:
    """Return the fields of a request for those of `_API_FIELDS` that are set and not empty."""
    fields = {api_field: settings[name] for name, api_field in _API_FIELDS.items() if settings.get(name)}
    if "configurationValues" in fields:
        fields["configurationValues"] = _format_configuration(fields["configurationValues"])
    return fields


def _format_configuration(configuration: Mapping[str, Any]) -> str:
    """Return a configuration as the API takes it: JSON, in which equal ones are equal texts."""
    return json.dumps(configuration, sort_keys=True)


def map_identities(identities: Iterable[Mapping[str, str]], addon_name: str) -> dict[str, str]:
    """Return the ARNs of roles by ServiceAccount. Raises Problem for an account with two roles, of which one is lost.

    Each of the `identities` is such as `{"service_account": "adot", "role_arn": ARN}`.
    """
    roles_by_account: dict[str, str] = {}
    for identity in identities:
        account, role_arn = identity["service_account"], identity["role_arn"]
        if roles_by_account.setdefault(account, role_arn) != role_arn:
            wrong = f"the service account '{account}' has two roles, {roles_by_account[account]} and {role_arn}"
            raise Problem(wrong, asked=f"Change the add-on {addon_name}", where=IDENTITIES, fix="Give it one of them.")
    return roles_by_account


def _build_identities(roles_by_account: Mapping[str, str]) -> list[dict[str, str]]:
    """Return roles by ServiceAccount as the API takes them."""
    return [{"serviceAccount": account, "roleArn": role} for account, role in sorted(roles_by_account.items())]


def describe_difference(
    live_settings: Settings, target_settings: Settings, differing_names: list[str], salt: str
) -> dict[str, Any]:
    """Return the settings of an add-on before and after a change, with secrets masked."""
    later_settings = _change_settings(live_settings, target_settings, differing_names)
    return {"before": mask_secrets(live_settings, salt), "after": mask_secrets(later_settings, salt)}
