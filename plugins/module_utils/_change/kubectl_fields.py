# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a pod template that people set with kubectl, such as `kubectl rollout undo` does. Private.

An apply never removes fields of another field manager. So it must own these before it can remove what it does not set.
Source: Kubernetes' docs on server-side apply, and the field managers of kubectl's commands in `k8s.io/kubectl/pkg/cmd`.
`kubectl rollout restart` and `kubectl apply` are none of them: what these set stays. managed_fields.py explains
managedFields and field managers. An entry is an item of managedFields: a manager, and the tree of fields that it owns.

For example, somebody has run `kubectl set env`. `take_back_fields` gives that field to the field manager `o11y`:

    before: [{manager: o11y, fieldsV1: {f:spec: {f:template: {image}}}}, {manager: kubectl-set, …: {f:template: {env}}}]
    after:  [{manager: o11y, fieldsV1: {f:spec: {f:template: {image, env}}}}]
    → the next apply of `o11y` has no `env`, so the server removes it
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.objects import Manifest

KUBECTL_MANAGERS = frozenset(("kubectl", "kubectl-edit", "kubectl-patch", "kubectl-set"))
# Names in a tree of fields: `f:` begins a field of a mapping, `k:` an item of a list; `.` is the value itself.
_SPEC, _TEMPLATE, _SELF, _FIELD, _KEY = "f:spec", "f:template", ".", "f:", "k:"
# A tree of fields, such as {"f:spec": {"f:replicas": {}}}; an empty mapping is a leaf.
Fields = Mapping[str, Any]
Entry = dict[str, Any]


def take_back_fields(live: Manifest, manager: str) -> list[Entry] | None:
    """Return managedFields in which a field manager owns these fields in place of kubectl; None without such fields.

    With two owners, a field would stay when one of them applies a manifest without it.
    """
    entries: list[Entry] = live["metadata"].get("managedFields") or []
    own_entry = _find_applied_entry(live, manager)
    if own_entry is None:
        return None
    # Names of fields differ from one API version to another, so only entries in the version of the apply can be joined.
    set_by_hand = [entry for entry in entries if _is_set_by_hand(entry, own_entry.get("apiVersion"))]
    if not set_by_hand:
        return None
    new_entries = [_hand_over_fields(entry, own_entry, set_by_hand) for entry in entries]
    return [entry for entry in new_entries if _owns_any_field(entry)]


def _hand_over_fields(entry: Entry, own_entry: Entry, set_by_hand: Sequence[Entry]) -> Entry:
    """Return an entry as it is once `own_entry` has the template's fields of the entries that are set by hand."""
    if entry is own_entry:
        return {**entry, "fieldsV1": _add_template_fields(set_by_hand, own_entry.get("fieldsV1") or {})}
    if entry in set_by_hand:
        return {**entry, "fieldsV1": _drop_template_fields(entry)}
    return entry


def _add_template_fields(entries: Iterable[Entry], fields: Fields) -> Fields:
    """Return fields with those of the pod template that these entries own."""
    for entry in entries:
        fields = _merge_fields(fields, {_SPEC: {_TEMPLATE: _template_fields(entry)}})
    return fields


def _owns_any_field(entry: Entry) -> bool:
    """Return whether a field manager still owns a field. An entry without `fieldsV1` is not read here, and stays."""
    return bool(entry.get("fieldsV1", True))


def drop_fields_set_by_hand(applied_object: Manifest, manager: str) -> Manifest:
    """Return the answer to a dry run as the apply itself would leave the object, which takes these fields back first.

    A dry run takes no field back, so its answer still has what was set by hand.
    """
    own_entry = _find_applied_entry(applied_object, manager)
    if own_entry is None:
        return applied_object
    template = mapping_at(applied_object, "spec", "template")
    remaining_template = template
    for entry in applied_object["metadata"].get("managedFields") or []:
        if _is_set_by_hand(entry, own_entry.get("apiVersion")):
            remaining_template = _drop_fields(remaining_template, _template_fields(entry), _template_fields(own_entry))
    if remaining_template == template:
        return applied_object
    return {**applied_object, "spec": {**applied_object["spec"], "template": remaining_template}}


def _find_applied_entry(live: Manifest, manager: str) -> Entry | None:
    """Return the entry of what a field manager applied, or None if it applied nothing."""
    for entry in live["metadata"].get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) == (manager, "Apply"):
            applied_entry: Entry = entry
            return applied_entry
    return None


def _is_set_by_hand(entry: Entry, api_version: Any) -> bool:
    """Return whether a command of kubectl set fields of the pod template, in the API version of the apply."""
    if entry.get("manager") not in KUBECTL_MANAGERS or entry.get("operation") != "Update":
        return False
    if entry.get("subresource") or entry.get("apiVersion") != api_version:
        return False
    return bool(_template_fields(entry))


def _template_fields(entry: Entry) -> Fields:
    """Return the fields of the pod template that an entry owns."""
    return mapping_at(entry, "fieldsV1", _SPEC, _TEMPLATE)


def _drop_template_fields(entry: Entry) -> Fields:
    """Return the fields of an entry without those of the pod template."""
    fields = dict(entry["fieldsV1"])
    fields[_SPEC] = {key: nested_fields for key, nested_fields in fields[_SPEC].items() if key != _TEMPLATE}
    if not fields[_SPEC]:
        del fields[_SPEC]
    return fields


def _merge_fields(fields: Fields, other_fields: Fields) -> Fields:
    """Return the fields that are in one of two trees of fields, or in both."""
    merged_fields = {**fields}
    for key, nested_fields in other_fields.items():
        merged_fields[key] = _merge_fields(fields.get(key, {}), nested_fields)
    return merged_fields


def _drop_fields(value: Any, fields: Fields, kept_fields: Fields) -> Any:
    """Return a value without what `fields` (set by hand) name and `kept_fields` (applied) do not."""
    if isinstance(value, list):
        items = [_drop_item_fields(item, fields, kept_fields) for item in value]
        return [item for item in items if item is not None]
    if isinstance(value, dict):
        return _drop_mapping_fields(value, fields, kept_fields)
    return value


def _drop_mapping_fields(value: dict[str, Any], fields: Fields, kept_fields: Fields) -> dict[str, Any]:
    """Return a mapping without the keys that are set by hand, and of the others what is left below them."""
    remaining = dict(value)
    for key, nested_fields in fields.items():
        name = key.removeprefix(_FIELD)
        if not key.startswith(_FIELD) or name not in remaining:
            continue
        remaining[name] = _drop_fields(remaining[name], nested_fields, kept_fields.get(key, {}))
        # A command that made this field itself owns it as a whole. One that only set something in it leaves the field
        # there, unless nothing else is left in it.
        is_owned_whole = not nested_fields or _SELF in nested_fields
        if key not in kept_fields and (is_owned_whole or not remaining[name]):
            del remaining[name]
    return remaining


def _drop_item_fields(item: Any, fields: Fields, kept_fields: Fields) -> Any:
    """Return an item of a list by its key, or None for one that goes."""
    for key, nested_fields in fields.items():
        if key.startswith(_KEY) and _has_key(item, json.loads(key.removeprefix(_KEY))):
            return _drop_fields(item, nested_fields, kept_fields[key]) if key in kept_fields else None
    return item


def _has_key(item: Any, key: Mapping[str, Any]) -> bool:
    """Return whether the item of a list has these values, which tell it from the other items."""
    if not key or not isinstance(item, dict):
        return False
    return all(item.get(name) == value for name, value in key.items())
