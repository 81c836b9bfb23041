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
from collections.abc import Mapping
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
    theirs = [one for one in entries if mine and _is_by_hand(one, mine.get("apiVersion"))]
    if not mine or not theirs:
        return None
    fields: Fields = mine.get("fieldsV1") or {}
    for one in theirs:
        fields = _merged(fields, {_SPEC: {_TEMPLATE: _template(one)}})
    made = [
        {**one, "fieldsV1": fields} if one is mine else {**one, "fieldsV1": _rest(one)} if one in theirs else one
        for one in entries
    ]
    return [one for one in made if one.get("fieldsV1", True)]


def without(after: Manifest, manager: str) -> Manifest:
    """Return an object as an apply would leave it that owned these fields; for a server that only tries the apply."""
    mine = _applied(after, manager)
    entries = after["metadata"].get("managedFields") or []
    kept = _template(mine) if mine else {}
    template = section(after, "spec", "template")
    for one in entries:
        if mine and _is_by_hand(one, mine.get("apiVersion")):
            template = _less(template, _template(one), kept)
    if template == section(after, "spec", "template"):
        return after
    return {**after, "spec": {**after["spec"], "template": template}}


def _applied(live: Manifest, manager: str) -> Entry | None:
    entries = live["metadata"].get("managedFields") or []
    return next((one for one in entries if (one.get("manager"), one.get("operation")) == (manager, "Apply")), None)


def _is_by_hand(entry: Entry, api_version: Any) -> bool:
    known = entry.get("manager") in COMMANDS and entry.get("operation") == "Update" and not entry.get("subresource")
    return known and entry.get("apiVersion") == api_version and bool(_template(entry))


def _template(entry: Entry) -> Fields:
    return section(entry, "fieldsV1", _SPEC, _TEMPLATE)


def _rest(entry: Entry) -> Fields:
    """Return the fields of an entry without those of the pod template."""
    fields = entry["fieldsV1"]
    spec = {key: below for key, below in fields[_SPEC].items() if key != _TEMPLATE}
    return {key: spec if key == _SPEC else below for key, below in fields.items() if key != _SPEC or spec}


def _merged(one: Fields, other: Fields) -> Fields:
    return {**one, **{key: _merged(one.get(key, {}), below) for key, below in other.items()}}


def _less(value: Any, fields: Fields, kept: Fields) -> Any:
    """Return a value without what the first fields name and the second do not."""
    if isinstance(value, list):
        items = [_less_of_item(item, fields, kept) for item in value]
        return [item for item in items if item is not None]
    if not isinstance(value, dict):
        return value
    left = dict(value)
    for key, below in fields.items():
        name = key.removeprefix(_FIELD)
        if not key.startswith(_FIELD) or name not in left:
            continue
        left[name] = _less(left[name], below, kept.get(key, {}))
        if key not in kept and (_SELF in below or not below or not left[name]):
            del left[name]
    return left


def _less_of_item(item: Any, fields: Fields, kept: Fields) -> Any:
    """Return an item of a list by its key, or None for one that goes."""
    for key, below in fields.items():
        named = json.loads(key.removeprefix(_KEY)) if key.startswith(_KEY) else None
        if named and isinstance(item, dict) and all(item.get(name) == value for name, value in named.items()):
            return _less(item, below, kept[key]) if key in kept else None
    return item
