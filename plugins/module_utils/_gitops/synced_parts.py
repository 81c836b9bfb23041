# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a workload runs what a file says, so that a sync is complete. Private.

Servers, operators and webhooks add fields, variables and volumes. So what a file says must be there, and what nobody
adds must be the same: command, arguments, components and pipelines. Amounts are compared by their value.

A limit: a live object does not tell what a file said before from what others added. So a change that only removes a
variable, a volume or a setting counts as synced at once. `judge` then fails if all collectors run what they ran before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._change.tree_parts import is_within
from .._kube.operator_status import COLLECTOR
from .._kube.quantity_values import are_same_quantities, parse_quantity
from .._otelcol.config.paths import mapping_at, mappings_at
from .._otelcol.kube.objects import Manifest

# Parts of a container, or of the spec of a custom resource, that must have what the file says, and may have more.
# The arguments of a custom resource are a mapping, to which the operator adds its own.
_EXTENSIBLE_FIELDS = ("image", "args", "env", "envFrom", "volumeMounts", "securityContext", "mode")
# Lists to which nobody adds.
_EXACT_FIELDS = ("command", "args")
_VOLUME_SOURCES = ("configMap", "secret")
_SOURCE_NAMES = ("name", "secretName")
_COMPONENT_KINDS = ("receivers", "processors", "exporters", "connectors")
# Where a server leaves out `false`. Other switches of a container tell `false` from nothing.
# Source: `json:"…,omitempty"` of the types in k8s.io/api/core/v1.
_FIELDS_FALSE_BY_DEFAULT = ("readOnly",)
_QUANTITY_FIELDS = ("divisor",)


def list_unlike_parts(manifest: Manifest, live: Manifest) -> list[str]:
    """Return the parts in which a live object does not run what its manifest says, each once."""
    unlike_names = []
    live_parts = dict(_list_extensible_parts(live))
    for name, wanted_part in _list_extensible_parts(manifest):
        if not _has_wanted(live_parts.get(name), wanted_part):
            unlike_names.append(name)
    live_configs = dict(_list_configs(live))
    for name, config in _list_configs(manifest):
        if not is_within(config, live_configs.get(name)):
            unlike_names.append(name)
    live_exact_parts = dict(_list_exact_parts(live))
    for name, wanted_part in _list_exact_parts(manifest):
        if wanted_part != live_exact_parts.get(name, []):
            unlike_names.append(name)
    return list(dict.fromkeys(unlike_names))


def _list_containers(manifest: Manifest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each container with the end of its parts' names; a custom resource is one itself."""
    spec = mapping_at(manifest, "spec")
    if manifest["kind"] == COLLECTOR:
        yield "", spec
        return
    pod = mapping_at(spec, "template", "spec")
    for container in (*mappings_at(pod, "initContainers"), *mappings_at(pod, "containers")):
        yield f" of container {container.get('name')}", container


def _list_extensible_parts(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Yield by its name what decides what runs, and to which others may add."""
    for suffix, container in _list_containers(manifest):
        for field_name in _EXTENSIBLE_FIELDS:
            if field_name in container:
                yield f"{field_name}{suffix}", container[field_name]
    for volume in mappings_at(manifest, "spec", "template", "spec", "volumes"):
        for kind in _VOLUME_SOURCES:
            source = mapping_at(volume, kind)
            source_fields = {key: source[key] for key in _SOURCE_NAMES if key in source}
            if source_fields:
                yield f"volume {volume.get('name')}", {kind: source_fields}


def _list_configs(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Yield the configs of a custom resource. The server keeps them as they are, empty settings too."""
    for suffix, container in _list_containers(manifest):
        if "config" in container:
            yield f"config{suffix}", container["config"]


def _list_exact_parts(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Yield by its name what decides what runs, and is the same in both."""
    for suffix, container in _list_containers(manifest):
        for field_name in _EXACT_FIELDS:
            if isinstance(container.get(field_name), list):
                yield f"{field_name}{suffix}", container[field_name]
        yield f"resources{suffix}", _read_amounts(mapping_at(container, "resources"))
        config = mapping_at(container, "config")
        components = {kind: sorted(map(str, mapping_at(config, kind))) for kind in _COMPONENT_KINDS}
        yield f"components of the config{suffix}", components
        yield f"pipelines{suffix}", mapping_at(config, "service", "pipelines")


def _has_wanted(live_value: Any, wanted_value: Any, key: str = "") -> bool:
    """Return whether a value of a live object, below a key, has all that is wanted, however the server stores it."""
    if _is_unset(key, wanted_value) and _is_unset(key, live_value):
        return True
    if key in _QUANTITY_FIELDS:
        return are_same_quantities(live_value, wanted_value)
    if isinstance(wanted_value, dict) and isinstance(live_value, dict):
        return all(_has_wanted(live_value.get(name), value, name) for name, value in wanted_value.items())
    if isinstance(wanted_value, list) and isinstance(live_value, list):
        return all(_has_wanted_item(live_value, wanted_item) for wanted_item in wanted_value)
    return bool(live_value == wanted_value)


def _has_wanted_item(live_items: list[Any], wanted_item: Any) -> bool:
    return any(_has_wanted(live_item, wanted_item) for live_item in live_items)


def _is_unset(key: str, value: Any) -> bool:
    """Return whether a value of a container says nothing: a server may leave it out, or store another empty value."""
    if value is False:
        return key in _FIELDS_FALSE_BY_DEFAULT
    return value in (None, "", [], {})


def _read_amounts(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return requests and limits by value: the server writes `0.5` as `500m`, and adds requests that are the limits."""
    limits = _read_values(mapping_at(resources, "limits"))
    requests = _read_values(mapping_at(resources, "requests"))
    return {"limits": limits, "requests": {**limits, **requests}}


def _read_values(amounts: Mapping[str, Any]) -> dict[str, Any]:
    """Return amounts as numbers; one that cannot be read is compared as it is written."""
    values: dict[str, Any] = {}
    for name, amount in amounts.items():
        value = parse_quantity(amount)
        values[name] = amount if value is None else value
    return values
