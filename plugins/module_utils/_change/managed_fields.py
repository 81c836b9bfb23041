# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a field manager applied to an object, rebuilt from the object's managedFields. Private.

Applied again, it restores the object exactly as the last apply left it.
Source: Kubernetes' docs on server-side apply, and `fieldpath` of sigs.k8s.io/structured-merge-diff for the format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._otelcol.config.paths import section
from .._otelcol.kube.objects import Manifest

_NAMES = ("name", "namespace")
# What an apply may demand of the object, and cannot change.
_DEMANDED = ("uid", "resourceVersion")
# How fieldsV1 begins the name of a field, the key of an item and an item that is a value; and the mark of a mapping or
# list that the manager owns itself.
_FIELD, _KEY, _VALUE, _SELF = "f:", "k:", "v:", "."
# What the API server adds inside fields that have one owner as a whole: the field that holds it or its list, and the
# key. Sources: pkg/apis/{core,apps,networking,rbac,admissionregistration}/v1/defaults.go of Kubernetes; `default` in
# the definitions of HTTPRoute, GRPCRoute, ServiceMonitor and PodMonitor; internal/components/receivers of the operator,
# whose webhook writes where a protocol of OTLP listens that has no settings.
_RBAC = "rbac.authorization.k8s.io"
_SERVER_DEFAULTS: Mapping[tuple[str, str], Any] = {
    ("fieldRef", "apiVersion"): "v1",
    ("resourceFieldRef", "divisor"): "0",
    ("serviceAccountToken", "expirationSeconds"): 3600,
    ("ports", "protocol"): "TCP",
    ("roleRef", "apiGroup"): _RBAC,
    ("subjects", "apiGroup"): _RBAC,
    ("volumeClaimTemplates", "apiVersion"): "v1",
    ("volumeClaimTemplates", "kind"): "PersistentVolumeClaim",
    ("volumeClaimTemplates", "status"): {"phase": "Pending"},
    ("spec", "volumeMode"): "Filesystem",
    ("rules", "scope"): "*",
    ("rules", "matches"): [{"path": {"type": "PathPrefix", "value": "/"}}],
    ("parentRefs", "group"): "gateway.networking.k8s.io",
    ("parentRefs", "kind"): "Gateway",
    ("backendRefs", "group"): "",
    ("backendRefs", "kind"): "Service",
    ("backendRefs", "weight"): 1,
    ("relabelings", "action"): "replace",
    ("grpc", "endpoint"): "0.0.0.0:4317",
    ("http", "endpoint"): "0.0.0.0:4318",
}


@dataclass
class _Owned:
    """What a manager owns of a value: fields of a mapping, or items of a list by their keys or values.

    If it owns none of these, it owns the value as a whole; `is_marked` then says that the value was empty.
    """

    is_marked: bool = False
    fields: dict[str, _Owned] = field(default_factory=dict)
    keyed_items: list[_KeyedItem] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not (self.fields or self.keyed_items or self.values)


@dataclass
class _KeyedItem:
    """An item of a list that has a key, such as the name of a container, and what the manager owns of the item."""

    key: Mapping[str, Any]
    owned: _Owned


def extracted(live: Manifest, manager: str) -> Manifest | None:
    """Return what the last apply of a manager holds, or None if it applied nothing, or in another API version."""
    owned = _owned_by(live, manager)
    if owned is None:
        return None
    applied = _part_of(live, owned)
    names = {key: live["metadata"][key] for key in _NAMES if key in live["metadata"]}
    metadata = {**names, **section(applied, "metadata")}
    return {**applied, "apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}


def is_applied(manifest: Manifest, live: Manifest, manager: str) -> bool:
    """Return whether an apply of a manifest would change nothing, as far as this shows without the server.

    Inside a field that has one owner as a whole, managedFields do not tell a key that the server added from a key that
    the manifest no longer has. The defaults of `_SERVER_DEFAULTS` are no change, any other key is one. So the answer
    may be no for an apply that changes nothing, such as for a quantity that the server writes in its own form.
    """
    owned = _owned_by(live, manager)
    if owned is None:
        return False
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in (*_NAMES, *_DEMANDED)}
    given = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata")}
    if metadata:
        given["metadata"] = metadata
    return _is_same(given, live, owned, "")


def is_within(part: Any, whole: Any) -> bool:
    """Return whether every value of one tree is in another, whose mappings and lists may have more."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(is_within(value, whole.get(key)) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return all(_is_within_an_item(value, whole) for value in part)
    return bool(part == whole)


def _is_within_an_item(part: Any, items: list[Any]) -> bool:
    return any(is_within(part, item) for item in items)


# ── managedFields ──


def _owned_by(live: Manifest, manager: str) -> _Owned | None:
    """Return what the last apply of a manager set in this API version, or None without such an apply."""
    for entry in live["metadata"].get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) != (manager, "Apply"):
            continue
        if entry.get("subresource") or entry.get("apiVersion", live["apiVersion"]) != live["apiVersion"]:
            continue
        return _parsed(entry.get("fieldsV1") or {})
    return None


def _parsed(fields: Mapping[str, Any]) -> _Owned:
    """Return what fieldsV1 says that a manager owns. Indexes, the fourth kind of name, are in no fields of an apply."""
    owned = _Owned()
    for name, below in fields.items():
        if name == _SELF:
            owned.is_marked = True
        elif name.startswith(_FIELD):
            owned.fields[name.removeprefix(_FIELD)] = _parsed(below)
        elif name.startswith(_KEY):
            key = json.loads(name.removeprefix(_KEY))
            owned.keyed_items.append(_KeyedItem(key, _parsed(below)))
        elif name.startswith(_VALUE):
            owned.values.append(json.loads(name.removeprefix(_VALUE)))
    return owned


def _has_key(item: Any, key: Mapping[str, Any]) -> bool:
    return isinstance(item, dict) and all(item.get(name) == value for name, value in key.items())


# ── What was applied ──


def _part_of(value: Any, owned: _Owned) -> Any:
    """Return the part of a value that a manager owns."""
    if owned.is_whole:
        is_empty_tree = owned.is_marked and isinstance(value, (dict, list))
        return type(value)() if is_empty_tree else value
    if isinstance(value, list):
        return list(_owned_items(value, owned))
    if isinstance(value, dict):
        return {name: _part_of(value[name], below) for name, below in owned.fields.items() if name in value}
    return {}


def _owned_items(items: list[Any], owned: _Owned) -> Iterator[Any]:
    for item in items:
        if item in owned.values:
            yield item
        for keyed in owned.keyed_items:
            if _has_key(item, keyed.key):
                yield _part_of(item, keyed.owned)


# ── Whether a manifest is applied ──


def _is_same(wanted: Any, live: Any, owned: _Owned, name: str) -> bool:
    """Return whether a field of this name is live as wanted, and a manager owns all that is wanted, and no more."""
    if owned.is_whole:
        return _is_same_tree(wanted, live, name)
    if isinstance(wanted, dict) and isinstance(live, dict):
        return _has_same_fields(wanted, live, owned)
    if isinstance(wanted, list) and isinstance(live, list):
        return _has_same_items(wanted, live, owned, name)
    return False


def _has_same_fields(wanted: Mapping[str, Any], live: Mapping[str, Any], owned: _Owned) -> bool:
    if wanted.keys() != owned.fields.keys():
        return False
    return all(_has_same_field(wanted, live, name, below) for name, below in owned.fields.items())


def _has_same_field(wanted: Mapping[str, Any], live: Mapping[str, Any], name: str, owned: _Owned) -> bool:
    if name not in live:
        # A webhook that reads and writes an object drops null from it.
        return wanted[name] is None
    return _is_same(wanted[name], live[name], owned, name)


def _has_same_items(wanted: list[Any], live: list[Any], owned: _Owned, name: str) -> bool:
    """Return whether the items that a manager owns in a live list are the wanted ones, in their order.

    An apply gives a list the order of its request. Source: kubernetes/kubernetes, pull request 107565.
    """
    own_items = list(_own_items(live, owned))
    if len(wanted) != len(own_items):
        return False
    return all(_is_same_item(*pair, name) for pair in zip(wanted, own_items, strict=True))


class _OwnItem(NamedTuple):
    """An item of a live list that a manager owns: a value, or one with a key."""

    item: Any
    keyed: _KeyedItem | None


def _own_items(live: list[Any], owned: _Owned) -> Iterator[_OwnItem]:
    for item in live:
        if item in owned.values:
            yield _OwnItem(item, None)
        for keyed in owned.keyed_items:
            if _has_key(item, keyed.key):
                yield _OwnItem(item, keyed)


def _is_same_item(wanted: Any, own: _OwnItem, name: str) -> bool:
    if own.keyed is None:
        return bool(wanted == own.item)
    # The server adds a default to a key, such as the protocol of a port.
    has_key = isinstance(wanted, dict) and _has_key({**own.keyed.key, **wanted}, own.keyed.key)
    return has_key and _is_same(wanted, own.item, own.keyed.owned, name)


def _is_same_tree(wanted: Any, live: Any, name: str) -> bool:
    """Return whether two values of a field are the same, with the server's defaults in the live one."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(_is_same_at(key, wanted, live, name) for key in {**wanted, **live})
    if isinstance(wanted, list) and isinstance(live, list):
        if len(wanted) != len(live):
            return False
        return all(_is_same_tree(*pair, name) for pair in zip(wanted, live, strict=True))
    # Python takes true for 1.
    return isinstance(wanted, bool) == isinstance(live, bool) and bool(wanted == live)


def _is_same_at(key: str, wanted: Mapping[str, Any], live: Mapping[str, Any], name: str) -> bool:
    """Return whether two mappings of a field have the same at a key. The server may drop null, or add a default."""
    wanted_value, live_value = wanted.get(key), live.get(key)
    if wanted_value is None and live_value is not None:
        wanted_value = _SERVER_DEFAULTS.get((name, key))
    return _is_same_tree(wanted_value, live_value, key)
