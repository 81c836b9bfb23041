# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What server-side apply and merge patches do to an object and its managedFields; a list is one field."""

from __future__ import annotations

import copy
from typing import Any

MISSING = object()
IDENTITY = ("uid", "resourceVersion", "managedFields")
NOT_OWNED = (
    *(("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("status",)),
    *(("metadata", key) for key in (*IDENTITY, "generation", "creationTimestamp")),
)


class ConflictError(Exception):
    """Other managers own fields that an apply without force would change."""

    def __init__(self, manager: str, paths: set[tuple[str, ...]]) -> None:
        super().__init__(f"conflict with {manager}")
        self.causes = [{"reason": "FieldManagerConflict", "field": ".".join(path)} for path in sorted(paths)]


def applied(old: dict[str, Any] | None, body: dict[str, Any], manager: str, force: bool) -> dict[str, Any]:
    """Return an object as a manager applies it. Raises ConflictError."""
    entries = [dict(entry) for entry in (old or {"metadata": {}})["metadata"].get("managedFields") or []]
    mine = next((entry for entry in entries if (entry["manager"], entry["operation"]) == (manager, "Apply")), {})
    rest = [entry for entry in entries if entry is not mine]
    wanted, new = leaves(body), copy.deepcopy(old or body)
    changed = {path for path, value in wanted.items() if old and at(old, path) not in (value, MISSING)}
    for entry in rest:
        lost = changed & owned(entry)
        if lost and not force:
            raise ConflictError(entry["manager"], lost)
        if "fieldsV1" in entry:
            entry["fieldsV1"] = nested(owned(entry) - lost)
    for path in owned(mine) - set(wanted) - {path for entry in rest for path in owned(entry)}:
        drop(new, path)
    new = merge(new, body)
    entry = {"manager": manager, "operation": "Apply", "fieldsV1": nested(set(wanted))}
    new["metadata"]["managedFields"] = [entry, *(item for item in rest if item.get("fieldsV1", True))]
    return new


def updated(old: dict[str, Any], body: dict[str, Any], manager: str) -> dict[str, Any]:
    """Return an object after a merge patch. Who changes a field owns it alone; a null removes it."""
    new: dict[str, Any] = merge(old, body)
    for path in [path for path, value in leaves(new).items() if value is None]:
        drop(new, path)
    before, after = leaves(old), leaves(new)
    changed = {path for path in before.keys() | after.keys() if at(old, path) != at(new, path)}
    if not changed:
        return new
    entries = [dict(entry) for entry in old["metadata"].get("managedFields") or []]
    mine = next((entry for entry in entries if (entry["manager"], entry["operation"]) == (manager, "Update")), {})
    for entry in entries:
        if "fieldsV1" in entry:
            entry["fieldsV1"] = nested(owned(entry) - changed)
    written = {"manager": manager, "operation": "Update", "fieldsV1": nested(owned(mine) | changed & after.keys())}
    others = [entry for entry in entries if entry is not mine and entry.get("fieldsV1", True)]
    new["metadata"]["managedFields"] = [item for item in (*others, written) if item.get("fieldsV1", True)]
    return new


def leaves(tree: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return the fields of a manifest that a manager can own; a list is one field."""
    if path in NOT_OWNED:
        return {}
    if not isinstance(tree, dict) or not tree:
        return {path: tree}
    return {key: value for name, item in tree.items() for key, value in leaves(item, (*path, str(name))).items()}


def nested(paths: set[tuple[str, ...]]) -> dict[str, Any]:
    """Return fields in the form of fieldsV1."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        inner = tree
        for key in path:
            inner = inner.setdefault(f"f:{key}", {})
    return tree


def fields(manifest: dict[str, Any]) -> dict[str, Any]:
    return nested(set(leaves(manifest)))


def owned(entry: dict[str, Any]) -> set[tuple[str, ...]]:
    def walk(tree: dict[str, Any], path: tuple[str, ...]) -> set[tuple[str, ...]]:
        return {found for key, inner in tree.items() for found in walk(inner, (*path, key[2:]))} if tree else {path}

    return walk(entry["fieldsV1"], ()) if entry.get("fieldsV1") else set()


def at(tree: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(tree, dict) or key not in tree:
            return MISSING
        tree = tree[key]
    return tree


def drop(tree: dict[str, Any], path: tuple[str, ...]) -> None:
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
