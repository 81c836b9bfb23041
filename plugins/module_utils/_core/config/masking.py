# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that stand in configs, and texts without them: what is shown to people or kept never has one. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
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
