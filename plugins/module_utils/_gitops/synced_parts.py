# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a workload runs what a file says, so that a sync is complete. Private.

Servers, operators and webhooks add fields, variables and volumes. So what a file says must be there, and what nobody
adds must be the same: command, arguments, components and pipelines. Amounts are compared by their value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._change.managed_fields import is_within
from .._kube.operator_status import COLLECTOR
from .._otelcol.config.paths import items, section
from .._otelcol.errors import Problem
from .._otelcol.kube.objects import Manifest
from .._otelcol.needs.quantities import parse_bytes, parse_cpu

_ADDED_TO = ("image", "args", "env", "envFrom", "volumeMounts", "securityContext", "mode", "config")
_EXACT = ("command", "args")
_NAMING = ("configMap", "secret")
_SECTIONS = ("receivers", "processors", "exporters", "connectors")
_AMOUNTS = {"memory": parse_bytes, "cpu": parse_cpu}


def unlike_parts(manifest: Manifest, live: Manifest) -> list[str]:
    """Return the parts in which a live object does not run what its manifest says."""
    live_parts, live_exact_parts = dict(_parts(live)), dict(_exact_parts(live))
    unlike = []
    for name, value in dict(_parts(manifest)).items():
        if not is_within(value, live_parts.get(name)):
            unlike.append(name)
    for name, value in dict(_exact_parts(manifest)).items():
        if value != live_exact_parts.get(name):
            unlike.append(name)
    return list(dict.fromkeys(unlike))


def _parts(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Yield what decides what runs, to which others may add, by its name."""
    for name, container in _containers(manifest):
        for part in _ADDED_TO:
            if part in container:
                yield f"{part}{name}", container[part]
    for volume in items(section(manifest, "spec"), "template", "spec", "volumes"):
        for kind in _NAMING:
            if kind in volume:
                yield f"volume {volume.get('name')}", {kind: _source(volume[kind])}


def _exact_parts(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Yield what decides what runs, and is the same in both, by its name."""
    for name, container in _containers(manifest):
        for part in _EXACT:
            # Of a custom resource, arguments are a mapping to which the operator may add.
            if isinstance(container.get(part), list):
                yield f"{part}{name}", container[part]
        yield f"resources{name}", _amounts(section(container, "resources"))
        config = section(container, "config")
        yield f"components of the config{name}", {kind: sorted(section(config, kind)) for kind in _SECTIONS}
        yield f"pipelines{name}", section(config, "service", "pipelines")


def _containers(manifest: Manifest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each container with the end of its parts' names; a custom resource is one itself."""
    spec = section(manifest, "spec")
    if manifest["kind"] == COLLECTOR:
        yield "", spec
        return
    pod = section(spec, "template", "spec")
    for container in (*items(pod, "initContainers"), *items(pod, "containers")):
        yield f" of container {container.get('name')}", container


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a volume names; the server adds defaults to the rest."""
    return {key: source[key] for key in ("name", "secretName") if key in source}


def _amounts(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return requests and limits by value: the server writes `0.5` as `500m`, and adds requests that are the limits."""
    limits = {name: _amount(name, text) for name, text in section(resources, "limits").items()}
    requests = {name: _amount(name, text) for name, text in section(resources, "requests").items()}
    return {"limits": limits, "requests": {**limits, **requests}}


def _amount(name: str, text: Any) -> Any:
    """Return an amount as a number; one that cannot be read is compared as it is written."""
    try:
        return _AMOUNTS[name](str(text))
    except (KeyError, Problem):
        return text
