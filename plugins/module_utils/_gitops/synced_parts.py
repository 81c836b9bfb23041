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
from .._otelcol.config.paths import mappings, section
from .._otelcol.kube.objects import Manifest
from .quantity_values import are_same_quantities, quantity_value

# Parts of a container, or of the spec of a custom resource, that must have what the file says, and may have more.
# The arguments of a custom resource are a mapping, to which the operator adds its own.
_EXTENSIBLE = ("image", "args", "env", "envFrom", "volumeMounts", "securityContext", "mode")
# Lists to which nobody adds.
_EXACT = ("command", "args")
_VOLUME_SOURCES = ("configMap", "secret")
_SOURCE_NAMES = ("name", "secretName")
_COMPONENT_KINDS = ("receivers", "processors", "exporters", "connectors")
# Where a server leaves out `false`. Other switches of a container tell `false` from nothing.
# Source: `json:"…,omitempty"` of the types in k8s.io/api/core/v1.
_LEFT_OUT_IF_FALSE = ("readOnly",)
_QUANTITIES = ("divisor",)


def unlike_parts(manifest: Manifest, live: Manifest) -> list[str]:
    """Return the parts in which a live object does not run what its manifest says, each once."""
    unlike = []
    live_parts = dict(_extensible_parts(live))
    for name, wanted in _extensible_parts(manifest):
        if not _has_wanted(live_parts.get(name), wanted):
            unlike.append(name)
    live_configs = dict(_configs(live))
    for name, config in _configs(manifest):
        if not is_within(config, live_configs.get(name)):
            unlike.append(name)
    live_exact_parts = dict(_exact_parts(live))
    for name, wanted in _exact_parts(manifest):
        if wanted != live_exact_parts.get(name, []):
            unlike.append(name)
    return list(dict.fromkeys(unlike))


def _containers(manifest: Manifest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each container with the end of its parts' names; a custom resource is one itself."""
    spec = section(manifest, "spec")
    if manifest["kind"] == COLLECTOR:
        yield "", spec
        return
    pod = section(spec, "template", "spec")
    for container in (*mappings(pod, "initContainers"), *mappings(pod, "containers")):
        yield f" of container {container.get('name')}", container


def _extensible_parts(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Yield by its name what decides what runs, and to which others may add."""
    for name, container in _containers(manifest):
        for part in _EXTENSIBLE:
            if part in container:
                yield f"{part}{name}", container[part]
    for volume in mappings(manifest, "spec", "template", "spec", "volumes"):
        for kind in _VOLUME_SOURCES:
            source = section(volume, kind)
            named = {key: source[key] for key in _SOURCE_NAMES if key in source}
            if named:
                yield f"volume {volume.get('name')}", {kind: named}


def _configs(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Yield the configs of a custom resource. The server keeps them as they are, empty settings too."""
    for name, container in _containers(manifest):
        if "config" in container:
            yield f"config{name}", container["config"]


def _exact_parts(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Yield by its name what decides what runs, and is the same in both."""
    for name, container in _containers(manifest):
        for part in _EXACT:
            if isinstance(container.get(part), list):
                yield f"{part}{name}", container[part]
        yield f"resources{name}", _amounts(section(container, "resources"))
        config = section(container, "config")
        components = {kind: sorted(map(str, section(config, kind))) for kind in _COMPONENT_KINDS}
        yield f"components of the config{name}", components
        yield f"pipelines{name}", section(config, "service", "pipelines")


def _has_wanted(live: Any, wanted: Any, key: str = "") -> bool:
    """Return whether a value of a live object, below a key, has all that is wanted, however the server stores it."""
    if _is_unset(key, wanted) and _is_unset(key, live):
        return True
    if key in _QUANTITIES:
        return are_same_quantities(live, wanted)
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(_has_wanted(live.get(name), value, name) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        return all(_has_wanted_item(live, item) for item in wanted)
    return bool(live == wanted)


def _has_wanted_item(live_items: list[Any], wanted: Any) -> bool:
    return any(_has_wanted(item, wanted) for item in live_items)


def _is_unset(key: str, value: Any) -> bool:
    """Return whether a value of a container says nothing: a server may leave it out, or store another empty value."""
    if value is False:
        return key in _LEFT_OUT_IF_FALSE
    return value in (None, "", [], {})


def _amounts(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return requests and limits by value: the server writes `0.5` as `500m`, and adds requests that are the limits."""
    limits = _values(section(resources, "limits"))
    requests = _values(section(resources, "requests"))
    return {"limits": limits, "requests": {**limits, **requests}}


def _values(amounts: Mapping[str, Any]) -> dict[str, Any]:
    """Return amounts as numbers; one that cannot be read is compared as it is written."""
    values: dict[str, Any] = {}
    for name, amount in amounts.items():
        value = quantity_value(amount)
        values[name] = amount if value is None else value
    return values
