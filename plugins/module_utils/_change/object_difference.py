# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How two states of an object differ, as a task shows it with `--diff`. Private.

What the server itself writes into each object is no difference. For example, a ConfigMap whose config changed:

    {"before": {…, "data": {"config.yaml": "…"}}, "after": {…}, "before_header": "ConfigMap obs/gateway", …}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from .._kube.bundle import Hide, Parse, redact_manifest
from .._otelcol.kube.objects import Manifest, ref

# Written by the server or its controllers, never by an owner.
_SERVER_METADATA = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_SERVER_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
)


class ObjectDifference(TypedDict):
    """How one object differs, with the keys that Ansible shows with `--diff`."""

    before: Manifest | None
    """None if the object does not exist on this side."""
    after: Manifest | None
    before_header: str
    """The name of the object, such as `ConfigMap obs/gateway`."""
    after_header: str


def build_difference(
    old_manifest: Manifest | None, new_manifest: Manifest | None, hide: Hide, parse: Parse
) -> ObjectDifference | None:
    """Return the diff of one object, or None if it does not change. Secrets are hidden on both sides.

    The manifest is None on the side on which the object does not exist: before it is created, after it is deleted.
    `hide` masks one text, and `parse` reads a text of YAML: `_kube/bundle.py` has both types.
    """
    old_fields = strip_server_fields(old_manifest) if old_manifest else None
    new_fields = strip_server_fields(new_manifest) if new_manifest else None
    present_fields = new_fields or old_fields
    if present_fields is None or old_fields == new_fields:
        return None
    # Secrets are hidden after the comparison, so that a Secret with another value is still a difference.
    object_name = str(ref(present_fields))
    return {
        "before": redact_manifest(old_fields, hide, parse) if old_fields else None,
        "after": redact_manifest(new_fields, hide, parse) if new_fields else None,
        "before_header": object_name,
        "after_header": object_name,
    }


def strip_server_fields(manifest: Manifest) -> Manifest:
    """Return an object without its status and the fields that the server writes."""
    metadata = _drop_keys(manifest.get("metadata", {}), _SERVER_METADATA)
    annotations = _drop_keys(metadata.pop("annotations", None) or {}, _SERVER_ANNOTATIONS)
    if annotations:
        metadata["annotations"] = annotations
    # The only field of a Namespace is the list of finalizers that the server keeps.
    server_fields = ("status", "spec") if manifest.get("kind") == "Namespace" else ("status",)
    return {**_drop_keys(manifest, server_fields), "metadata": metadata}


def _drop_keys(mapping: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}
