# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as configs write them: secrets, addresses, and references to environment variables. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from .paths import Path, leaves

MASK = "********"
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?\Z|secret|token|api_?key|apikey|access_?key|private_?key|license_?key|shared_?key"
    r"|authorization|credential|\Adsn\Z|connection_?string|key_pem|\Acookie\Z|instrumentation_?key",
    re.IGNORECASE,
)
# Keys that name a secret's place, not the secret.
_PLACE_KEY = re.compile(r"(file|path|name|url|uri|endpoint|type|attribute|id)\Z", re.IGNORECASE)
_USERINFO = re.compile(r"://[^/\s:@]*:([^/\s]+)@|://([^/\s:@]+)@")
_START = re.compile(r"(?<!\w)")
_WORD = re.compile(r"\w")
_REFERENCE = re.compile(r"\$\{[^}]*\}\Z|\$[A-Za-z_]\w*\Z")


def secrets_in(config: Any) -> set[str]:
    """Return every value of a config that is a secret in clear text."""
    found: set[str] = set()
    for path, value in leaves(config):
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            text = str(value)
            if _names_secret(path):
                found |= {text, *text.split()}
            if "://" in text:
                found.update(part for match in _USERINFO.findall(text) for part in match)
    return {text for text in found if text and not _REFERENCE.match(text) and text not in ("Bearer", "Basic")}


def is_secret(path: Path, text: str) -> bool:
    """Whether a value is a secret, or has one inside: then no part of it is shown."""
    return _names_secret(path) or bool(_USERINFO.search(text))


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text with every secret replaced, the longest first."""
    return masker(secrets)(text)


def masker(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return what replaces every secret in texts: the time for each does not grow with the number of secrets."""
    by_size: dict[int, set[str]] = {}
    for secret in secrets:
        by_size.setdefault(len(secret), set()).add(secret)
    sizes = sorted(by_size, reverse=True)

    def found(text: str, start: int) -> int:
        ends = ((start + size, by_size[size]) for size in sizes)
        return next((end for end, same in ends if text[start:end] in same and not _WORD.match(text, end)), 0)

    def mask(text: str) -> str:
        parts, done = [], 0
        for match in _START.finditer(text) if sizes else ():
            end = found(text, match.start()) if match.start() >= done else 0
            if end:
                parts += [text[done : match.start()], MASK]
                done = end
        return "".join((*parts, text[done:]))

    return mask


def _names_secret(path: Path) -> bool:
    keys = [part for part in path if isinstance(part, str)]
    if not keys:
        return False
    return keys[-2:] == ["api", "key"] or _is_secret_key(keys[-1])


@lru_cache(maxsize=4096)
def _is_secret_key(key: str) -> bool:
    return bool(_SECRET_KEY.search(key)) and not _PLACE_KEY.search(key)


LOCALHOST = "localhost"
ANY_IPV4 = "0.0.0.0"
ANY = ("", ANY_IPV4, "::")
_LARGEST_PORT = 65535
_DIGITS = len(str(_LARGEST_PORT))
_DESTINATION = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*):///?)?(?:[^/\s]*@)?(\[[^\]]*\]|[^:/\s]*)")
# `gateway.monitoring` is a Service and its namespace, `example.com` is not: by the length of the last label.
_SERVICE_AND_NAMESPACE = 2
_LONGEST_USUAL_DOMAIN = 5
_INSIDE = (".svc", ".local", ".internal", ".localdomain")


def address(endpoint: Any) -> tuple[str, int | None]:
    """Return host and port of `host:port`; no port where it is none, or is known only when the collector runs."""
    host, _colon, digits = str(endpoint).rpartition(":")
    number = int(digits) if digits.isdecimal() and len(digits) <= _DIGITS else 0
    return host.strip("[]"), number if 0 < number <= _LARGEST_PORT else None


def is_loopback(host: str) -> bool:
    """Whether only the same pod or machine reaches a host."""
    return host in (LOCALHOST, "::1") or host.startswith("127.")


def overlap(one: str, two: str) -> bool:
    """Whether two hosts share an address; `0.0.0.0` is every address but those of IPv6, which have colons."""
    one, two = (LOCALHOST if host == "127.0.0.1" else host for host in (one, two))
    if one == two or {one, two} & {"", "::"}:
        return True
    return ANY_IPV4 in (one, two) and not any(":" in host and "$" not in host for host in (one, two))


def destination(endpoint: Any) -> tuple[str, str]:
    """Return scheme and host that an endpoint sends to, each empty where unknown; a variable is unknown."""
    match = _DESTINATION.match(str(endpoint)) if isinstance(endpoint, str) else None
    if match is None:
        return "", ""
    scheme, host = (match[1] or "").lower(), match[2].strip("[]").lower()
    return scheme, "" if "$" in host or scheme == "unix" else host


def is_inside(host: str) -> bool:
    """Whether a host is in the cluster or the private network, as far as its name tells."""
    try:
        return ip_address(host).is_private
    except ValueError:
        labels = host.split(".")
        in_namespace = len(labels) == _SERVICE_AND_NAMESPACE and len(labels[-1]) > _LONGEST_USUAL_DOMAIN
        return len(labels) == 1 or in_namespace or host.endswith(_INSIDE) or ".svc." in host


# `${env:NAME}`, `${env:NAME:-default}` and `${NAME}`; `$$` is a literal dollar.
# Source: confmap/expand.go and confmap/provider/envprovider.
REFERENCE = re.compile(r"\$\$|\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}")


def settled(value: Any, known: Mapping[str, str], unknown: str) -> Any:
    """Return a tree in which references are replaced: by what is known, by their default, or by `unknown`."""
    if isinstance(value, dict):
        return {key: settled(item, known, unknown) for key, item in value.items()}
    if isinstance(value, list):
        return [settled(item, known, unknown) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value

    def replaced(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        default = unknown if match[2] is None else match[2].removeprefix(":-")
        return known.get(match[1], default)

    return REFERENCE.sub(replaced, value)
