# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The headers that an exporter adds to its requests. Private.

| where they stand | form |
|---|---|
| `headers` of the exporter | `{x-tenant: a}`, or `[{name: x-tenant, value: a}]` |
| the extension headers_setter that `auth.authenticator` names | `[{key: x-tenant, action: upsert, value: a}]` |

Sources: config/confighttp and config/configgrpc of the Collector; headerssetterextension of contrib.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.paths import at, mappings, section
from ..traits import kind_of
from .header_demands import AUTHENTICATOR, DELETES, SETTER
from .subject import Subject

# Where the exporter that divides data among gateways has the settings of its client.
DIVIDED_CLIENT = ("protocol", "otlp")
# The action of an extension headers_setter that changes a header which is there, and adds none.
_CHANGES = "update"


def sent_headers(subject: Subject, exporter: str) -> set[str] | None:
    """Return the headers that an exporter adds to its requests, in lower case; None if they are not known."""
    settings = section(subject.config, "exporters", exporter)
    client = section(settings, *DIVIDED_CLIENT) or settings
    own_headers = _own_headers(client)
    extension = at(client, AUTHENTICATOR)
    if own_headers is None or extension is None:
        return own_headers
    set_headers = _headers_set_by(subject, str(extension))
    return None if set_headers is None else own_headers | set_headers


def _own_headers(client: Mapping[str, Any]) -> set[str] | None:
    """Return the headers in the settings of a client, in lower case; None for a variable."""
    headers = client.get("headers") or {}
    if isinstance(headers, Mapping):
        return {str(header).lower() for header in headers}
    if isinstance(headers, list):
        return {str(row.get("name")).lower() for row in mappings(client, "headers")}
    return None


def _headers_set_by(subject: Subject, extension: str) -> set[str] | None:
    """Return the headers that an extension adds to requests, in lower case; None if they are not known.

    Actions work in the order of the rows. Only `insert` and `upsert`, the default, add a header: `update` changes one
    that is there. Source: the README of headerssetterextension.
    """
    rows = at(subject.config, ("extensions", extension, "headers"))
    if kind_of(extension) != SETTER or not isinstance(rows, list):
        return None
    set_headers: set[str] = set()
    for row in rows:
        header, action = at(row, ("key",)), at(row, ("action",))
        if action == DELETES:
            set_headers.discard(str(header).lower())
        elif action != _CHANGES and isinstance(header, str):
            set_headers.add(header.lower())
    return set_headers
