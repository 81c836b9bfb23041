# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on secrets in a config, which many users can read in its ConfigMap, and on placeholders.

The value never appears in the message, the fix or the path. What a secret is, config/secrets.py says. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..config.paths import Path
from ..config.secrets import (
    RANDOM,
    header_at,
    is_placeholder,
    is_secret_header,
    is_secret_key,
    secret_at,
    text_of,
)
from .subject import Fault, Subject, rules

_DOCUMENTATION = (
    "https://opentelemetry.io/docs/security/config-best-practices/#store-sensitive-configuration-information-securely"
)
_FIX = "Write `${env:NAME}` here, and give NAME in `env` as `{secret: SECRET, key: KEY}`."


def plaintext_secret(subject: Subject) -> Iterator[Fault]:
    """Yield passwords, tokens and keys in clear text."""
    for path, value in subject.view.leaves:
        if not isinstance(value, (str, int, float)) or isinstance(value, bool) or not path:
            continue
        what = secret_at(subject.config, path, text_of(value))
        if what:
            yield Fault(path, f"{what} is written in clear text", _FIX, severity="warning" if what == RANDOM else "")
    for name, value in subject.literals.items():
        if secret_at({}, (name,), value):
            message = f"variable {name} in `env` holds a secret in clear text, which the manifest shows"
            yield Fault((), message, "Give it in `env` as `{secret: SECRET, key: KEY}`.", severity="warning")


_PLACEHOLDERS = "https://opentelemetry.io/docs/collector/configuration/"
# An address has no angle brackets. Other text may have some, unless it consists of nothing else.
_WITHIN = re.compile(r"<[^<>\s=]+>")
_ALONE = re.compile(r"<[^<>]+>\Z")
_ADDRESSES = ("endpoint", "url", "host", "hostname", "listen_address")
_NAMES = ("region", "site", "project", "tenant", "tenant_id", "service_account", "role_arn", "arn", "cluster_name")


def placeholder(subject: Subject) -> Iterator[Fault]:
    """Yield settings that still have a placeholder such as `<HOST>`."""
    started = {part.path for part in subject.view.parts}
    for path, value in subject.view.leaves:
        if not isinstance(value, str) or "$" in value or path[:2] not in started:
            continue
        if _holds_secret(subject.config, path) and is_placeholder(value):
            yield Fault(path, f"`{path[-1]}` has a placeholder, not a secret", _FIX)
            continue
        if "<" not in value:
            continue
        key = str(path[-1]).lower()
        is_address = key in _ADDRESSES or key.endswith(("_endpoint", "_url"))
        is_name = key in _NAMES or path[-2:-1] == ("headers",) or is_secret_key(path)
        if (is_address and _WITHIN.search(value)) or (is_name and _ALONE.match(value)):
            fix = "Write the real value, or `${env:NAME}` and give NAME in `env`."
            yield Fault(path, f"`{path[-1]}` has a placeholder in angle brackets", fix)


def _holds_secret(config: Any, path: Path) -> bool:
    header = header_at(config, path)
    return is_secret_header(header) if header else is_secret_key(path)


RULES = (
    *rules("error", plaintext_secret, documentation=_DOCUMENTATION),
    *rules("error", placeholder, documentation=_PLACEHOLDERS),
)
