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

from ..config.paths import mapping_at, mappings_at, value_at
from ..traits import kind_of
from .header_demands import AUTHENTICATOR_PATH, DELETE_ACTION, SETTER_TYPE
from .subject import Subject

# Where exporter load_balancing has the settings with which it sends to each gateway. All others have these at the top.
DIVIDED_CLIENT = ("protocol", "otlp")
# The action of an extension headers_setter that changes a header which is there, and adds none.
_UPDATE_ACTION = "update"


def list_sent_headers(subject: Subject, exporter: str) -> set[str] | None:
    """Return the headers that an exporter adds to its requests, in lower case; None if they are not known."""
    settings = mapping_at(subject.config, "exporters", exporter)
    client_settings = mapping_at(settings, *DIVIDED_CLIENT) or settings
    own_headers = _list_own_headers(client_settings)
    extension_id = value_at(client_settings, AUTHENTICATOR_PATH)
    if extension_id is None:
        return own_headers
    headers_of_extension = _list_headers_of_extension(subject, str(extension_id))
    if own_headers is None or headers_of_extension is None:
        return None
    return own_headers | headers_of_extension


def _list_own_headers(client_settings: Mapping[str, Any]) -> set[str] | None:
    """Return the headers in the settings of a client, in lower case; None for a variable."""
    headers = client_settings.get("headers") or {}
    if isinstance(headers, Mapping):
        return {str(header).lower() for header in headers}
    if isinstance(headers, list):
        return {str(header_row.get("name")).lower() for header_row in mappings_at(client_settings, "headers")}
    return None


def _list_headers_of_extension(subject: Subject, extension_id: str) -> set[str] | None:
    """Return the headers that an extension adds to requests, in lower case; None if they are not known.

    Actions work in the order of the rows. Only `insert` and `upsert`, the default, add a header: `update` changes one
    that is there. Source: the README of headerssetterextension.
    """
    # Another extension, such as one of the user's own build, may add any header.
    header_rows = value_at(subject.config, ("extensions", extension_id, "headers"))
    if kind_of(extension_id) != SETTER_TYPE or not isinstance(header_rows, list):
        return None
    set_headers: set[str] = set()
    for header_row in header_rows:
        header, action = value_at(header_row, ("key",)), value_at(header_row, ("action",))
        if action == DELETE_ACTION:
            set_headers.discard(str(header).lower())
        elif action != _UPDATE_ACTION and isinstance(header, str):
            set_headers.add(header.lower())
    return set_headers
