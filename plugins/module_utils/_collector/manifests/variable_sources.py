# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a variable of a container has its value from, by the option that asks for it. Private.

| option `env` | source |
|---|---|
| `TEAM: shop` | `value: shop` |
| `TOKEN: {secret: backend, key: token}` | `valueFrom: {secretKeyRef: {name: backend, key: token}}` |
| `TOKEN: {config_map: backend, key: token}` | `valueFrom: {configMapKeyRef: {name: backend, key: token}}` |
| `NODE: {field: spec.nodeName}` | `valueFrom: {fieldRef: {apiVersion: v1, fieldPath: spec.nodeName}}` |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube.text_values import variable_text
from .build import omit_empty

# The key of the option that names an object, and the field of the Pod API that it becomes.
_REFERENCE_FIELDS = {"secret": "secretKeyRef", "config_map": "configMapKeyRef"}


def render_variable_source(name: str, value: Any) -> dict[str, Any]:
    """Return where a variable of a container has its value from. Raises Problem for a form that is not known."""
    if not isinstance(value, dict):
        return {"value": variable_text(value)}
    if value.keys() == {"field"} and _is_name(value["field"]):
        return render_field_source(value["field"])
    for kind, field in _REFERENCE_FIELDS.items():
        if _is_reference(value, kind):
            reference = {"name": value[kind], "key": value["key"], **omit_empty(optional=value.get("optional"))}
            return {"valueFrom": {field: reference}}
    fix = "Give text, `{secret: NAME, key: KEY}`, `{config_map: NAME, key: KEY}` or `{field: status.podIP}`."
    raise Problem(f"environment variable {name} has a source that is not understood", fix=fix)


def render_field_source(field_path: str) -> dict[str, Any]:
    """Return the source of a variable that has a field of the pod, such as `status.podIP`."""
    return {"valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": field_path}}}


def _is_reference(value: Mapping[str, Any], kind: str) -> bool:
    """Return whether a value names a key of an object of this kind, with `optional` or without."""
    has_all_keys = value.keys() - {"optional"} == {kind, "key"}
    return has_all_keys and _is_name(value[kind]) and _is_name(value["key"])


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
