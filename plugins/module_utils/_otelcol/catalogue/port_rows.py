# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that component types open, from the table `ports` of the catalogue.

The needs of a config and the rules about endpoints ask for them. Private.
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
    """A port that a type opens. Paths lead to keys of the settings of the component.

    `name` is a name for the port, such as `otlp-grpc`. `path` leads to its endpoint, such as `protocols.grpc.endpoint`,
    and `port` is the default; without a default, the user must give an endpoint. `switch_path` leads to the key that
    turns the port on; it is empty if the port is always open. `host_path` leads to the host, if the endpoint has none,
    and `host` is the default host, if this is not the loopback address. Clients connect to a port that `is_exposed`.
    `is_checked` says that `otelcol validate` reads the endpoint, `takes_sockets` that it may be the path of a socket.
    """

    name: str
    path: Path
    port: int | None
    protocol: str
    app_protocol: str | None
    switch_path: Path
    is_exposed: bool
    host_path: Path
    host: str
    is_checked: bool = False
    takes_sockets: bool = False


Listeners = Mapping[Key, tuple[ListenerRow, ...]]


def map_listeners(rows: Iterable[PortRow]) -> Listeners:
    """Return the ports that each type, by section and name, opens."""
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
