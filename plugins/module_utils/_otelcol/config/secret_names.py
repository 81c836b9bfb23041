# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names say that a value is a secret: the names of settings, headers, attributes and variables. Private.

Settings `password`, `api_token` and `apiKey`, header `X-Api-Key` and variable `DATADOG_KEY` hold secrets; setting
`ca_secret`, header `X-Request-Id` and variable `PARTITION_KEY` do not. named_secrets.py asks here for the names around
a value of a config. Only names are judged here, so a value may still be a reference or a placeholder.

Sources: the settings that the Collector types as opaque (`_data/catalogue/opaque.json`), and what vendors call their
credentials.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .paths import Path, value_at

# The end of a name in lower case with underscores between its words, as `_snake_case` returns it.
_SECRET_NAME = re.compile(
    r"""
    (?:\A|_)(?:
        pass(?:word|wd|phrase)?|pwd
        # What these prefixes have is the name of a Secret of Kubernetes.
        |(?<!\Aca_)(?<!\Atls_)(?<!\Aclient_ca_)(?<!\Aclient_tls_)(?<!\Aimage_pull_)secret
        # These prefixes are for the next page of a list.
        |(?<!pagination_)(?<!next_)token
        |apikey|credentials?|authorization
        |(?:api|app|application|access|account|auth|client_certificate|encryption|ingest|ingestion|instrumentation
            |integration|license|private|secret|shared|shared_access|signing|storage|write)_?key
        |(?:shared_access|x_amz)_signature
        |connection_?string|key_pem|client_key_data|dsn
    )\Z
    |\A(?:cookie|bearer|pat)\Z
    """,
    re.VERBOSE,
)
# An environment variable whose name ends in _KEY, such as `DATADOG_KEY`, but not `PARTITION_KEY`.
_SECRET_VARIABLE = re.compile(r"\A(?!(?:.*_)?(?:PARTITION|PRIMARY|PUBLIC|ROUTING|SORT)_KEY\Z)[A-Z][A-Z0-9_]*_KEY\Z")
# Headers beside those above, in the spelling of `_header_spelling`: `x-vendor-key`, `x-auth`, `x-honeycomb-team`.
_SECRET_HEADER = re.compile(r"\Ax-.*-key\Z|(?:\A|-)(?:auth|cookie|team)\Z")
# What headers say that are no login: about the content, and to which place in the backend data goes.
_HARMLESS_HEADER = re.compile(
    r"""
    \A(?:
        accept|cache-control|connection|host|origin|referer|stream-name|user-agent|traceparent|tracestate
        |x-requested-with|x-b3-.*|x-forwarded-.*|.*-trace-id
    )\Z
    |(?:\A|-)(?:
        app|application|charset|cluster|collection|database|db-name|dataset|encoding|env|environment|group|index|language
        |length|name|namespace|org|organi[sz]ation|orgid|pipeline|protocol|project|region|schema|service|site|source
        |stream|table|table-name|tenant|type|version
        |(?:account|cluster|org|project|tenant)-?id
    )\Z
    """,
    re.VERBOSE,
)
# A value that may be a login: at least 12 characters without blanks, with a digit and a letter.
_RANDOM_TEXT = re.compile(r"(?=.*\d)(?=.*[A-Za-z])\S{12,}\Z")
# A setting with headers: `headers`, `response_headers`.
_HEADERS_SETTING = re.compile(r"(?:\A|_)headers\Z")
# Where a word of a name begins: between `api` and `Key` of `apiKey`, or at a dash, dot, slash or blank.
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-./\s]")
# Ends of the names of data sources, which are addresses of databases. They are secrets only with a password inside.
DATA_SOURCES = ("dsn", "datasource", "data_source", "connection", "connection_string")
# Ends of the names of lists of headers, as text `NAME=VALUE,NAME=VALUE`.
_HEADER_LISTS = ("_headers", "headers_list")

# What receiver azure_monitor has for `credentials`. Source: contrib's azuremonitorreceiver/config.go.
_LOGIN_METHODS = ("service_principal", "workload_identity", "managed_identity", "default_credentials")

# Longer names are no secret's, and no text of others makes a pattern slow.
_LONGEST_NAME = 128
# Shorter values of an attribute that is named like a secret hide one: `x` and `***`.
_SHORTEST_ATTRIBUTE = 4


# ── Names ──


def is_secret_name(name: str) -> bool:
    """Whether a setting, header or environment variable of this name holds a secret: `apiToken` does."""
    return _is_short_name_secret(name[:_LONGEST_NAME])


@lru_cache(maxsize=4096)
def _is_short_name_secret(name: str) -> bool:
    """Answer `is_secret_name` for a name that is cut to a length that may be cached."""
    return bool(_SECRET_NAME.search(_snake_case(name)) or _SECRET_VARIABLE.search(name))


def _snake_case(name: str) -> str:
    """Return a name in lower case, with an underscore between its words: `api_key` for `apiKey` and `Api-Key`."""
    return _BETWEEN_WORDS.sub("_", name).lower()


def is_secret_header(name: str) -> bool:
    """Whether a header of this name holds a credential: `authorization`, `x-api-key`, `cookie`."""
    return is_secret_name(name) or bool(_SECRET_HEADER.search(_header_spelling(name)))


def _header_spelling(name: str) -> str:
    """Return a name as HTTP/2 spells headers: `x-api-key` for `X_Api_Key`."""
    return name.lower().replace("_", "-")


def is_secret_attribute(name: str, value: str) -> bool:
    """Whether an attribute is named like a secret, and its value is long enough not to hide one."""
    return is_secret_name(name) and len(value) >= _SHORTEST_ATTRIBUTE


def is_setting_of_pairs(name: Any) -> bool:
    """Whether a setting of this name may have `NAME=VALUE` inside: a data source, or a list of headers as text."""
    return _has_end_of_pairs(str(name)[-_LONGEST_NAME:])


@lru_cache(maxsize=4096)
def _has_end_of_pairs(name: str) -> bool:
    """Answer `is_setting_of_pairs` for the end of a name, which may be cached."""
    return _snake_case(name).endswith((*DATA_SOURCES, *_HEADER_LISTS))


def names_credential_source(name: Any, value: str) -> bool:
    """Whether a setting such as `credentials` only says where credentials are: in a file, or by which method."""
    is_file_or_method = value.startswith(("/", "./", "~/")) or value in _LOGIN_METHODS
    return is_file_or_method and str(name).lower().startswith("credential")


# ── Paths ──


def may_be_login(path: Path, header: str, value: str) -> bool:
    """Whether a header may be a login though its name is in no table here: its value looks random.

    Headers of responses are none, since no client sends them. `path` is the path of the value, `header` the name.
    """
    if not _RANDOM_TEXT.match(value) or _HARMLESS_HEADER.search(_header_spelling(header)):
        return False
    is_response_header = any(str(key).endswith(("_header", "response_headers")) for key in path)
    return not is_response_header


@lru_cache(maxsize=4096)
def may_hold_secret(path_end: Path) -> bool:
    """Whether a secret may be at a path, by the last two keys alone; false means that no full path has one.

    An item of a list has the name of the list. `value`, `key` and `inline` depend on the keys before, so they may.
    """
    if not path_end:
        return False
    parent, name = path_end[0], path_end[-1]
    if isinstance(name, int):
        parent, name = "", path_end[0]
    if not isinstance(name, str) or name in ("value", "key", "inline") or _HEADERS_SETTING.search(str(parent)):
        return True
    return is_secret_name(name) or is_secret_name(name.removesuffix("s"))


def is_secret_path(path: Path) -> bool:
    """Whether the names of a path are those of a secret, of a data source or of users with passwords.

    Masks ask this; rules ask the narrower `is_secret_key`.
    """
    if not may_hold_secret(path[-2:]):
        return False
    if holds_user_passwords(path) or is_secret_key(path):
        return True
    names = tuple(key for key in path if isinstance(key, str))
    return is_secret_key(names) or names[-1:] == ("dsn",)


def is_secret_key(path: Path) -> bool:
    """Whether the last key of a path holds a secret by its name, or is an item of a list of secrets.

    So are `("auth", "token")`, `("api", "key")` and `("tokens", 0)`. A data source does not count: it may be without a
    password.
    """
    # A key that is a float would be the same as an index for the cache.
    return bool(path) and isinstance(path[-1], (str, int)) and _has_secret_key(path[-3:])


@lru_cache(maxsize=4096)
def _has_secret_key(path: Path) -> bool:
    """Answer `is_secret_key` for the last three keys of a path, which may be cached."""
    setting = _setting_path(path)
    name = setting[-1]
    if not isinstance(name, str):
        return False
    if setting[-2:] == ("api", "key"):
        return True
    return is_secret_name(name) and not is_setting_of_pairs(name)


def setting_name(path: Path) -> Any:
    """Return the name of the setting at a path; an item of the list `tokens` has the name `token`."""
    return _setting_path(path)[-1]


def _setting_path(path: Path) -> Path:
    """Return the path of a setting; that of an item of a list such as `("tokens", 0)` becomes `("token",)`."""
    if len(path) > 1 and isinstance(path[-1], int) and isinstance(path[-2], str):
        return (*path[:-2], path[-2].removesuffix("s"))
    return path


def holds_user_passwords(path: Path) -> bool:
    """Whether the path is that of users with their passwords: `htpasswd.inline`, in lines `USER:PASSWORD`."""
    return path[-2:] == ("htpasswd", "inline")


def header_name_at(config: Any, path: Path) -> str:
    """Return the name of the header whose value is at a path; empty if there is none.

    Such paths are `headers.NAME`, `headers[0].value` and `required_header.value`; `response_headers` holds headers too.
    In the last two forms the name stands beside the value, so they need the config; with None they have no name.
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
    """Whether the value at a path is the name of a Kubernetes Secret: `NAME` of `{secret: NAME, key: KEY}` in `env`."""
    if path[-1:] != ("secret",):
        return False
    grandparent = ("", "", *path)[-3]
    if not str(grandparent).endswith("env"):
        return False
    reference = value_at(config, path[:-1])
    return isinstance(reference, dict) and "key" in reference and reference.keys() <= {"secret", "key", "optional"}
