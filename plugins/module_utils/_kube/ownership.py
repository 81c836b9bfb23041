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
from functools import reduce
from typing import Any

from .._otelcol.config.paths import section
from .._otelcol.kube.keepers import ARGO_INSTANCE, ARGO_TRACKING, FLUX_NAME, HELM_NAME, tool
from .._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, RELEASE_LABEL
from .._otelcol.kube.objects import Manifest

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


def collector_of(item: Manifest) -> str:
    """Return namespace and name of the collector of a namespaced object, or an empty text."""
    place, label = str(item["metadata"].get("namespace") or ""), label_of(item, COLLECTOR_LABEL)
    return f"{place}/{label}" if label and place else ""


def applied_by(live: Manifest, manager: str) -> bool:
    """Return whether a field manager has applied an object; a later change by another manager keeps its entry."""
    entries = live["metadata"].get("managedFields") or []
    return any((entry.get("manager"), entry.get("operation")) == (manager, "Apply") for entry in entries)


def last_apply(live: Manifest, manager: str) -> tuple[Any, Any]:
    """Return when a field manager last changed an object by an apply, and which fields it has applied."""
    entries = live["metadata"].get("managedFields") or []
    mine = (one for one in entries if (one.get("manager"), one.get("operation")) == (manager, "Apply"))
    return next(((one.get("time"), one.get("fieldsV1")) for one in mine), (None, None))


def reapplied(live: Manifest, generation: int, manager: str) -> bool:
    """Return whether another run has applied an object after this one, which left it in this generation.

    Others write it too, such as autoscalers: the newest writer of its fields must be the field manager alone. From
    Kubernetes 1.37 on, nobody is named as the writer of replicas that an autoscaler has set.
    """
    metadata = live["metadata"]
    scaled = (live.get("spec") or {}).get("replicas", 1) != 1 and not managers(live, "spec", "replicas")
    if scaled or (metadata.get("generation") or 0) <= generation:
        return False
    writers = [one for one in metadata.get("managedFields") or [] if one.get("subresource") != "status"]
    newest = max((str(one.get("time")) for one in writers), default="")
    last = {(one.get("manager"), one.get("operation")) for one in writers if str(one.get("time")) == newest}
    return last == {(manager, "Apply")}


def managers(live: Manifest, *path: str) -> list[str]:
    """Return the field managers that own a field, such as `managers(live, "metadata", "annotations", KEY)`."""
    return list(dict.fromkeys(str(entry.get("manager")) for entry in _entries(live, path)))


def written(live: Manifest, *path: str) -> str:
    """Return since when a field has its value at the latest, empty if that is not known.

    The time of an entry is that of the last change of all its fields, so the oldest is the nearest.
    """
    return min((str(entry.get("time") or "") for entry in _entries(live, path)), default="")


def _entries(live: Manifest, path: tuple[str, ...]) -> list[dict[str, Any]]:
    def has(entry: dict[str, Any]) -> bool:
        fields: Any = entry.get("fieldsV1")
        return reduce(lambda tree, part: (tree or {}).get(f"f:{part}"), path, fields) is not None

    return [entry for entry in live["metadata"].get("managedFields") or [] if has(entry)]


def is_ours(live: Manifest, releases: Iterable[str], manager: str) -> bool:
    """Return whether an object has both marks of one of these releases, and no other tool took it over since."""
    return release_of(live) in releases and applied_by(live, manager) and not taken(live, manager)


def taken(live: Manifest, manager: str) -> list[tuple[str, str]]:
    """Return the marks that Argo CD, Flux or Helm put on an object after this field manager's last apply.

    What a run adopts keeps the marks that it had before.
    """
    last = str(last_apply(live, manager)[0] or "")
    return [one for one, times in tool_marks(live, manager) if any(time > last for time in times)]


def tool_marks(live: Manifest, manager: str) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Yield the marks of an object that are not copied, and when field managers other than this one wrote each."""
    for part, mark in (one for one in _TAKEN if one[1] in section(live, "metadata", one[0])):
        others = [one for one in _entries(live, ("metadata", part, mark)) if one.get("manager") != manager]
        if mark != ARGO_TRACKING or _tracks(live):
            yield (part, mark), [str(one.get("time") or "") for one in others]


def _tracks(live: Manifest) -> bool:
    """Return whether an ID of Argo CD is that of the object itself: it ends with NAMESPACE/NAME."""
    return str(section(live, "metadata", "annotations").get(ARGO_TRACKING)).endswith(f"/{live['metadata']['name']}")


def owner(live: Manifest) -> str:
    """Return who owns an object, as messages name it."""
    metadata = live["metadata"]
    owners = [f"{item.get('kind')} {item.get('name')}" for item in metadata.get("ownerReferences") or []]
    found = f"release {release_of(live)}" if release_of(live) else "an earlier version"
    marked = release_of(live) or label_of(live, OWNER_LABEL) == OWNER
    ours = f"{found} of this collection" if marked and applied_by(live, OWNER) else ""
    entries = [entry for entry in metadata.get("managedFields") or [] if not entry.get("subresource")]
    writers = named(str(entry.get("manager")) for entry in entries)
    return tool(live) or ", ".join(owners) or ours or writers


def named(managers: Iterable[str]) -> str:
    names = ", ".join(dict.fromkeys(managers))
    return f"field manager {names}" if names else "an unknown field manager"
