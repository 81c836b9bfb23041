# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a secret is by the names around it: that of its setting, header, attribute or variable. Private.

Sources: the settings that the Collector types as opaque (`_data/catalogue/opaque.json`), and what vendors call their
credentials.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .paths import Path, value_at

# The end of a name in lower case, with underscores between its words. `ca_secret` and its like name a Secret.
_SECRET_NAME = re.compile(
    r"(?:\A|_)(?:pass(?:word|wd|phrase)?|pwd|(?<!\Aca_)(?<!\Atls_)(?<!\Aclient_ca_)(?<!\Aclient_tls_)"
    r"(?<!\Aimage_pull_)secret|(?<!pagination_)(?<!next_)token|apikey|credentials?|authorization"
    r"|(?:api|app|application|access|account|auth|client_certificate|encryption|ingest|ingestion|instrumentation"
    r"|integration|license|private|secret|shared|shared_access|signing|storage|write)_?key"
    r"|(?:shared_access|x_amz)_signature|connection_?string|key_pem|client_key_data|dsn)\Z|\A(?:cookie|bearer|pat)\Z"
)
# An environment variable whose name ends in _KEY.
_SECRET_VARIABLE = re.compile(r"\A(?!(?:.*_)?(?:PARTITION|PRIMARY|PUBLIC|ROUTING|SORT)_KEY\Z)[A-Z][A-Z0-9_]*_KEY\Z")
_SECRET_HEADER = re.compile(r"\Ax-.*-key\Z|(?:\A|-)(?:auth|cookie|team)\Z")
# What headers say that are no login: about the content, and where in the backend data goes.
_HARMLESS_HEADER = re.compile(
    r"\A(?:accept|cache-control|connection|host|origin|referer|stream-name|user-agent|traceparent|tracestate"
    r"|x-requested-with|x-b3-.*|x-forwarded-.*|.*-trace-id)\Z|(?:\A|-)(?:app|application|charset|cluster|collection|database|db-name|dataset|encoding"
    r"|env|environment|group|index|language|length|name|namespace|org|organi[sz]ation|orgid|pipeline|protocol|project|region|schema"
    r"|service|site|source|stream|table|table-name|tenant|type|version|(?:account|cluster|org|project|tenant)-?id)\Z"
)
# A value that may be a login: words and names of places, which stand elsewhere too, are none.
_RANDOM_TEXT = re.compile(r"(?=.*\d)(?=.*[A-Za-z])\S{12,}\Z")
_HEADERS_SETTING = re.compile(r"(?:\A|_)headers\Z")
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-./\s]")
# Settings of databases, and lists of headers. They are secrets only with a password inside.
DATA_SOURCES = ("dsn", "datasource", "data_source", "connection", "connection_string")

# What receiver azure_monitor has for `credentials`. Source: contrib's azuremonitorreceiver/config.go.
_LOGIN_METHODS = ("service_principal", "workload_identity", "managed_identity", "default_credentials")

# Longer names are no secret's, and no text of others makes a pattern slow.
_LONGEST_NAME = 128
_SHORTEST_ATTRIBUTE = 4  # the value of an attribute that is named like a secret: `x` and `***` hide one


def is_secret_name(name: str) -> bool:
    """Whether a setting, header or environment variable of this name holds a secret."""
    return _is_secret_name(name[:_LONGEST_NAME])


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    return bool(_SECRET_NAME.search(_snake_case(name)) or _SECRET_VARIABLE.search(name))


def _snake_case(name: str) -> str:
    """Return a name in lower case, with an underscore between its words."""
    return _BETWEEN_WORDS.sub("_", name).lower()


def is_secret_header(name: str) -> bool:
    """Whether a header of this name holds a credential: `authorization`, `x-api-key`, `cookie`."""
    return is_secret_name(name) or bool(_SECRET_HEADER.search(_header_spelling(name)))


def _header_spelling(name: str) -> str:
    """Return a name as HTTP/2 spells headers."""
    return name.lower().replace("_", "-")


def may_be_login(path: Path, header: str, value: str) -> bool:
    """Whether a header that a client sends may be a login of a name that nobody here knows."""
    if not _RANDOM_TEXT.match(value) or _HARMLESS_HEADER.search(_header_spelling(header)):
        return False
    is_response_header = any(str(key).endswith(("_header", "response_headers")) for key in path)
    return not is_response_header


@lru_cache(maxsize=4096)
def may_hold_secret(path_end: Path) -> bool:
    """Whether secrets may be at the end of a path, whatever is before; an item of a list has the name of the list."""
    if not path_end:
        return False
    parent, name = path_end[0], path_end[-1]
    if isinstance(name, int):
        parent, name = "", path_end[0]
    if not isinstance(name, str) or name in ("value", "key", "inline") or _HEADERS_SETTING.search(str(parent)):
        return True
    return is_secret_name(name) or is_secret_name(name.removesuffix("s"))


def is_secret_attribute(name: str, value: str) -> bool:
    """Whether an attribute is named like a secret, and long enough not to hide one."""
    return is_secret_name(name) and len(value) >= _SHORTEST_ATTRIBUTE


def is_secret_path(path: Path) -> bool:
    """Whether the names of a path are those of a secret, of a data source or of users with passwords."""
    if not may_hold_secret(path[-2:]):
        return False
    if holds_user_passwords(path) or is_secret_key(path):
        return True
    names = tuple(key for key in path if isinstance(key, str))
    return is_secret_key(names) or names[-1:] == ("dsn",)


def is_secret_key(path: Path) -> bool:
    """Whether the last key of a path usually holds a secret, or a list of them. A data source may be without one."""
    # A key that is a float would be the same as an index for the cache.
    return bool(path) and isinstance(path[-1], (str, int)) and _is_secret_key(path[-3:])


@lru_cache(maxsize=4096)
def _is_secret_key(path: Path) -> bool:
    setting = _setting_path(path)
    name = setting[-1]
    if not isinstance(name, str):
        return False
    if setting[-2:] == ("api", "key"):
        return True
    return is_secret_name(name) and not is_setting_of_pairs(name)


def setting_name(path: Path) -> Any:
    """Return the name of the setting at a path; for an item of a list such as `tokens`, `token`."""
    return _setting_path(path)[-1]


def _setting_path(path: Path) -> Path:
    """Return the path of a setting; for an item of a list such as `tokens`, that of one `token`."""
    if len(path) > 1 and isinstance(path[-1], int) and isinstance(path[-2], str):
        return (*path[:-2], path[-2].removesuffix("s"))
    return path


def is_setting_of_pairs(name: Any) -> bool:
    """Whether a setting of this name is a data source or a list of headers, which may have `NAME=VALUE` inside."""
    return _is_setting_of_pairs(str(name)[-_LONGEST_NAME:])


@lru_cache(maxsize=4096)
def _is_setting_of_pairs(name: str) -> bool:
    return _snake_case(name).endswith((*DATA_SOURCES, "_headers", "headers_list"))


def names_credential_source(name: Any, value: str) -> bool:
    """Whether credentials are only named: by the file that has them, or by the way to get them."""
    is_place = value.startswith(("/", "./", "~/")) or value in _LOGIN_METHODS
    return is_place and str(name).lower().startswith("credential")


def holds_user_passwords(path: Path) -> bool:
    """Whether a value has users with their passwords, as a file of htpasswd does."""
    return path[-2:] == ("htpasswd", "inline")


def header_name_at(config: Any, path: Path) -> str:
    """Return the name of the header at a path; empty if there is none.

    That is `headers.NAME`, `headers[0].value` or `required_header.value`; `response_headers` holds headers too.
    """
    if not path:
        return ""
    name = path[-1]
    grandparent, parent = ("", "", *path)[-3:-1]
    if isinstance(name, str) and _HEADERS_SETTING.search(str(parent)):
        return name
    if name != "value":
        return ""
    is_in_list = bool(_HEADERS_SETTING.search(str(grandparent)))
    if not is_in_list and not str(parent).endswith("_header"):
        return ""
    header = value_at(config, (*path[:-1], "key")) or value_at(config, (*path[:-1], "name"))
    return header if isinstance(header, str) else ""


def attribute_name_at(config: Any, path: Path) -> str:
    """Return the name of the attribute whose value is at a path, as in `{key: NAME, value: VALUE}`; empty if none."""
    if path[-1:] != ("value",):
        return ""
    name = value_at(config, (*path[:-1], "key"))
    return name if isinstance(name, str) else ""


def names_kubernetes_secret(config: Any, path: Path) -> bool:
    """Whether the name of a Kubernetes Secret is at a path: that of `{secret: NAME, key: KEY}` in `env`."""
    if path[-1:] != ("secret",):
        return False
    grandparent = ("", "", *path)[-3]
    if not str(grandparent).endswith("env"):
        return False
    reference = value_at(config, path[:-1])
    return isinstance(reference, dict) and "key" in reference and reference.keys() <= {"secret", "key", "optional"}
