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
from typing import Any

from .._otelcol.config.paths import section
from .._otelcol.kube.objects import Manifest

Fields = Mapping[str, Any]
_FIELD, _KEY, _VALUE, _SELF = "f:", "k:", "v:", "."
_NAMES = ("name", "namespace")
# What an apply may demand of the object, and cannot change.
_DEMANDED = ("uid", "resourceVersion")
# What the API server adds inside fields that have one owner as a whole: the field that holds it or its list, and the
# key. Source: pkg/apis/{core,apps,networking,rbac}/v1/defaults.go of Kubernetes.
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
}


def extracted(live: Manifest, manager: str) -> Manifest | None:
    """Return what the last apply of a manager holds, or None if it applied nothing, or in another API version."""
    fields = _fields(live, manager)
    if fields is None:
        return None
    applied = _taken(live, fields)
    names = {key: live["metadata"][key] for key in _NAMES if key in live["metadata"]}
    metadata = {**names, **section(applied, "metadata")}
    return {**applied, "apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}


def is_applied(manifest: Manifest, live: Manifest, manager: str) -> bool:
    """Return whether an apply of a manifest would change nothing, as far as this shows without the server.

    Inside a field that has one owner as a whole, managedFields do not tell a key that the server added from a key that
    the manifest no longer has. The defaults of `_SERVER_DEFAULTS` are no change, any other key is one. So the answer
    may be no for an apply that changes nothing, such as for a quantity that the server writes in its own form.
    """
    fields = _fields(live, manager)
    if fields is None:
        return False
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in (*_NAMES, *_DEMANDED)}
    given = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    return _same({**given, "metadata": metadata}, live, fields, "")


def is_within(part: Any, whole: Any) -> bool:
    """Return whether every value of one tree is in another, whose mappings and lists may have more."""

    def is_item(value: Any) -> bool:
        return any(is_within(value, other) for other in whole)

    if isinstance(part, dict) and isinstance(whole, dict):
        return all(is_within(value, whole.get(key)) for key, value in part.items())
    if not isinstance(part, list) or not isinstance(whole, list):
        return bool(part == whole)
    return all(map(is_item, part))


def _is_same_tree(wanted: Any, live: Any, field: str) -> bool:
    """Return whether two values of a field are the same, with the server's defaults in the live one."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(_is_same_key(wanted, live, key, field) for key in {**wanted, **live})
    if isinstance(wanted, list) and isinstance(live, list):
        same_length = len(wanted) == len(live)
        return same_length and all(_is_same_tree(*pair, field) for pair in zip(wanted, live, strict=True))
    # Python takes true for 1.
    return isinstance(wanted, bool) == isinstance(live, bool) and bool(wanted == live)


def _is_same_key(wanted: Mapping[str, Any], live: Mapping[str, Any], key: str, field: str) -> bool:
    """Return whether two mappings of a field have the same at a key. The server may drop null, or add a default."""
    wanted_value, live_value = wanted.get(key), live.get(key)
    if wanted_value is None and live_value is not None:
        wanted_value = _SERVER_DEFAULTS.get((field, key))
    return _is_same_tree(wanted_value, live_value, key)


def _fields(live: Manifest, manager: str) -> Fields | None:
    """Return the fields that the last apply of a manager set in this API version, or None without such an apply."""
    for entry in live["metadata"].get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) != (manager, "Apply"):
            continue
        if entry.get("subresource") or entry.get("apiVersion", live["apiVersion"]) != live["apiVersion"]:
            continue
        return entry.get("fieldsV1") or {}
    return None


def _taken(value: Any, fields: Fields) -> Any:
    """Return the part of a value that fields name. Without fields it has one owner as a whole."""
    inner = _inner(fields)
    if not inner:
        is_empty_tree = _SELF in fields and isinstance(value, (dict, list))
        return type(value)() if is_empty_tree else value
    if isinstance(value, list):
        return list(_taken_items(value, inner))
    if isinstance(value, dict):
        return _taken_mapping(value, inner)
    return {}


def _inner(fields: Fields) -> dict[str, Fields]:
    """Return the fields below some fields, without the mark that these are owned themselves."""
    return {key: below for key, below in fields.items() if key != _SELF}


def _named_fields(inner: Fields) -> dict[str, Fields]:
    """Return the fields of a mapping by their names."""
    return {key.removeprefix(_FIELD): below for key, below in inner.items() if key.startswith(_FIELD)}


def _taken_mapping(mapping: Mapping[str, Any], inner: Fields) -> dict[str, Any]:
    return {name: _taken(mapping[name], below) for name, below in _named_fields(inner).items() if name in mapping}


def _taken_items(values: list[Any], inner: Fields) -> Iterator[Any]:
    for value in values:
        yield from _taken_of_item(value, inner)


def _taken_of_item(item: Any, inner: Fields) -> Iterator[Any]:
    """Yield what fields name of one item of a list: the item that has a key, or a value itself."""
    for key, below in inner.items():
        if key.startswith(_VALUE) and json.loads(key.removeprefix(_VALUE)) == item:
            yield item
        elif key.startswith(_KEY) and _has(item, json.loads(key.removeprefix(_KEY))):
            yield _taken(item, below)


def _has(item: Any, key: Mapping[str, Any]) -> bool:
    return isinstance(item, dict) and all(item.get(name) == value for name, value in key.items())


def _same(wanted: Any, live: Any, fields: Fields, field: str) -> bool:
    """Return whether a value is live, in the fields that were applied. Without fields it has one owner as a whole."""
    inner = _inner(fields)
    if not inner:
        return _is_same_tree(wanted, live, field)
    if isinstance(wanted, dict) and isinstance(live, dict):
        return _same_mapping(wanted, live, inner)
    if isinstance(wanted, list) and isinstance(live, list):
        return _same_list(wanted, live, inner, field)
    return False


def _same_list(wanted: list[Any], live: list[Any], inner: Fields, field: str) -> bool:
    if len(wanted) != len(inner):
        return False
    return all(_has_same_item(live, wanted_item, inner, field) for wanted_item in wanted)


def _same_mapping(wanted: Mapping[str, Any], live: Mapping[str, Any], inner: Fields) -> bool:
    applied = _named_fields(inner)
    if wanted.keys() != applied.keys():
        return False
    for name, below in applied.items():
        # A webhook that reads and writes an object drops null from it.
        same = _same(wanted[name], live[name], below, name) if name in live else wanted[name] is None
        if not same:
            return False
    return True


def _has_same_item(live: list[Any], wanted: Any, inner: Fields, field: str) -> bool:
    return any(_same_item(wanted, item, inner, field) for item in live)


def _same_item(wanted: Any, live: Any, inner: Fields, field: str) -> bool:
    """Return whether an item of a list is that of another one: it has the same key and fields, or is the same value."""
    for owned, below in inner.items():
        if owned.startswith(_VALUE) and json.loads(owned.removeprefix(_VALUE)) == wanted == live:
            return True
        if not owned.startswith(_KEY):
            continue
        key = json.loads(owned.removeprefix(_KEY))
        if _has(live, key):
            # The server adds a default to a key, such as the protocol of a port.
            has_key = isinstance(wanted, dict) and _has({**key, **wanted}, key)
            return has_key and _same(wanted, live, below, field)
    return False
