# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a pod template that people set with kubectl, such as `kubectl rollout undo` does. Private.

An apply never removes fields of another field manager. So it must own these before it can remove what it does not set.
Source: Kubernetes' docs on server-side apply, and the field managers of kubectl's commands in `k8s.io/kubectl/pkg/cmd`.
`kubectl rollout restart` and `kubectl apply` are none of them: what these set stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .._otelcol.config.paths import section
from .._otelcol.kube.objects import Manifest

COMMANDS = frozenset(("kubectl", "kubectl-edit", "kubectl-patch", "kubectl-set"))
_SPEC, _TEMPLATE, _SELF, _FIELD, _KEY = "f:spec", "f:template", ".", "f:", "k:"
Fields = Mapping[str, Any]
Entry = dict[str, Any]


def taken_back(live: Manifest, manager: str) -> list[Entry] | None:
    """Return managedFields in which a field manager owns these fields too; None if there are no such fields."""
    entries: list[Entry] = live["metadata"].get("managedFields") or []
    mine = _applied(live, manager)
    if mine is None:
        return None
    set_by_hand = [entry for entry in entries if _is_by_hand(entry, mine.get("apiVersion"))]
    if not set_by_hand:
        return None
    taken_fields = _with_templates_of(set_by_hand, mine.get("fieldsV1") or {})
    new_entries = []
    for entry in entries:
        if entry is mine:
            new_entries.append({**entry, "fieldsV1": taken_fields})
        elif entry in set_by_hand:
            new_entries.append({**entry, "fieldsV1": _without_template(entry)})
        else:
            new_entries.append(entry)
    return [entry for entry in new_entries if _owns_fields(entry)]


def _with_templates_of(entries: Iterable[Entry], fields: Fields) -> Fields:
    """Return fields with those of the pod template that these entries own."""
    for entry in entries:
        fields = _merged(fields, {_SPEC: {_TEMPLATE: _template(entry)}})
    return fields


def _owns_fields(entry: Entry) -> bool:
    """Return whether a field manager still owns a field. An entry without `fieldsV1` is not read here, and stays."""
    return bool(entry.get("fieldsV1", True))


def without(after: Manifest, manager: str) -> Manifest:
    """Return an object as an apply would leave it that owned these fields; for a server that only tries the apply."""
    mine = _applied(after, manager)
    if mine is None:
        return after
    template = section(after, "spec", "template")
    left = template
    for entry in after["metadata"].get("managedFields") or []:
        if _is_by_hand(entry, mine.get("apiVersion")):
            left = _less(left, _template(entry), _template(mine))
    if left == template:
        return after
    return {**after, "spec": {**after["spec"], "template": left}}


def _applied(live: Manifest, manager: str) -> Entry | None:
    """Return the entry of what a field manager applied, or None if it applied nothing."""
    for entry in live["metadata"].get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) == (manager, "Apply"):
            found: Entry = entry
            return found
    return None


def _is_by_hand(entry: Entry, api_version: Any) -> bool:
    """Return whether a command of kubectl set fields of the pod template, in the API version of the apply."""
    if entry.get("manager") not in COMMANDS or entry.get("operation") != "Update":
        return False
    if entry.get("subresource") or entry.get("apiVersion") != api_version:
        return False
    return bool(_template(entry))


def _template(entry: Entry) -> Fields:
    """Return the fields of the pod template that an entry owns."""
    return section(entry, "fieldsV1", _SPEC, _TEMPLATE)


def _without_template(entry: Entry) -> Fields:
    """Return the fields of an entry without those of the pod template."""
    fields = dict(entry["fieldsV1"])
    fields[_SPEC] = {key: below for key, below in fields[_SPEC].items() if key != _TEMPLATE}
    if not fields[_SPEC]:
        del fields[_SPEC]
    return fields


def _merged(one: Fields, other: Fields) -> Fields:
    """Return the fields that are in one of two trees of fields, or in both."""
    merged = {**one}
    for key, below in other.items():
        merged[key] = _merged(one.get(key, {}), below)
    return merged


def _less(value: Any, fields: Fields, kept: Fields) -> Any:
    """Return a value without what the first fields name and the second do not."""
    if isinstance(value, list):
        items = [_less_of_item(item, fields, kept) for item in value]
        return [item for item in items if item is not None]
    if isinstance(value, dict):
        return _less_of_mapping(value, fields, kept)
    return value


def _less_of_mapping(value: dict[str, Any], fields: Fields, kept: Fields) -> dict[str, Any]:
    """Return a mapping without the keys that are set by hand, and of the others what is left below them."""
    left = dict(value)
    for key, below in fields.items():
        name = key.removeprefix(_FIELD)
        if not key.startswith(_FIELD) or name not in left:
            continue
        left[name] = _less(left[name], below, kept.get(key, {}))
        is_owned_whole = not below or _SELF in below
        if key not in kept and (is_owned_whole or not left[name]):
            del left[name]
    return left


def _less_of_item(item: Any, fields: Fields, kept: Fields) -> Any:
    """Return an item of a list by its key, or None for one that goes."""
    for key, below in fields.items():
        if key.startswith(_KEY) and _has_key(item, json.loads(key.removeprefix(_KEY))):
            return _less(item, below, kept[key]) if key in kept else None
    return item


def _has_key(item: Any, key: Mapping[str, Any]) -> bool:
    """Return whether the item of a list has these values, which tell it from the other items."""
    if not key or not isinstance(item, dict):
        return False
    return all(item.get(name) == value for name, value in key.items())
