# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live and wanted settings of an EKS add-on, the request between both, and violations of its schema. Private."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.config_secrets import is_secret
from ..._otelcol.config.masking import salted
from ..._otelcol.config.paths import Path, dotted
from ..._otelcol.errors import Problem, at_most, near

Settings = dict[str, Any]
# Our names for the fields of the API; tags and namespace go other ways.
FIELDS = {
    "version": "addonVersion",
    "service_account_role_arn": "serviceAccountRoleArn",
    "configuration_values": "configurationValues",
}
IDENTITIES = "pod_identity_associations"


def settings(
    addon: Mapping[str, Any] | None, parse: Callable[[str], Any], identities: Mapping[str, str] | None = None
) -> Settings:
    """Return what DescribeAddon says, in our words. `identities` are roles by service account, where they were read."""
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
    """Return the problem of another namespace: EKS takes it at creation only."""
    if not live.get("namespace") or wanted.get("namespace") in (None, live["namespace"]):
        return None
    wrong = f"it is in the namespace {live['namespace']}, and EKS cannot move it to {wanted['namespace']}"
    fix = "Remove it first with state=absent, or leave namespace out."
    return Problem(wrong, asked=f"Change the add-on {name}", where="namespace", fix=fix)


def creation(wanted: Settings) -> dict[str, Any]:
    """Return what CreateAddon needs."""
    request = _fields({name: wanted.get(name) for name in FIELDS})
    if wanted.get(IDENTITIES):
        request["podIdentityAssociations"] = _identities(wanted[IDENTITIES])
    if wanted.get("namespace"):
        request["namespaceConfig"] = {"namespace": wanted["namespace"]}
    if wanted.get("tags"):
        request["tags"] = wanted["tags"]
    return request


def update(live: Settings, wanted: Settings, differing: list[str], *, repair: bool) -> dict[str, Any]:
    """Return what UpdateAddon needs, or nothing.

    A role that is left out is taken away (the API then means the node's role), so what stays is said again. Pod
    identities that are left out stay, and an empty list removes them.
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
    return [{"serviceAccount": account, "roleArn": role} for account, role in sorted(roles.items())]


def difference(live: Settings, wanted: Settings, differing: list[str], salt: str) -> dict[str, Any]:
    """Return before and after of an add-on, fit to be shown."""
    after = live | {name: wanted[name] for name in differing}
    return {"before": shown(live, salt), "after": shown(after, salt)}


def shown(value: Any, salt: str, path: Path = ()) -> Any:
    """Mask the secrets of a tree; equal secrets still look equal. The salt keeps short ones from being guessed."""
    if isinstance(value, dict):
        return {key: shown(below, salt, (*path, _called(value, key))) for key, below in value.items()}
    if isinstance(value, list):
        return [shown(element, salt, (*path, index)) for index, element in enumerate(value)]
    if _is_hidden(value, path):
        return salted(salt)(str(value))
    return value


def secrets_of(value: Any, path: Path = ()) -> Iterator[str]:
    """Yield the secrets of a tree, which `shown` masks."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from secrets_of(below, (*path, _called(value, key)))
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


def _called(entry: Mapping[str, Any], key: Any) -> str:
    """Return what a key stands for: an entry of `env` of Kubernetes says it in `name`."""
    if key == "value" and isinstance(entry.get("name"), str):
        return str(entry["name"])
    return str(key)


MOST = 20
KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


class Violation(NamedTuple):
    """A place in the configuration, the keyword of JSON Schema that it violates with its value, and the instance."""

    path: Path
    keyword: str
    expected: Any
    instance: Any
    known: tuple[str, ...] = ()


def _kind(value: Any) -> str:
    return KINDS.get(type(value), "null")


def _unknown_keys(violation: Violation) -> str:
    """Return which keys the schema does not know, each with the one that may be meant."""
    texts = []
    for key in violation.instance:
        if key not in violation.known:
            texts.append(f"'{key}' is not known here{near(str(key), violation.known)}")
    return ", ".join(texts)


def _missing(violation: Violation) -> str:
    absent = [key for key in violation.expected if key not in violation.instance]
    return "missing: " + ", ".join(absent)


# Values never stand in these texts: they may be secrets.
SAID: dict[str, Callable[[Violation], str]] = {
    "type": lambda it: f"must be {_either(it.expected)}, is {_kind(it.instance)}",
    "enum": lambda it: f"must be one of {', '.join(map(str, it.expected))}",
    "const": lambda it: f"must be {it.expected}",
    "additionalProperties": _unknown_keys,
    "required": _missing,
    "pattern": lambda it: f"must match {it.expected}",
    "format": lambda it: f"must be a {it.expected}",
    "minimum": lambda it: f"must be at least {it.expected}",
    "maximum": lambda it: f"must be at most {it.expected}",
    "minLength": lambda it: f"must have at least {it.expected} characters",
    "maxLength": lambda it: f"must have at most {it.expected} characters",
    "minItems": lambda it: f"must have at least {it.expected} items",
    "maxItems": lambda it: f"must have at most {it.expected} items",
}


def _other(violation: Violation) -> str:
    return f"does not fulfil '{violation.keyword}' of the schema"


def _either(expected: Any) -> str:
    return " or ".join(expected) if isinstance(expected, list) else str(expected)


def said(violation: Violation) -> str:
    say = SAID.get(violation.keyword, _other)
    path = dotted(violation.path)
    return f"{path}: {say(violation)}" if path else say(violation)


def mismatch(violations: Iterable[Violation], name: str, version: str, *, ours: bool) -> Problem | None:
    """Return the problem of a configuration that the schema of this version refuses, if it does."""
    lines = sorted({said(violation) for violation in violations})
    if not lines:
        return None
    whose, correct = "the configuration that it has now", "Give configuration_values that fit this version"
    if ours:
        whose, correct = "configuration_values", "Correct it"
    return Problem(
        f"{whose} does not fit the schema of {name} {version}: {at_most(MOST, lines, '; ', '; ')}",
        asked=f"Configure the add-on {name}",
        where="configuration_values",
        fix=f"{correct}; eks_addon_info with configuration=true shows the schema.",
    )
