# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What server-side apply and merge patches do to an object and its managedFields; a list is one field."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

Path = tuple[str, ...]
Entry = dict[str, Any]
"""One item of managedFields: `{"manager": "a", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}`."""

MISSING = object()
IDENTITY = ("uid", "resourceVersion", "managedFields")
NOT_OWNED = (
    *(("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("status",)),
    *(("metadata", key) for key in (*IDENTITY, "generation", "creationTimestamp")),
)


class ConflictError(Exception):
    """Other managers own fields that an apply without force would change."""

    def __init__(self, manager: str, paths: set[Path]) -> None:
        super().__init__(f"conflict with {manager}")
        self.causes = [{"reason": "FieldManagerConflict", "field": ".".join(path)} for path in sorted(paths)]


def applied(old: dict[str, Any] | None, body: dict[str, Any], manager: str, force: bool) -> dict[str, Any]:
    """Return an object as a manager applies it. Raises ConflictError."""
    entries = _read_entries(old)
    own = _find_entry(entries, manager, "Apply")
    others = [entry for entry in entries if entry is not own]
    wanted = leaves(body)
    changed = _find_changed_fields(old, wanted)
    if not force:
        _check_conflicts(others, changed)
    kept = [_without_fields(entry, changed) for entry in others]
    new = copy.deepcopy(old or body)
    for path in owned(own) - set(wanted) - _list_owned(kept):
        drop(new, path)
    new = merge(new, body)
    written = {"manager": manager, "operation": "Apply", "fieldsV1": nested(set(wanted))}
    new["metadata"]["managedFields"] = [written, *_list_owners(kept)]
    return new


def updated(old: dict[str, Any], body: dict[str, Any], manager: str) -> dict[str, Any]:
    """Return an object after a merge patch. Who changes a field owns it alone; a null removes it."""
    new: dict[str, Any] = _drop_nulls(merge(old, body))
    after = leaves(new)
    changed = {path for path in leaves(old).keys() | after.keys() if at(old, path) != at(new, path)}
    if not changed:
        return new
    entries = _read_entries(old)
    own = _find_entry(entries, manager, "Update")
    others = [_without_fields(entry, changed) for entry in entries if entry is not own]
    own_fields = (owned(own) - changed) | (changed & after.keys())
    written = {"manager": manager, "operation": "Update", "fieldsV1": nested(own_fields)}
    new["metadata"]["managedFields"] = _list_owners([*others, written])
    return new


def _read_entries(old: dict[str, Any] | None) -> list[Entry]:
    """Return managedFields of an object; empty if the object is not there yet."""
    return (old["metadata"].get("managedFields") or []) if old else []


def _find_entry(entries: Iterable[Entry], manager: str, operation: str) -> Entry:
    """Return the entry of a manager; an empty one if it owns nothing by this operation."""
    for entry in entries:
        if (entry["manager"], entry["operation"]) == (manager, operation):
            return entry
    return {}


def _find_changed_fields(old: dict[str, Any] | None, wanted: dict[Path, Any]) -> set[Path]:
    """Return the fields of an object that are there and get another value."""
    if not old:
        return set()
    return {path for path, value in wanted.items() if at(old, path) not in (value, MISSING)}


def _check_conflicts(entries: Iterable[Entry], changed: set[Path]) -> None:
    for entry in entries:
        lost = changed & owned(entry)
        if lost:
            raise ConflictError(entry["manager"], lost)


def _without_fields(entry: Entry, paths: set[Path]) -> Entry:
    """Return an entry whose manager owns these fields no longer."""
    if "fieldsV1" not in entry:
        return dict(entry)
    return {**entry, "fieldsV1": nested(owned(entry) - paths)}


def _list_owned(entries: Iterable[Entry]) -> set[Path]:
    return {path for entry in entries for path in owned(entry)}


def _list_owners(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that own a field. One that does not say which fields stays as it is."""
    return [entry for entry in entries if entry.get("fieldsV1", True)]


def _drop_nulls(tree: dict[str, Any]) -> dict[str, Any]:
    """Return an object without the fields that a merge patch has set to null."""
    nulls = [path for path, value in leaves(tree).items() if value is None]
    if not nulls:
        return tree
    result = copy.deepcopy(tree)
    for path in nulls:
        drop(result, path)
    return result


def leaves(tree: Any, path: Path = ()) -> dict[Path, Any]:
    """Return the fields of a manifest that a manager can own; a list is one field."""
    if path in NOT_OWNED:
        return {}
    if not isinstance(tree, dict) or not tree:
        return {path: tree}
    return {key: value for name, item in tree.items() for key, value in leaves(item, (*path, str(name))).items()}


def nested(paths: set[Path]) -> dict[str, Any]:
    """Return fields in the form of fieldsV1."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        inner = tree
        for key in path:
            inner = inner.setdefault(f"f:{key}", {})
    return tree


def fields(manifest: dict[str, Any]) -> dict[str, Any]:
    return nested(set(leaves(manifest)))


def owned(entry: dict[str, Any]) -> set[Path]:
    def walk(tree: dict[str, Any], path: Path) -> set[Path]:
        return {found for key, inner in tree.items() for found in walk(inner, (*path, key[2:]))} if tree else {path}

    return walk(entry["fieldsV1"], ()) if entry.get("fieldsV1") else set()


def at(tree: Any, path: Path) -> Any:
    for key in path:
        if not isinstance(tree, dict) or key not in tree:
            return MISSING
        tree = tree[key]
    return tree


def drop(tree: dict[str, Any], path: Path) -> None:
    """Take a field away, and what holds it when nothing else is in it."""
    holder = at(tree, path[:-1])
    if isinstance(holder, dict) and path[-1] in holder:
        del holder[path[-1]]
        if not holder and len(path) > 1:
            drop(tree, path[:-1])


def merge(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return copy.deepcopy(new)
    return {**old, **{key: merge(old.get(key), value) for key, value in new.items()}}
