# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs as Go reads them: why a text is refused. Private.

The rules on texts with a format ask here: `http://gateway:4318port` has `its port is not a number`. Source: package
net/url of Go.
"""

from __future__ import annotations

import re

# The scheme of a URL, with its colon. Group: the scheme.
_SCHEME_PATTERN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# `%` without two hexadecimal digits behind it.
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
# What Go refuses in a host: these signs, and codes of ASCII but for `%25`.
_NO_HOST_CHARACTER = re.compile(r"[\s\\^`{|}]|%(?!25|[89A-Fa-f][0-9A-Fa-f])")
# The port behind a host, with its colon; empty for none.
_PORT_PATTERN = re.compile(r"(?::\d*)?\Z")


def find_url_fault(text: str, must_be_absolute: bool = False) -> str:
    """Return why Go does not read a text as a URL; empty if it does.

    With `must_be_absolute`, the URL needs a scheme or a slash at its start.
    """
    address = text if must_be_absolute else text.partition("#")[0]
    if _CONTROL_CHARACTER.search(address):
        return "it has a control character"
    if must_be_absolute and text == "*":
        return ""
    scheme_match = _SCHEME_PATTERN.match(address)
    if not scheme_match:
        return _find_schemeless_url_fault(address.partition("?")[0], must_be_absolute)
    behind_scheme = address[scheme_match.end() :].partition("?")[0]
    if not behind_scheme.startswith("/"):
        return ""  # after `mailto:` and its like, everything is allowed
    return _find_path_fault(behind_scheme, scheme_match[1].lower(), behind_scheme.startswith("//"))


def _find_schemeless_url_fault(url: str, must_be_absolute: bool) -> str:
    """Return what is wrong in a URL that begins with a host, `//host/path`, or is a path."""
    begins_with_slash = url.startswith("/")
    if not begins_with_slash and (must_be_absolute or ":" in url.partition("/")[0]):
        return "its scheme is missing or wrong"
    has_host = url.startswith("//") and not url.startswith("///") and not must_be_absolute
    return _find_path_fault(url, "", has_host)


def _find_path_fault(host_and_path: str, scheme: str, has_host: bool) -> str:
    """Return what is wrong in a path, and in the host before it."""
    path = host_and_path
    if has_host:
        host, slash, remainder = host_and_path[2:].partition("/")
        path = slash + remainder
        fault = _find_host_fault(host.rpartition("@")[2], scheme)
        if fault:
            return fault
    return "a `%` is not followed by two hexadecimal digits" if _BROKEN_ESCAPE.search(path) else ""


def _find_host_fault(host: str, scheme: str) -> str:
    """Return what is wrong in a host and its port; an IPv6 address stands in brackets."""
    is_in_brackets = host.startswith("[")
    outside_brackets = host.partition("]")[2] if is_in_brackets else host
    if _NO_HOST_CHARACTER.search(outside_brackets):
        return "its host has a character that no host has"
    if is_in_brackets and "]" not in host:
        return "its host has no closing `]`"
    port = host.rpartition("]")[2] if is_in_brackets else _cut_from_port_colon(host, scheme)
    return "" if _PORT_PATTERN.match(port) else "its port is not a number"


def _cut_from_port_colon(host: str, scheme: str) -> str:
    """Return what begins at the colon before the port: for HTTP the first one, else the last. `:1` of `gateway:1`."""
    colon = host.find(":") if scheme in ("http", "https") else host.rfind(":")
    return host[colon:] if colon >= 0 else ""
