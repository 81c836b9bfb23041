# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of a Service that two owners set. Private.

If the server refuses a Service in the dry run, `live/preflight.py` asks here whether the ports of its earlier owner are
the reason.
Server-side apply merges the ports by number and protocol, and each of several ports needs a name of its own.
Source: Kubernetes' docs on server-side apply, and on Services with several ports.
"""

from __future__ import annotations

import json
from shlex import quote
from typing import NamedTuple

from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.objects import Manifest


class _Port(NamedTuple):
    """By what server-side apply tells ports of a Service apart."""

    number: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


def explain_unfit_ports(manifest: Manifest, live: Manifest) -> str:
    """Return how to remove the ports that a Service would keep of its earlier owner; an empty text if it has none."""
    if manifest["kind"] != "Service":
        return ""
    own_ports = _list_ports(manifest)
    other_ports = [str(port) for port in _list_ports(live) if port not in own_ports]
    if not other_ports:
        return ""
    value = mapping_at(manifest, "spec").get("ports") or []
    patch = json.dumps([{"op": "replace", "path": "/spec/ports", "value": value}], separators=(",", ":"))
    metadata = manifest["metadata"]
    command = f"-n {metadata['namespace']} patch service {metadata['name']}"
    return (
        f"An apply keeps the ports of the earlier owner beside those of the collector: {', '.join(other_ports)}. If "
        f"nothing else uses them, remove them, then run again: `kubectl {command} --type=json --patch {quote(patch)}`."
    )


def _list_ports(service: Manifest) -> list[_Port]:
    ports = mapping_at(service, "spec").get("ports") or []
    return [_Port(port["port"], port.get("protocol") or "TCP") for port in ports]
