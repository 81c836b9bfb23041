# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that component types open, as the table `ports` has them. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..config.paths import Path
from .reference_keys import parse_path
from .rows import Key, Row


@dataclass(frozen=True)
class ListenerRow:
    """A port that a type opens: its name, where its endpoint stands, the default port, the key that turns it on.

    `host_path` is where its host stands, if not in the endpoint, and `host` its default, if not the loopback.
    `is_checked` says that `otelcol validate` reads the endpoint, `takes_sockets` that it may be the path of a socket.
    """

    name: str
    path: Path
    port: int | None  # None: the endpoint must be given
    protocol: str
    app_protocol: str | None
    switch_path: Path  # empty: always on
    is_exposed: bool  # whether clients connect to it
    host_path: Path
    host: str
    is_checked: bool = False
    takes_sockets: bool = False


Listeners = Mapping[Key, tuple[ListenerRow, ...]]


def map_listeners(rows: Iterable[Row]) -> Listeners:
    """Return the ports that each type, by section and name, opens."""
    rows_by_type: dict[Key, list[ListenerRow]] = {}
    for row in rows:
        rows_by_type.setdefault((row["section"], row["type"]), []).append(_read_listener(row))
    return {key: tuple(listeners) for key, listeners in rows_by_type.items()}


def _read_listener(row: Row) -> ListenerRow:
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
