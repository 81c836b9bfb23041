# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live and wanted settings of an EKS add-on, and the requests that turn one into the other. Private.

Settings have the names of the options of module `eks_addon`. Live settings are those at EKS, and target settings are
those that the user wants; one that is missing there stays as it is. A configuration may have secrets, so `mask_secrets`
masks them. For example, if only the configuration differs:

    live      {"version": "v0.151.0-eksbuild.2", "service_account_role_arn": ARN, "configuration_values": {}}
    target    {"configuration_values": {"replicas": 2}}
    request   {"addonVersion": "v0.151.0-eksbuild.2", "serviceAccountRoleArn": ARN,
               "configurationValues": '{"replicas": 2}'}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..._otelcol.config.config_secrets import is_secret
from ..._otelcol.config.masking import make_salted_replacer
from ..._otelcol.config.paths import Path
from ..._otelcol.errors import Problem

Settings = dict[str, Any]
# The fields of CreateAddon and UpdateAddon by the names of the settings. Tags and the namespace are sent otherwise.
API_FIELDS = {
    "version": "addonVersion",
    "service_account_role_arn": "serviceAccountRoleArn",
    "configuration_values": "configurationValues",
}
# The setting with the roles of the add-on's pods: ARNs by ServiceAccount.
IDENTITIES = "pod_identity_associations"


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
    request = _build_fields({name: target_settings.get(name) for name in API_FIELDS})
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
    """Return the parameters of UpdateAddon; an empty mapping if none of them differs.

    UpdateAddon takes a role away that the request leaves out, so the request repeats what stays. Pod identities that it
    leaves out stay, and an empty list removes them. `repair` sends the same settings again.
    """
    if not repair and not {*API_FIELDS, IDENTITIES} & set(differing_names):
        return {}
    merged_settings = live_settings | {name: target_settings[name] for name in differing_names}
    request = _build_fields({name: merged_settings.get(name) for name in API_FIELDS})
    # `_build_fields` leaves out what is empty, and here the empty configuration is what the user wants.
    if "configuration_values" in differing_names and not merged_settings["configuration_values"]:
        request["configurationValues"] = "{}"
    if IDENTITIES in differing_names:
        request["podIdentityAssociations"] = _build_identities(target_settings[IDENTITIES])
    return request


def _build_fields(values: Settings) -> dict[str, Any]:
    """Return the given settings under the names of the API, the configuration as JSON."""
    if values.get("configuration_values"):
        values = values | {"configuration_values": json.dumps(values["configuration_values"], sort_keys=True)}
    return {API_FIELDS[name]: value for name, value in values.items() if value}


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
    later_settings = live_settings | {name: target_settings[name] for name in differing_names}
    return {"before": mask_secrets(live_settings, salt), "after": mask_secrets(later_settings, salt)}


def mask_secrets(value: Any, salt: str, path: Path = ()) -> Any:
    """Return a tree with its secrets masked; equal secrets look equal. The salt keeps short ones from being guessed."""
    if isinstance(value, dict):
        return {key: mask_secrets(child, salt, (*path, _meant_key(value, key))) for key, child in value.items()}
    if isinstance(value, list):
        return [mask_secrets(element, salt, (*path, index)) for index, element in enumerate(value)]
    if _is_secret_value(value, path):
        return make_salted_replacer(salt)(str(value))
    return value


def find_secrets(value: Any, path: Path = ()) -> Iterator[str]:
    """Yield the secrets of a tree: the values that `mask_secrets` masks."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from find_secrets(child, (*path, _meant_key(value, key)))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from find_secrets(element, (*path, index))
    elif _is_secret_value(value, path):
        yield str(value)


def _is_secret_value(value: Any, path: Path) -> bool:
    """Return whether a value is a secret by its place or its look; an empty text and a truth value hide nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return False
    return is_secret(path, str(value))


def _meant_key(entry: Mapping[str, Any], key: Any) -> str:
    """Return what a key stands for: an entry of `env` of Kubernetes says it in `name`.

    For example, `value` of `{"name": "API_TOKEN", "value": "a1"}` stands for API_TOKEN, which is the name of a secret.
    """
    if key == "value" and isinstance(entry.get("name"), str):
        return str(entry["name"])
    return str(key)
