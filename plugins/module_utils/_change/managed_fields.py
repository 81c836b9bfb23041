# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a field manager applied to an object, rebuilt from the object's managedFields. Private.

Applied again, it restores the object exactly as the last apply left it. A field manager is the name under which a tool
writes; managedFields says which fields each one owns.
Source: Kubernetes' docs on server-side apply, and `fieldpath` of sigs.k8s.io/structured-merge-diff for the format.

For example, `{"f:spec": {"f:replicas": {}, "f:containers": {"k:{\\"name\\":\\"a\\"}": {".": {}, "f:image": {}}}}}` owns
`spec.replicas`, and of the container `a` the item itself and its image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.objects import Manifest

# Fields of the metadata that say which object it is.
IDENTITY_FIELDS = ("name", "namespace")
# How fieldsV1 begins the name of a field, the key of an item, and an item that is a value.
_FIELD, _KEY, _VALUE = "f:", "k:", "v:"
# The mark of a mapping or list that the manager owns itself.
_SELF = "."


@dataclass
class Owned:
    """What a manager owns of a value: fields of a mapping, or items of a list by their keys or values.

    If it owns none of these, it owns the value as a whole; `is_marked` then says that the value was empty. The names in
    fieldsV1 become:

    | name | example | field of this class |
    |---|---|---|
    | `.` | `.` | `is_marked` |
    | `f:NAME` | `f:replicas` | `fields` |
    | `k:KEY` | `k:{"name":"otelcol"}`, an item of `containers` | `keyed_items` |
    | `v:VALUE` | `v:"example.org/finalizer"`, an item of `finalizers` | `values` |
    """

    is_marked: bool = False
    fields: dict[str, Owned] = field(default_factory=dict)
    keyed_items: list[KeyedItem] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nobody else can own a part of the value."""
        return not (self.fields or self.keyed_items or self.values)


@dataclass
class KeyedItem:
    """An item of a list that has a key, such as the name of a container, and what the manager owns of the item."""

    key: Mapping[str, Any]
    owned_part: Owned

    def is_key_of(self, item: Any) -> bool:
        """Return whether an item of a list has this key."""
        return isinstance(item, dict) and all(item.get(name) == value for name, value in self.key.items())


class LiveItem(NamedTuple):
    """An item of a live list that a manager owns: one with a key, or, without `keyed_item`, a value."""

    item: Any
    keyed_item: KeyedItem | None


def extract_applied(live: Manifest, manager: str) -> Manifest | None:
    """Return what the last apply of a manager holds, or None if it applied nothing, or in another API version."""
    owned = read_owned_fields(live, manager)
    if owned is None:
        return None
    applied = _select_owned_part(live, owned)
    identity_fields = {key: live["metadata"][key] for key in IDENTITY_FIELDS if key in live["metadata"]}
    metadata = {**identity_fields, **mapping_at(applied, "metadata")}
    return {**applied, "apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}


def read_owned_fields(live: Manifest, manager: str) -> Owned | None:
    """Return what the last apply of a manager set in this API version, or None without such an apply."""
    for entry in live["metadata"].get("managedFields") or []:
        # Of the entries of one manager, that of an Update says what it wrote otherwise, and that of a subresource what
        # it wrote to the status or the scale: neither is what it applied.
        is_apply = (entry.get("manager"), entry.get("operation")) == (manager, "Apply")
        is_this_version = entry.get("apiVersion", live["apiVersion"]) == live["apiVersion"]
        if is_apply and is_this_version and not entry.get("subresource"):
            return _parse_fields(entry.get("fieldsV1") or {})
    return None


def _parse_fields(fields: Mapping[str, Any]) -> Owned:
    """Return what fieldsV1 says that a manager owns. Indexes, the fourth kind of name, are in no fields of an apply."""
    owned = Owned()
    for name, nested_fields in fields.items():
        if name == _SELF:
            owned.is_marked = True
        elif name.startswith(_FIELD):
            owned.fields[name.removeprefix(_FIELD)] = _parse_fields(nested_fields)
        elif name.startswith(_KEY):
            key = json.loads(name.removeprefix(_KEY))
            owned.keyed_items.append(KeyedItem(key, _parse_fields(nested_fields)))
        elif name.startswith(_VALUE):
            owned.values.append(json.loads(name.removeprefix(_VALUE)))
    return owned


def _select_owned_part(value: Any, owned: Owned) -> Any:
    """Return the part of a live value that a manager owns."""
    if owned.is_whole:
        # The manager applied an empty mapping or list. What is in it now is of other managers.
        is_empty_tree = owned.is_marked and isinstance(value, (dict, list))
        return type(value)() if is_empty_tree else value
    if isinstance(value, list):
        return [_select_owned_item(live_item) for live_item in list_owned_items(value, owned)]
    if isinstance(value, dict):
        return {
            name: _select_owned_part(value[name], nested_owned)
            for name, nested_owned in owned.fields.items()
            if name in value
        }
    return {}


def list_owned_items(live: list[Any], owned: Owned) -> Iterator[LiveItem]:
    """Yield the items of a live list that a manager owns, in their order."""
    for item in live:
        if item in owned.values:
            yield LiveItem(item, None)
        for keyed_item in owned.keyed_items:
            if keyed_item.is_key_of(item):
                yield LiveItem(item, keyed_item)


def _select_owned_item(live_item: LiveItem) -> Any:
    return (
        _select_owned_part(live_item.item, live_item.keyed_item.owned_part) if live_item.keyed_item else live_item.item
    )
