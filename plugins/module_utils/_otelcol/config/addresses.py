# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses in a config: host and port, where an endpoint sends to, and who reaches a host. Private."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any, NamedTuple

LOCALHOST = "localhost"
# The IP families by their names in Kubernetes.
IPV4 = "IPv4"
IPV6 = "IPv6"
ANY_IPV4 = "0.0.0.0"
ANY_HOSTS = ("", ANY_IPV4, "::")
LARGEST_PORT = 65535
_PORT_DIGITS = len(str(LARGEST_PORT))
# `SCHEME://USER@HOST…`. Groups: the scheme, the host, in brackets for IPv6.
_DESTINATION = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*):///?)?(?:[^/?#\\\s]*@)?(\[[^\]]*\]|[^:/?#\\\s]*)")
# `gateway.monitoring` is a Service and its namespace, `example.com` is not: by the length of the last label.
_SERVICE_NAME_LABELS = 2
_LONGEST_USUAL_DOMAIN = 5
_INTERNAL_SUFFIXES = (".svc", ".local", ".internal", ".localdomain")


def split_host_and_port(endpoint: Any) -> tuple[str, int | None]:
    """Return host and port of `host:port`; None as port if it is no valid number, or a variable.

    gateway.obs:4317         →    ("gateway.obs", 4317)
    [::1]:4317               →    ("::1", 4317)
    gateway:${env:PORT}      →    ("gateway:${env", None)
    """
    host, _colon, digits = str(endpoint).rpartition(":")
    is_number = digits.isdecimal() and len(digits) <= _PORT_DIGITS
    if is_number and 0 < int(digits) <= LARGEST_PORT:
        return host.strip("[]"), int(digits)
    return host.strip("[]"), None


def is_loopback(host: str) -> bool:
    """Whether only the same pod or machine reaches a host."""
    return host in (LOCALHOST, "::1") or host.startswith("127.")


def hosts_overlap(first_host: str, second_host: str) -> bool:
    """Whether two hosts share an address; `0.0.0.0` is every address but those of IPv6, which have colons."""
    hosts = {LOCALHOST if host == "127.0.0.1" else host for host in (first_host, second_host)}
    is_same = len(hosts) == 1
    is_every_address = bool(hosts & {"", "::"})
    if is_same or is_every_address:
        return True
    return ANY_IPV4 in hosts and not any(map(_is_ipv6, hosts))


def _is_ipv6(host: str) -> bool:
    """Whether a host is an address of IPv6; a variable with a default has a colon too."""
    return ":" in host and "$" not in host


class Destination(NamedTuple):
    """Where an endpoint sends to: its scheme and its host in lower case, each empty where it is not known."""

    scheme: str
    host: str


def parse_destination(endpoint: Any) -> Destination:
    """Return where an endpoint sends to; a host with a variable in it is not known.

    https://me@Backend.example:4318/v1    →    ("https", "backend.example")
    jaeger.obs:4317                       →    ("", "jaeger.obs")
    dns:///gateway:4317                   →    ("dns", "gateway")
    """
    match = _DESTINATION.match(endpoint) if isinstance(endpoint, str) else None
    if match is None:
        return Destination("", "")
    scheme = (match[1] or "").lower()
    host = match[2].strip("[]").lower()
    is_unknown = "$" in host or scheme == "unix"
    return Destination(scheme, "" if is_unknown else host)


def is_internal_host(host: str) -> bool:
    """Whether a host's name is in the cluster or the private network."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return _is_internal_name(host)


def _is_internal_name(host: str) -> bool:
    """Whether a name is of the cluster or the private network: without a domain, or with one that is used there."""
    if host.endswith(_INTERNAL_SUFFIXES) or ".svc." in host:
        return True
    labels = host.split(".")
    if len(labels) == 1:
        return True
    return len(labels) == _SERVICE_NAME_LABELS and len(labels[-1]) > _LONGEST_USUAL_DOMAIN
