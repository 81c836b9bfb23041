# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs as Go reads them. Source: net/url. Private."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_ESCAPES = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_HOST = re.compile(r"[\s\"<>\\^`{|}]")
_PORT = re.compile(r"(?::\d*)?\Z")


def broken_url(text: str, absolute: bool = False) -> str:
    """Return why Go does not read a text as a URL; empty if it does. An `absolute` one needs a scheme or a slash."""
    address = text if absolute else text.partition("#")[0]
    scheme = _SCHEME.match(address)
    rest = (address[scheme.end() :] if scheme else address).partition("?")[0]
    if _CONTROL.search(text):
        return "it has a control character"
    if not (scheme or rest.startswith("/")) and (absolute or ":" in rest.partition("/")[0]):
        return "its scheme is missing or wrong"
    return "" if scheme and not rest.startswith("/") else _broken_path(rest, bool(scheme or absolute))


def _broken_path(rest: str, has_host: bool) -> str:
    why = ""
    if rest.startswith("//") and (has_host or not rest.startswith("///")):
        host, slash, path = rest[2:].partition("/")
        why, rest = _broken_host(host.rpartition("@")[2]), slash + path
    return why or ("a `%` is not followed by two hexadecimal digits" if _ESCAPES.search(rest) else "")


def _broken_host(host: str) -> str:
    if _NO_HOST.search(host) or "%" in host.partition("]")[2 if host.startswith("[") else 0]:
        return "its host has a character that no host has"
    if host.startswith("[") and "]" not in host:
        return "its host has no closing `]`"
    port = host.rpartition("]")[2] if host.startswith("[") else host[host.find(":") :] if ":" in host else ""
    return "" if _PORT.match(port) else "its port is not a number"
