# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of a cluster a release owns, and who owns the others. Private.

A release owns an object by two marks. The label says which release it is; a copy of the object has it too. The field
manager of server-side apply says who wrote it; no copy has that. Versions before 1.0.0 had no label of a release: their
objects have the label of this collection, and that of their collector.

Objects of other owners are used or rejected, never changed. A namespace that existed before is neither labelled nor
removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .._otelcol.config.paths import section
from .._otelcol.kube.keepers import ARGO_INSTANCE, ARGO_TRACKING, FLUX_NAME, HELM_NAME, tool
from .._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, RELEASE_LABEL
from .._otelcol.kube.objects import Manifest, group_of

# Sources: "Resource Tracking" in Argo CD's documentation, "Garbage collection" in that of Flux's Kustomization.
_TAKEN = (
    ("annotations", ARGO_TRACKING),
    ("labels", ARGO_INSTANCE),
    ("labels", FLUX_NAME),
    ("annotations", HELM_NAME),
)


def label_of(manifest: Manifest, name: str) -> str:
    """Return a label of an object or a manifest, or an empty text."""
    return str((manifest["metadata"].get("labels") or {}).get(name) or "")


def release_of(manifest: Manifest) -> str:
    """Return the release that an object or a manifest names, empty when it names none."""
    return label_of(manifest, RELEASE_LABEL)


def collector_of(manifest: Manifest) -> str:
    """Return `NAMESPACE/NAME` of the collector of a namespaced object, or an empty text."""
    namespace = str(manifest["metadata"].get("namespace") or "")
    name = label_of(manifest, COLLECTOR_LABEL)
    return f"{namespace}/{name}" if name and namespace else ""


Entry = dict[str, Any]


def _managed_fields(live: Manifest) -> list[Entry]:
    """Return who wrote which fields of an object: an entry for each field manager and operation."""
    return live["metadata"].get("managedFields") or []


def _is_apply(entry: Entry, manager: str) -> bool:
    """Return whether an entry is of the applies of a field manager."""
    return (entry.get("manager"), entry.get("operation")) == (manager, "Apply")


def _time(entry: Entry) -> str:
    """Return when the fields of an entry changed last, in RFC 3339; empty if that is not known."""
    return str(entry.get("time") or "")


def applied_by(live: Manifest, manager: str) -> bool:
    """Return whether a field manager has applied an object; a later change by another manager keeps its entry."""
    return any(_is_apply(entry, manager) for entry in _managed_fields(live))


def last_apply(live: Manifest, manager: str) -> tuple[Any, Any]:
    """Return when a field manager last changed an object by an apply, and which fields it has applied."""
    for entry in _managed_fields(live):
        if _is_apply(entry, manager):
            return entry.get("time"), entry.get("fieldsV1")
    return None, None


def reapplied(live: Manifest, generation: int, manager: str) -> bool:
    """Return whether another run has applied an object after this one, which left it in this generation.

    Others write it too, such as autoscalers: the newest writer of its fields must be the field manager alone.
    """
    if _is_scaled(live) or (live["metadata"].get("generation") or 0) <= generation:
        return False
    writers = [entry for entry in _managed_fields(live) if entry.get("subresource") != "status"]
    if not writers:
        return False
    # An entry without a time counts as the newest: "None" comes after every date.
    newest = max(str(entry.get("time")) for entry in writers)
    last_writers = [entry for entry in writers if str(entry.get("time")) == newest]
    return all(_is_apply(entry, manager) for entry in last_writers)


def _is_scaled(live: Manifest) -> bool:
    """Return whether an autoscaler has set the replicas: from Kubernetes 1.37 on, nobody is named as their writer.

    One replica without a writer is the default of the server. So one that an autoscaler went down to is not told apart.
    """
    replicas = section(live, "spec").get("replicas", 1)
    return replicas != 1 and not managers(live, "spec", "replicas")


def managers(live: Manifest, *path: str) -> list[str]:
    """Return the field managers that own a field, such as `managers(live, "metadata", "annotations", KEY)`."""
    return list(dict.fromkeys(str(entry.get("manager")) for entry in _entries(live, path)))


def written(live: Manifest, *path: str) -> str:
    """Return since when a field has its value at the latest, empty if that is not known.

    The time of an entry is that of the last change of all its fields, so the oldest is the nearest.
    """
    return min((_time(entry) for entry in _entries(live, path)), default="")


def _entries(live: Manifest, path: tuple[str, ...]) -> list[Entry]:
    """Return the entries of those who own a field."""
    return [entry for entry in _managed_fields(live) if _has_field(entry, path)]


def _has_field(entry: Entry, path: tuple[str, ...]) -> bool:
    """Return whether an entry owns a field. Kubernetes writes a field `name` as key `f:name` of a tree."""
    tree: Any = entry.get("fieldsV1")
    for part in path:
        tree = (tree or {}).get(f"f:{part}")
    return tree is not None


def is_ours(live: Manifest, releases: Iterable[str], manager: str) -> bool:
    """Return whether an object has both marks of one of these releases, and no other tool took it over since."""
    return release_of(live) in releases and applied_by(live, manager) and not taken(live, manager)


def taken(live: Manifest, manager: str) -> list[tuple[str, str]]:
    """Return the marks that Argo CD, Flux or Helm put on an object after this field manager's last apply.

    What a run adopts keeps the marks that it had before.
    """
    last = str(last_apply(live, manager)[0] or "")
    return [mark for mark, times in tool_marks(live, manager) if any(time > last for time in times)]


def tool_marks(live: Manifest, manager: str) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Yield the marks of an object that are not copied, and when field managers other than this one wrote each."""
    for part, mark in _TAKEN:
        if mark not in section(live, "metadata", part):
            continue
        if mark == ARGO_TRACKING and not _tracks(live):
            continue
        entries = _entries(live, ("metadata", part, mark))
        yield (part, mark), [_time(entry) for entry in entries if entry.get("manager") != manager]


def _tracks(live: Manifest) -> bool:
    """Return whether an ID of Argo CD, APP:GROUP/KIND:NAMESPACE/NAME, is that of the object itself.

    The ID of an object without a namespace has the one that the application deploys to.
    Source: UnstructuredToAppInstanceValue in util/argo/resource_tracking.go of Argo CD.
    """
    tracking_id = str(section(live, "metadata", "annotations").get(ARGO_TRACKING))
    _application, _colon, tracked = tracking_id.partition(":")
    kind, _colon, path = tracked.partition(":")
    namespace, _slash, name = path.partition("/")
    metadata = live["metadata"]
    is_named = name == metadata["name"] and metadata.get("namespace") in (None, "", namespace)
    if "kind" not in live:  # an item of a list, which has one kind
        return is_named
    return is_named and kind == f"{group_of(live['apiVersion'])}/{live['kind']}"


def owner(live: Manifest) -> str:
    """Return who owns an object, as messages name it."""
    return tool(live) or _controllers(live) or _release_of_ours(live) or _writers(live)


def _controllers(live: Manifest) -> str:
    """Return the kinds and names of the owners of an object, empty if it has none."""
    references = live["metadata"].get("ownerReferences") or []
    return ", ".join(f"{reference.get('kind')} {reference.get('name')}" for reference in references)


def _release_of_ours(live: Manifest) -> str:
    """Return the release of this collection that has applied an object, empty if none has."""
    release = release_of(live)
    is_marked = release or label_of(live, OWNER_LABEL) == OWNER
    if not is_marked or not applied_by(live, OWNER):
        return ""
    version = f"release {release}" if release else "an earlier version"
    return f"{version} of this collection"


def _writers(live: Manifest) -> str:
    """Return the field managers that wrote an object, without those of its status."""
    return named(str(entry.get("manager")) for entry in _managed_fields(live) if not entry.get("subresource"))


def named(managers: Iterable[str]) -> str:
    """Return field managers as messages name them, each once."""
    names = ", ".join(dict.fromkeys(managers))
    return f"field manager {names}" if names else "an unknown field manager"
