# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a workload runs what a file says, so that a sync is complete. Private.

Servers, operators and webhooks add fields, variables and volumes. So what a file says must be there, and what nobody
adds must be the same: command, arguments, components and pipelines. Amounts are compared by their value. For example:

    file:  containers: [{name: otelcol, image: "otelcol:2", env: [{name: A}], args: [--config=a]}]
    live:  containers: [{name: otelcol, image: "otelcol:1", env: [{name: A}, {name: B}], args: [--config=a, --x]}]
    → ["image of container otelcol", "args of container otelcol"]     (somebody may add B, but nobody adds --x)

A limit: a live object does not tell what a file said before from what others added. So a change that only removes a
variable, a volume or a setting counts as synced at once. Module `collector_judge` then fails if all collectors run what
they ran before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .._change.tree_parts import is_within
from .._kube.operator_status import COLLECTOR
from .._kube.quantity_values import are_same_quantities, parse_quantity
from .._otelcol.config.paths import mapping_at, mappings_at
from .._otelcol.kube.objects import Manifest

# Fields of a container, or of the spec of a custom resource, that must have what the file says, and may have more.
_EXTENSIBLE_FIELDS = ("image", "args", "env", "envFrom", "volumeMounts", "securityContext", "mode")
# Fields to which nobody adds where they are lists. The `args` of a container are one, and must be the same. Those of a
# custom resource are a mapping, to which the operator adds its own arguments.
_EXACT_LISTS = ("command", "args")
_VOLUME_SOURCES = ("configMap", "secret")
_SOURCE_NAMES = ("name", "secretName")
_COMPONENT_KINDS = ("receivers", "processors", "exporters", "connectors")
# Where a server leaves out `false`. Other switches of a container tell `false` from nothing.
# Source: `json:"…,omitempty"` of the types in k8s.io/api/core/v1.
_FIELDS_FALSE_BY_DEFAULT = ("readOnly",)
_QUANTITY_FIELDS = ("divisor",)


class _Part(NamedTuple):
    """Something in a manifest that decides what its pods run."""

    name: str
    """As messages name it, such as `image of container otelcol`."""
    value: Any


class _Container(NamedTuple):
    """A container of a pod. A custom resource counts as one, since its spec has the fields of its container."""

    fields: Mapping[str, Any]
    name_clause: str
    """What messages add to the name of a field, such as ` of container otelcol`; empty for a custom resource."""

    def build_part(self, title: str, value: Any) -> _Part:
        return _Part(f"{title}{self.name_clause}", value)


def list_unlike_parts(manifest: Manifest, live: Manifest) -> list[str]:
    """Return the parts in which a live object does not run what its manifest says, each once."""
    unlike_names = [
        # Others may add to these parts, and the server may store another empty value or leave it out.
        *_compare_parts(_list_extensible_parts(manifest), _list_extensible_parts(live), _has_all_stored),
        # Others may add to a config too, but the server keeps it as it is, empty settings too.
        *_compare_parts(_list_configs(manifest), _list_configs(live), is_within),
        # Nobody adds to these parts.
        *_compare_parts(_list_exact_parts(manifest), _list_exact_parts(live), _is_same),
    ]
    # The arguments of a container are in the first list and in the last one.
    return list(dict.fromkeys(unlike_names))


def _compare_parts(
    wanted_parts: Iterable[_Part], live_parts: Iterable[_Part], is_synced: Callable[[Any, Any], bool]
) -> Iterator[str]:
    """Yield the names of the wanted parts that are not synced.

    `is_synced` gets the wanted value of a part, and its live value, which is None if the part is missing.
    """
    live_value_by_name = {part.name: part.value for part in live_parts}
    for part in wanted_parts:
        if not is_synced(part.value, live_value_by_name.get(part.name)):
            yield part.name


# ── The parts of a manifest ──


def _list_containers(manifest: Manifest) -> Iterator[_Container]:
    """Yield each container of a workload; of a custom resource its spec."""
    spec = mapping_at(manifest, "spec")
    if manifest["kind"] == COLLECTOR:
        yield _Container(spec, name_clause="")
        return
    pod = mapping_at(spec, "template", "spec")
    for container in (*mappings_at(pod, "initContainers"), *mappings_at(pod, "containers")):
        yield _Container(container, name_clause=f" of container {container.get('name')}")


def _list_extensible_parts(manifest: Manifest) -> Iterator[_Part]:
    """Yield the parts to which others may add: fields of containers, and the sources of volumes."""
    for container in _list_containers(manifest):
        for field_name in _EXTENSIBLE_FIELDS:
            if field_name in container.fields:
                yield container.build_part(field_name, container.fields[field_name])
    for volume in mappings_at(manifest, "spec", "template", "spec", "volumes"):
        for kind in _VOLUME_SOURCES:
            source = mapping_at(volume, kind)
            source_fields = {key: source[key] for key in _SOURCE_NAMES if key in source}
            if source_fields:
                yield _Part(f"volume {volume.get('name')}", {kind: source_fields})


def _list_configs(manifest: Manifest) -> Iterator[_Part]:
    """Yield the config of a custom resource. The config of a workload is in a ConfigMap, which its volumes name."""
    for container in _list_containers(manifest):
        if "config" in container.fields:
            yield container.build_part("config", container.fields["config"])


def _list_exact_parts(manifest: Manifest) -> Iterator[_Part]:
    """Yield the parts to which nobody adds, so that they must be the same in both."""
    for container in _list_containers(manifest):
        for field_name in _EXACT_LISTS:
            if isinstance(container.fields.get(field_name), list):
                yield container.build_part(field_name, container.fields[field_name])
        yield container.build_part("resources", _read_amounts(mapping_at(container.fields, "resources")))
        config = mapping_at(container.fields, "config")
        components = {kind: sorted(map(str, mapping_at(config, kind))) for kind in _COMPONENT_KINDS}
        yield container.build_part("components of the config", components)
        yield container.build_part("pipelines", mapping_at(config, "service", "pipelines"))


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


# ── Whether a part is synced ──


def _is_same(wanted: Any, live: Any) -> bool:
    """Return whether a part is the same in both. The server drops an empty list, so a missing one counts as empty."""
    return bool(wanted == ([] if live is None else live))


def _has_all_stored(wanted: Any, live: Any, key: str = "") -> bool:
    """Return whether a live value, below a key, has all that is wanted, however the server stores it.

    For example, `{name: A, value: ""}` is stored as `{name: A}`, and `divisor: 1` as `divisor: "1"`.
    """
    if _is_unset(key, wanted) and _is_unset(key, live):
        return True
    if key in _QUANTITY_FIELDS:
        return are_same_quantities(live, wanted)
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(_has_all_stored(value, live.get(name), name) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        return all(_has_stored_item(wanted_item, live) for wanted_item in wanted)
    return bool(live == wanted)


def _has_stored_item(wanted_item: Any, live_items: list[Any]) -> bool:
    return any(_has_all_stored(wanted_item, live_item) for live_item in live_items)


def _is_unset(key: str, value: Any) -> bool:
    """Return whether a value of a container says nothing: a server may leave it out, or store another empty value."""
    if value is False:
        return key in _FIELDS_FALSE_BY_DEFAULT
    return value in (None, "", [], {})
