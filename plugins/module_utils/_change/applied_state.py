# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an apply of a manifest would change an object, as far as this shows without the server. Private.

Inside a field that has one owner as a whole, managedFields do not tell a key that the server added from a key that the
manifest no longer has. The defaults of server_defaults.py are no change, any other key is one. So the answer may be yes
for an apply that changes nothing, such as for a quantity that the server writes in its own form. managed_fields.py
explains managedFields, and what it is to own a field.

For example, the manager owns `f:spec: {f:replicas: {}, f:selector: {}}` of a live object with `spec: {replicas: 2,
selector: {app: a}, paused: true}`:

| `spec` of the manifest | is it applied? |
|---|---|
| `{replicas: 2, selector: {app: a}}` | yes: `paused` belongs to somebody else |
| `{replicas: 3, selector: {app: a}}` | no: another value |
| `{selector: {app: a}}` | no: the manager owns `replicas`, so an apply would remove it |
| `{replicas: 2, selector: {app: a}, paused: true}` | no: an apply would make the manager an owner of `paused` |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._otelcol.kube.objects import Manifest
from .managed_fields import IDENTITY_FIELDS, KeyedItem, LiveItem, Owned, list_owned_items, read_owned_fields
from .server_defaults import is_same_tree

# What an apply may demand of the object, and cannot change.
_PRECONDITION_FIELDS = ("uid", "resourceVersion")


def is_applied(manifest: Manifest, live: Manifest, manager: str) -> bool:
    """Return whether a manifest is what the last apply of a manager left in a live object."""
    owned = read_owned_fields(live, manager)
    return owned is not None and _is_same_value(_select_ownable_fields(manifest), live, owned, field="")


def _select_ownable_fields(manifest: Manifest) -> dict[str, Any]:
    """Return the fields of a manifest that a manager can own."""
    ownable_fields = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata")}
    metadata = {
        key: value
        for key, value in manifest["metadata"].items()
        if key not in (*IDENTITY_FIELDS, *_PRECONDITION_FIELDS)
    }
    return {**ownable_fields, "metadata": metadata} if metadata else ownable_fields


def _is_same_value(desired: Any, live: Any, owned: Owned, field: str) -> bool:
    """Return whether a value of a field is live as wanted, and the manager owns all that is wanted, and no more.

    `field` is the name of the field that holds the value, or the list that the value is an item of.
    """
    if owned.is_whole:
        # managedFields have no names below this field, so only the values can be compared, with the server's defaults.
        return is_same_tree(desired, live, field)
    if isinstance(desired, dict) and isinstance(live, dict):
        return _are_same_fields(desired, live, owned)
    if isinstance(desired, list) and isinstance(live, list):
        return _are_same_items(desired, live, owned, field)
    return False


def _are_same_fields(desired: Mapping[str, Any], live: Mapping[str, Any], owned: Owned) -> bool:
    """Return whether two mappings have equal values in all fields that the field manager owns, and it owns no other."""
    if desired.keys() != owned.fields.keys():
        return False
    for name, value in desired.items():
        if name not in live:
            # A webhook that reads and writes an object drops null from it.
            if value is not None:
                return False
        elif not _is_same_value(value, live[name], owned.fields[name], name):
            return False
    return True


def _are_same_items(desired: list[Any], live: list[Any], owned: Owned, field: str) -> bool:
    """Return whether the items that a manager owns in a live list are the wanted ones, in their order.

    An apply gives a list the order of its request. Source: kubernetes/kubernetes, pull request 107565.
    """
    owned_items = list(list_owned_items(live, owned))
    if len(desired) != len(owned_items):
        return False
    return all(_is_same_item(*pair, field) for pair in zip(desired, owned_items, strict=True))


def _is_same_item(desired: Any, live_item: LiveItem, field: str) -> bool:
    if live_item.keyed_item is None:  # an item of a list of plain values, such as a finalizer
        return bool(desired == live_item.item)
    is_same_key = _may_have_key(desired, live_item.keyed_item)
    return is_same_key and _is_same_value(desired, live_item.item, live_item.keyed_item.owned_part, field)


def _may_have_key(desired: Any, keyed: KeyedItem) -> bool:
    """Return whether an item has a key, or lacks a part: the server adds a default, such as the protocol of a port."""
    return isinstance(desired, dict) and keyed.is_key_of({**keyed.key, **desired})
