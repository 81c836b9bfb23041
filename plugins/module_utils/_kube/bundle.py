# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of manifests: what no server accepts, redaction, and the secrets that no message shows. Private.

A bundle is the manifests that one task applies. To redact is to put a mask in place of each secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .._otelcol.config.masking import make_masker, mask_tree
from .._otelcol.config.object_secrets import find_secrets_in_objects
from .._otelcol.errors import Problem
from .._otelcol.kube.objects import Manifest, ObjectIdentity, object_identity, ref

# Hides one value, as a text that tells equal values from others.
Hide = Callable[[str], str]
# Reads a text of YAML, such as the config in a ConfigMap.
Parse = Callable[[str], Any]
# The fields of a Secret that hold values, by their names.
_VALUE_FIELDS = ("data", "stringData")


def check_manifests(manifests: list[Manifest]) -> None:
    """Reject manifests that no server accepts, before the first request: otherwise others would be applied already."""
    seen_identities: set[ObjectIdentity] = set()
    for index, manifest in enumerate(manifests):
        place = f"manifests[{index}]"
        _check_type(manifest, place)
        _check_name(manifest, place)
        if object_identity(manifest) in seen_identities:
            raise Problem(f"{ref(manifest)} is in the bundle twice", where=place, fix="Remove or merge one of the two.")
        seen_identities.add(object_identity(manifest))


def _check_type(manifest: Manifest, place: str) -> None:
    for key in ("apiVersion", "kind"):
        if not isinstance(manifest.get(key), str) or not manifest[key]:
            fix = "Give every manifest apiVersion, kind and metadata.name."
            raise Problem(f"the manifest has no {key}", where=place, fix=fix)


def _check_name(manifest: Manifest, place: str) -> None:
    metadata = manifest.get("metadata") or {}
    for key in ("name", "namespace"):
        if not isinstance(metadata.get(key) or "", str):
            raise Problem("name and namespace are texts", where=f"{place}.metadata", fix="Write them as texts.")
    if not metadata.get("name"):
        fix = "generateName cannot be applied twice; set a name."
        raise Problem(f"the {manifest['kind']} has no metadata.name", where=place, fix=fix)


def redact_manifest(manifest: Manifest, hide: Hide, parse: Parse) -> Manifest:
    """Hide the values of a Secret, and the secrets that another object holds in clear text."""
    if manifest.get("kind") != "Secret":
        masked_manifest: Manifest = mask_tree(manifest, make_masker(find_secrets_in_objects(manifest, parse), hide))
        return masked_manifest
    redacted_manifest = dict(manifest)
    for key in _VALUE_FIELDS:
        values = manifest.get(key)
        if isinstance(values, dict):
            redacted_manifest[key] = {name: hide(str(value)) for name, value in values.items()}
    return redacted_manifest


def list_secret_values(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Yield the values of the bundle's Secrets, which no message may contain."""
    for manifest in manifests:
        if manifest.get("kind") == "Secret":
            for key in _VALUE_FIELDS:
                yield from _list_texts(manifest.get(key))


def _list_texts(values: Any) -> Iterator[str]:
    """Yield the values of a field of a Secret. A field that is no mapping, which no server accepts, is all secret."""
    if isinstance(values, dict):
        yield from map(str, values.values())
    elif values:
        yield str(values)
