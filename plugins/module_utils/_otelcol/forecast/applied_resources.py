# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a custom resource of the operator has the config and the image of the inventory already. Private.

The operator adds defaults to the config of a resource, such as addresses of receivers, and changes nothing of it.
Source: ApplyDefaults in the operator's internal/otelconfig.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..config.paths import mapping_at, value_at
from ..kube.names import SPEC_HASH
from ..kube.objects import Manifest, ObjectRef, ref

# What decides what a collector sends.
_DECIDING_FIELDS = ("config", "image")
_POD_HASH_PATH = ("spec", "podAnnotations", SPEC_HASH)


def is_applied(resource_ref: ObjectRef, inventory: Iterable[Manifest], running_manifests: Iterable[Manifest]) -> bool:
    """Return whether a resource has the config and the image of the inventory, to which others have only added.

    The hash of its pods must be that of the inventory: then this config was the last that a run has applied, and the
    resource has no remains of an older one. A run that applies it again keeps what others have added.
    """
    inventory_manifest = _find_manifest(resource_ref, inventory)
    live_manifest = _find_manifest(resource_ref, running_manifests)
    pod_hash = value_at(inventory_manifest, _POD_HASH_PATH)
    if not pod_hash or pod_hash != value_at(live_manifest, _POD_HASH_PATH):
        return False
    return _has_all_of(_select_deciding_fields(live_manifest), _select_deciding_fields(inventory_manifest))


def _find_manifest(resource_ref: ObjectRef, manifests: Iterable[Manifest]) -> Manifest:
    """Return the manifest of an object; an empty one if it is not among them."""
    return next((manifest for manifest in manifests if ref(manifest) == resource_ref), {})


def _select_deciding_fields(manifest: Manifest) -> dict[str, Any]:
    spec = mapping_at(manifest, "spec")
    return {name: spec[name] for name in _DECIDING_FIELDS if name in spec}


def _has_all_of(live_value: Any, expected_value: Any) -> bool:
    """Return whether a live value has everything of the expected one. It may have more keys; lists must be the same.

    live {grpc: {endpoint: "0.0.0.0:4317"}}, expected {grpc: {}}    →    yes
    live [otlp, debug], expected [otlp]                             →    no
    """
    if not isinstance(live_value, Mapping) or not isinstance(expected_value, Mapping):
        return bool(live_value == expected_value)
    return all(key in live_value and _has_all_of(live_value[key], expected_value[key]) for key in expected_value)
