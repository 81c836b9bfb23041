# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of a cluster a release of this collection owns, and which have marks of other tools. Private.

The code that applies, prunes or diagnoses objects asks here first: objects of other owners are used or rejected, never
changed. A namespace that existed before is neither labelled nor removed.

A release owns an object that has two marks. A label names the release; a copy of the object has the label too. The
field manager of server-side apply names the writer; a copy does not have that. Versions before 1.0.0 had no label of a
release: their objects have the label of this collection, and that of their collector. For example:

    {metadata: {labels: {RELEASE_LABEL: gateway}, managedFields: [{manager: MANAGER, operation: Apply}]}}
    → is_own_object(live_object, ["gateway"], MANAGER) is True

`owner_words.py` names the owner of any object for messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.keepers import ARGO_INSTANCE, ARGO_TRACKING, FLUX_NAME, HELM_NAME
from .._otelcol.kube.names import COLLECTOR_LABEL, RELEASE_LABEL
from .._otelcol.kube.objects import Manifest, api_group

# An item of `metadata.managedFields` of an object: a field manager, its operation, and the fields that it owns.
Entry = dict[str, Any]


class ToolMark(NamedTuple):
    """A label or an annotation by which another tool marks its objects."""

    metadata_field: str
    """`labels` or `annotations`."""
    key: str


class WrittenMark(NamedTuple):
    """A mark of an object, and when field managers other than this collection's wrote it."""

    mark: ToolMark
    written_times: list[str]


class LastApply(NamedTuple):
    """The last apply of an object by a field manager. Both values are None if it has applied nothing."""

    time: Any
    """When it changed the object, in RFC 3339."""
    fields: Any
    """The tree of the fields that it has applied, as `managedFields` has it."""


# Sources: "Resource Tracking" in Argo CD's documentation, "Garbage collection" in that of Flux's Kustomization.
_TOOL_MARKS = (
    ToolMark("annotations", ARGO_TRACKING),
    ToolMark("labels", ARGO_INSTANCE),
    ToolMark("labels", FLUX_NAME),
    ToolMark("annotations", HELM_NAME),
)
# A time that comes after every date of RFC 3339.
_NEWEST_TIME = "~"


# ── Labels ──


def read_label(manifest: Manifest, name: str) -> str:
    """Return a label of an object or a manifest, or an empty text."""
    return str((manifest["metadata"].get("labels") or {}).get(name) or "")


def read_release_label(manifest: Manifest) -> str:
    """Return the release that an object or a manifest names, empty when it names none."""
    return read_label(manifest, RELEASE_LABEL)


def read_collector_name(manifest: Manifest) -> str:
    """Return `NAMESPACE/NAME` of the collector of a namespaced object, or an empty text."""
    namespace = str(manifest["metadata"].get("namespace") or "")
    name = read_label(manifest, COLLECTOR_LABEL)
    return f"{namespace}/{name}" if name and namespace else ""


# ── Field managers ──


def read_managed_fields(live_object: Manifest) -> list[Entry]:
    """Return who wrote which fields of an object: an entry for each field manager and operation."""
    return live_object["metadata"].get("managedFields") or []


def _is_apply(entry: Entry, manager: str) -> bool:
    """Return whether an entry has the fields that a field manager has applied."""
    return entry.get("manager") == manager and entry.get("operation") == "Apply"


def _entry_time(entry: Entry) -> str:
    """Return when the fields of an entry changed last, in RFC 3339; empty if that is not known."""
    return str(entry.get("time") or "")


def is_applied_by(live_object: Manifest, manager: str) -> bool:
    """Return whether a field manager has applied an object; a later change by another manager keeps its entry."""
    return any(_is_apply(entry, manager) for entry in read_managed_fields(live_object))


def find_last_apply(live_object: Manifest, manager: str) -> LastApply:
    """Return the last apply of an object by a field manager."""
    for entry in read_managed_fields(live_object):
        if _is_apply(entry, manager):
            return LastApply(entry.get("time"), entry.get("fieldsV1"))
    return LastApply(None, None)


def is_reapplied(live_object: Manifest, generation: int, manager: str) -> bool:
    """Return whether another run has applied an object since this run left it in a generation.

    A generation grows with each change of the spec. Others change the spec too, such as autoscalers. So the newest
    writer of its fields must be the field manager alone. For example, this run left a workload in generation 5, and it
    now has generation 6:

    | newest entry of `managedFields` | another run has applied it |
    |---|---|
    | of an apply of the field manager | yes |
    | of an autoscaler | no |
    | two of the same time, one of each | no |
    """
    if _is_scaled(live_object) or (live_object["metadata"].get("generation") or 0) <= generation:
        return False
    newest_entries = _find_newest_entries(live_object)
    return bool(newest_entries) and all(_is_apply(entry, manager) for entry in newest_entries)


def _find_newest_entries(live_object: Manifest) -> list[Entry]:
    """Return who wrote fields of an object last: one entry, or several of the same time. The status does not count."""
    entries = [entry for entry in read_managed_fields(live_object) if entry.get("subresource") != "status"]
    newest_time = max((_time_or_newest(entry) for entry in entries), default="")
    return [entry for entry in entries if _time_or_newest(entry) == newest_time]


def _time_or_newest(entry: Entry) -> str:
    """Return when the fields of an entry changed last. An entry without a time counts as the newest."""
    time = entry.get("time")
    return _NEWEST_TIME if time is None else str(time)


def _is_scaled(live_object: Manifest) -> bool:
    """Return whether an autoscaler has set the replicas: from Kubernetes 1.37 on, nobody is named as their writer.

    One replica without a writer is the default of the server. So one that an autoscaler went down to is not told apart.
    """
    replicas = mapping_at(live_object, "spec").get("replicas", 1)
    return replicas != 1 and not list_managers(live_object, "spec", "replicas")


def list_managers(live_object: Manifest, *path: str) -> list[str]:
    """Return the field managers that own a field, such as `list_managers(live, "metadata", "annotations", KEY)`."""
    return list(dict.fromkeys(str(entry.get("manager")) for entry in _find_entries(live_object, path)))


def find_written_time(live_object: Manifest, *path: str) -> str:
    """Return a time since which a field has its value, in RFC 3339; empty if that is not known.

    An entry has one time for all its fields: that of the last change of any. So of several entries, the oldest time is
    the nearest one.
    """
    return min((_entry_time(entry) for entry in _find_entries(live_object, path)), default="")


def _find_entries(live_object: Manifest, path: tuple[str, ...]) -> list[Entry]:
    """Return the entries of those who own a field."""
    return [entry for entry in read_managed_fields(live_object) if _has_field(entry, path)]


def _has_field(entry: Entry, path: tuple[str, ...]) -> bool:
    """Return whether an entry owns a field. Kubernetes writes a field `name` as key `f:name` of a tree."""
    field_tree: Any = entry.get("fieldsV1")
    for part in path:
        field_tree = (field_tree or {}).get(f"f:{part}")
    return field_tree is not None


# ── Marks ──


def is_own_object(live_object: Manifest, releases: Iterable[str], manager: str) -> bool:
    """Return whether an object has both marks of one of these releases, and no other tool took it over since."""
    return (
        read_release_label(live_object) in releases
        and is_applied_by(live_object, manager)
        and not find_taken_marks(live_object, manager)
    )


def find_taken_marks(live_object: Manifest, manager: str) -> list[ToolMark]:
    """Return the marks of Argo CD, Flux or Helm on an object that are newer than this field manager's last apply.

    An older mark does not say that the tool took the object over: a release that takes over an object of Helm leaves
    Helm's mark on it.
    """
    last_time = str(find_last_apply(live_object, manager).time or "")
    taken_marks = []
    for mark, written_times in iter_tool_marks(live_object, manager):
        if any(time > last_time for time in written_times):
            taken_marks.append(mark)
    return taken_marks


def iter_tool_marks(live_object: Manifest, manager: str) -> Iterator[WrittenMark]:
    """Yield the marks of other tools on an object. A mark that was copied from another object is left out."""
    for mark in _TOOL_MARKS:
        if mark.key not in mapping_at(live_object, "metadata", mark.metadata_field):
            continue
        if mark.key == ARGO_TRACKING and not _is_tracking_itself(live_object):
            continue
        entries = _find_entries(live_object, ("metadata", mark.metadata_field, mark.key))
        written_times = [_entry_time(entry) for entry in entries if entry.get("manager") != manager]
        yield WrittenMark(mark, written_times)


def _is_tracking_itself(live_object: Manifest) -> bool:
    """Return whether an ID of Argo CD, APP:GROUP/KIND:NAMESPACE/NAME, is that of the object itself.

    The ID of an object without a namespace has the one that the application deploys to.
    Source: UnstructuredToAppInstanceValue in util/argo/resource_tracking.go of Argo CD.
    """
    tracking_id = str(mapping_at(live_object, "metadata", "annotations").get(ARGO_TRACKING))
    _application, _colon, tracked_object = tracking_id.partition(":")
    kind, _colon, path = tracked_object.partition(":")
    namespace, _slash, name = path.partition("/")
    metadata = live_object["metadata"]
    is_named = name == metadata["name"] and metadata.get("namespace") in (None, "", namespace)
    if "kind" not in live_object:  # an item of a list, which has one kind
        return is_named
    return is_named and kind == f"{api_group(live_object['apiVersion'])}/{live_object['kind']}"
