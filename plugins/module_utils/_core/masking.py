# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that stand in configs, and texts without them: what is shown to people or kept never has one. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
_USERINFO = re.compile(r"://[^/\s@]*?:([^/\s@]+)@|://([^/\s:@]+)@")
_REFERENCE = re.compile(r"\$\{[^}]*\}\Z|\$[A-Za-z_]\w*\Z")


def secrets_in(config: Any) -> set[str]:
    """Return every value of a config that is a secret in clear text."""
    found: set[str] = set()
    for path, value in leaves(config):
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            text = str(value)
            if _names_secret(path):
                found |= {text, *text.split()}
            found.update(part for match in _USERINFO.findall(text) for part in match)
    return {text for text in found if text and not _REFERENCE.match(text) and text not in ("Bearer", "Basic")}


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text with every secret replaced, the longest first."""
    for secret in sorted(secrets, key=lambda item: (-len(item), item)):
        if secret in text:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
    return text


def _names_secret(path: Path) -> bool:
    keys = [part for part in path if isinstance(part, str)]
    if not keys:
        return False
    if keys[-1] == "key" and keys[-2:-1] == ["api"]:
        return True
    return bool(_SECRET_KEY.search(keys[-1])) and not _PLACE_KEY.search(keys[-1])
