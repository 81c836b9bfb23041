# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on secrets in a config, which many users can read in its ConfigMap, and on placeholders.

The value never appears in the message, the fix or the path.
Sources: the settings of authentication and TLS in the Collector's config/ and of the vendors' exporters. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..config.paths import Path, at
from .subject import Fault, Subject, rule

_DOCUMENTATION = (
    "https://opentelemetry.io/docs/security/config-best-practices/#store-sensitive-configuration-information-securely"
)
_FIX = "Write `${env:NAME}` here, and give NAME in `env` as `{secret: SECRET, key: KEY}`."

# Last key of a path, in lower case and with underscores.
_KEYS = frozenset(
    (
        "access_token",
        "account_token",
        "api_key",
        "api_secret",
        "api_token",
        "apikey",
        "app_key",
        "auth_token",
        "bearer_token",
        "client_secret",
        "connection_string",
        "credentials",
        "ingest_key",
        "installation_token",
        "instrumentation_key",
        "key_pem",
        "license_key",
        "passphrase",
        "password",
        "private_key",
        "sas_token",
        "secret",
        "secret_access_key",
        "secret_key",
        "shared_key",
        "token",
        "write_key",
    )
)
_HEADER = re.compile(r"(^|[-_])(authorization|api[-_]?key|apikey|token|secret|password|cookie)$|^dd-api-key$|-team$")
_REFERENCE = re.compile(r"\$\{|\$[A-Za-z_]\w*\Z")
# Placeholders instead of values.
_PLACEHOLDER = re.compile(r"<.*>\Z|\*+\Z|\[?REDACTED\]?\Z", re.DOTALL)
_WITH_PASSWORD = re.compile(r"://[^/?#\s@:]*:([^/?#\s@]+)@")
_DSN = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?[^/?#\s@:]*:([^/?#\s@]+)@", re.IGNORECASE)
_DSN_KEYS = ("dsn", "datasource", "data_source", "connection_string")
_BEARER = re.compile(r"(?:Bearer|Basic|Token|ApiKey|Api-Key|Splunk)\s+", re.IGNORECASE)
_PRIVATE_KEY = "PRIVATE KEY-----"
_HASHED = re.compile(r"[^:\s]*:(\$|\{)")


def plaintext_secret(subject: Subject) -> Iterator[Fault]:
    """Yield passwords, tokens and keys in clear text."""
    for path, value in subject.view.leaves:
        if value is None or isinstance(value, bool) or not path:
            continue
        what = _secret(subject.config, path, str(value))
        if what:
            yield Fault(path, f"{what} is written in clear text", _FIX)


def _secret(config: Any, path: Path, value: str) -> str:
    """Return the kind of a secret value; an empty string if it is not a secret or comes from a variable."""
    if _PRIVATE_KEY in value:
        return "a private key"
    if "://" in value and _is_given(_WITH_PASSWORD.search(value)):
        return "a password in a URL"
    name = _name(config, path)
    if name in _DSN_KEYS and _is_given(_DSN.match(value)):
        return "a password in a data source"
    if path[-2:] == ("htpasswd", "inline") and ":" in value and not _HASHED.match(value) and _is_literal(value):
        return "a password"
    if _is_header(path) and _HEADER.search(name.replace("_", "-")):
        return f"header {name}" if _is_literal(_BEARER.sub("", value, count=1)) else ""
    return f"`{path[-1]}`" if _is_key(path, name) and _is_literal(value) else ""


def is_secret_key(path: Path) -> bool:
    """Whether the last key of a path usually holds a secret."""
    return bool(path) and _is_key(path, str(path[-1]).lower().replace("-", "_"))


def _is_key(path: Path, name: str) -> bool:
    return not isinstance(path[-1], int) and (name in _KEYS or path[-2:] == ("api", "key"))


def _name(config: Any, path: Path) -> str:
    """Return the name of a value: its key, or the neighbour `key` or `name` in a list of pairs."""
    if path[-1] == "value":
        name = at(config, (*path[:-1], "key")) or at(config, (*path[:-1], "name"))
        if _is_header(path) and isinstance(name, str):
            return name.lower()
    return str(path[-1]).lower() if _is_header(path) else str(path[-1]).lower().replace("-", "_")


def _is_header(path: Path) -> bool:
    """Whether a path leads to a header: `headers.NAME`, or `headers[0].value` in a list of them."""
    return path[-2:-1] == ("headers",) or (path[-3:-2] == ("headers",) and isinstance(path[-2], int))


def _is_literal(value: str) -> bool:
    text = value.strip()
    return bool(text) and not _REFERENCE.search(text) and not _PLACEHOLDER.match(text)


def _is_given(match: re.Match[str] | None) -> bool:
    return match is not None and _is_literal(match[1])


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
        if not isinstance(value, str) or "<" not in value or "$" in value or path[:2] not in started:
            continue
        key = str(path[-1]).lower()
        is_address = key in _ADDRESSES or key.endswith(("_endpoint", "_url"))
        is_name = key in _NAMES or path[-2:-1] == ("headers",) or is_secret_key(path)
        if (is_address and _WITHIN.search(value)) or (is_name and _ALONE.match(value)):
            yield Fault(
                path,
                f"`{path[-1]}` has a placeholder in angle brackets",
                "Write the real value, or `${env:NAME}` and give NAME in `env`.",
            )


RULES = (
    rule("error", plaintext_secret, documentation=_DOCUMENTATION),
    rule("error", placeholder, documentation=_PLACEHOLDERS),
)
