# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name and the identity of an object in a cluster. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..config.paths import value_at

Manifest = dict[str, Any]
"""An object of Kubernetes as YAML or the API server gives it."""
_NAMESPACE_PATH = ("metadata", "namespace")


class ObjectRef(NamedTuple):
    """The name of one object in a cluster. `namespace` is empty for a kind of the whole cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return `Kind namespace/name`, as diffs and messages show it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def ref(manifest: Manifest) -> ObjectRef:
    """Return the name of an object, without its API version."""
    metadata = manifest.get("metadata") or {}
    return ObjectRef(str(manifest.get("kind")), metadata.get("namespace") or "", str(metadata.get("name")))


ObjectIdentity = tuple[str, ObjectRef]
"""An API group and the name of an object. Kinds of different groups may share a name, so the group is part of it."""


def object_identity(manifest: Manifest) -> ObjectIdentity:
    """Return the identity of an object: its API group and its name, which no other object in a cluster has."""
    return api_group(manifest["apiVersion"]), ref(manifest)


def api_group(api_version: str) -> str:
    """Return the API group: `apps` of `apps/v1`, and an empty text of `v1`, the core."""
    return api_version.rpartition("/")[0]


def controlling_owner(manifest: Manifest) -> Manifest | None:
    """Return the owner that controls an object, as the object names it."""
    owners = manifest["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def may_share_namespace(manifest: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two objects are in one namespace, as far as they say; one without a namespace may be in any."""
    namespace, other_namespace = value_at(manifest, _NAMESPACE_PATH), value_at(other, _NAMESPACE_PATH)
    return namespace is None or other_namespace is None or namespace == other_namespace
