# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live and wanted settings of an EKS add-on, and the requests that turn one into the other. Private.

Settings have the names of the module `eks_addon`. Its configuration may hold secrets, so `shown` masks them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..._otelcol.config.config_secrets import is_secret
from ..._otelcol.config.masking import salted
from ..._otelcol.config.paths import Path
from ..._otelcol.errors import Problem

Settings = dict[str, Any]
# The fields of CreateAddon and UpdateAddon by the names of the settings. Tags and the namespace are sent otherwise.
FIELDS = {
    "version": "addonVersion",
    "service_account_role_arn": "serviceAccountRoleArn",
    "configuration_values": "configurationValues",
}
IDENTITIES = "pod_identity_associations"


def settings(
    addon: Mapping[str, Any] | None, parse: Callable[[str], Any], identities: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings of an add-on as DescribeAddon returns it; none without an add-on.

    `parse` reads its configuration. `identities` are the ARNs of roles by ServiceAccount; None if they were not read.
    """
    if not addon:
        return {}
    live: Settings = {
        "version": addon.get("addonVersion") or "",
        "service_account_role_arn": addon.get("serviceAccountRoleArn") or "",
        "configuration_values": parse(addon.get("configurationValues") or "") or {},
        "namespace": (addon.get("namespaceConfig") or {}).get("namespace") or "",
        "tags": dict(addon.get("tags") or {}),
    }
    if identities is not None:
        live[IDENTITIES] = dict(identities)
    return live


def moved(live: Settings, wanted: Settings, name: str) -> Problem | None:
    """Return the problem of an add-on that is in another namespace: EKS takes a namespace at creation only."""
    if not live.get("namespace") or wanted.get("namespace") in (None, live["namespace"]):
        return None
    wrong = f"it is in the namespace {live['namespace']}, and EKS cannot move it to {wanted['namespace']}"
    fix = "Remove it first with state=absent, or leave namespace out."
    return Problem(wrong, asked=f"Change the add-on {name}", where="namespace", fix=fix)


def creation(wanted: Settings) -> dict[str, Any]:
    """Return the parameters of CreateAddon beside the names of cluster and add-on."""
    request = _fields({name: wanted.get(name) for name in FIELDS})
    if wanted.get(IDENTITIES):
        request["podIdentityAssociations"] = _identities(wanted[IDENTITIES])
    if wanted.get("namespace"):
        request["namespaceConfig"] = {"namespace": wanted["namespace"]}
    if wanted.get("tags"):
        request["tags"] = wanted["tags"]
    return request


def update(live: Settings, wanted: Settings, differing: list[str], *, repair: bool) -> dict[str, Any]:
    """Return the parameters of UpdateAddon, or nothing if no field of it differs.

    UpdateAddon takes a role away that the request leaves out, so the request repeats what stays. Pod identities that it
    leaves out stay, and an empty list removes them. `repair` sends the same settings again.
    """
    if not repair and not {*FIELDS, IDENTITIES} & set(differing):
        return {}
    target = live | {name: wanted[name] for name in differing}
    request = _fields({name: target.get(name) for name in FIELDS})
    if "configuration_values" in differing and not target["configuration_values"]:
        request["configurationValues"] = "{}"
    if IDENTITIES in differing:
        request["podIdentityAssociations"] = _identities(wanted[IDENTITIES])
    return request


def _fields(values: Settings) -> dict[str, Any]:
    """Return the given settings under the names of the API, the configuration as JSON."""
    if values.get("configuration_values"):
        values = values | {"configuration_values": json.dumps(values["configuration_values"], sort_keys=True)}
    return {FIELDS[name]: value for name, value in values.items() if value}


def _identities(roles: Mapping[str, str]) -> list[dict[str, str]]:
    """Return roles by ServiceAccount as the API takes them."""
    return [{"serviceAccount": account, "roleArn": role} for account, role in sorted(roles.items())]


def difference(live: Settings, wanted: Settings, differing: list[str], salt: str) -> dict[str, Any]:
    """Return the settings of an add-on before and after a change, with secrets masked."""
    after = live | {name: wanted[name] for name in differing}
    return {"before": shown(live, salt), "after": shown(after, salt)}


def shown(value: Any, salt: str, path: Path = ()) -> Any:
    """Return a tree with its secrets masked; equal secrets look equal. The salt keeps short ones from being guessed."""
    if isinstance(value, dict):
        return {key: shown(below, salt, (*path, _key_name(value, key))) for key, below in value.items()}
    if isinstance(value, list):
        return [shown(element, salt, (*path, index)) for index, element in enumerate(value)]
    if _is_hidden(value, path):
        return salted(salt)(str(value))
    return value


def secrets_of(value: Any, path: Path = ()) -> Iterator[str]:
    """Yield the secrets of a tree, which `shown` masks."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from secrets_of(below, (*path, _key_name(value, key)))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from secrets_of(element, (*path, index))
    elif _is_hidden(value, path):
        yield str(value)


def _is_hidden(value: Any, path: Path) -> bool:
    """Return whether a value is a secret by its place or its look; an empty text and a truth value hide nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return False
    return is_secret(path, str(value))


def _key_name(entry: Mapping[str, Any], key: Any) -> str:
    """Return what a key stands for: an entry of `env` of Kubernetes says it in `name`."""
    if key == "value" and isinstance(entry.get("name"), str):
        return str(entry["name"])
    return str(key)
