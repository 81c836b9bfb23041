# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that component types open, from the table `ports` of the catalogue. Private.

The needs of a config and the rules about endpoints ask for them. A row of the table looks so:

    {"section": "receivers", "type": "otlp", "name": "otlp", "key": "protocols.grpc.endpoint", "port": 4317,
      "protocol": "TCP", "app_protocol": "grpc", "when": "protocols.grpc"}

So `otlp: {protocols: {grpc: {}}}` listens on port 4317, and `otlp: {protocols: {http: {}}}` does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..config.paths import Path
from .reference_keys import parse_path
from .rows import Key
from .table_rows import PortRow


@dataclass(frozen=True)
class ListenerRow:
    """A port that a type opens. Paths lead to keys of the settings of the component."""

    name: str
    """A name for the port, such as `otlp-http`."""
    path: Path
    """The endpoint, such as `protocols.grpc.endpoint`."""
    port: int | None
    """The default; without one, the user must give an endpoint."""
    protocol: str
    """`TCP` or `UDP`."""
    app_protocol: str | None
    """What is spoken on it, such as `grpc`, as a Service of Kubernetes names it."""
    switch_path: Path
    """The key that turns the port on; empty if the port is always open."""
    is_exposed: bool
    """Whether clients connect to it, so that a Service needs it."""
    host_path: Path
    """The host, if the endpoint has none."""
    host: str
    """The default host, if this is not the loopback address."""
    is_checked: bool = False
    """Whether `otelcol validate` reads the endpoint."""
    takes_sockets: bool = False
    """Whether the endpoint may be the path of a socket."""


Listeners = Mapping[Key, tuple[ListenerRow, ...]]


def map_listeners(rows: Iterable[PortRow]) -> Listeners:
    """Return the ports that each type, by section and type, opens."""
    rows_by_type: dict[Key, list[ListenerRow]] = {}
    for row in rows:
        rows_by_type.setdefault((row["section"], row["type"]), []).append(_read_listener(row))
    return {key: tuple(listeners) for key, listeners in rows_by_type.items()}


def _read_listener(row: PortRow) -> ListenerRow:
    return ListenerRow(
        name=row["name"],
        path=parse_path(row.get("key", "")),
        port=row["port"],
        protocol=row["protocol"],
        app_protocol=row.get("app_protocol"),
        switch_path=parse_path(row.get("when", "")),
        is_exposed=row.get("exposed", True),
        host_path=parse_path(row.get("host_key", "")),
        host=row.get("host", ""),
        is_checked=bool(row.get("checked")),
        takes_sockets=bool(row.get("sockets")),
    )
