# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a workload runs what a file says: its image, arguments, variables and configs. Private.

A sync is complete when these are the same. Other fields, such as quantities, are written by the server in another form,
and change nothing that a collector does with data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._change.managed_fields import is_within
from .._otelcol.config.paths import items, section
from .._otelcol.kube.objects import Manifest

_CUSTOM = "OpenTelemetryCollector"
RUNNING = ("DaemonSet", "Deployment", "StatefulSet", _CUSTOM)
_OF_CONTAINER = ("image", "command", "args", "env")
_OF_CUSTOM = (*_OF_CONTAINER, "config", "mode")
_NAMING = ("configMap", "secret")


def unlike_parts(manifest: Manifest, live: Manifest) -> list[str]:
    """Return the parts in which a live object does not run what its manifest says."""
    wanted, present = (dict(_parts(one)) for one in (manifest, live))
    return [name for name, value in wanted.items() if not is_within(value, present.get(name))]


def _parts(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a workload or a custom resource that decide what runs, by their name."""
    spec = section(manifest, "spec")
    if manifest["kind"] == _CUSTOM:
        yield from ((name, spec[name]) for name in _OF_CUSTOM if name in spec)
        return
    pod = section(spec, "template", "spec")
    for container in (*items(pod, "initContainers"), *items(pod, "containers")):
        for name in _OF_CONTAINER:
            if name in container:
                yield f"{name} of container {container.get('name')}", container[name]
    for volume in items(pod, "volumes"):
        for name in _NAMING:
            if name in volume:
                yield f"volume {volume.get('name')}", {name: _source(volume[name])}


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a volume names; the server adds defaults to the rest."""
    return {key: source[key] for key in ("name", "secretName") if key in source}
