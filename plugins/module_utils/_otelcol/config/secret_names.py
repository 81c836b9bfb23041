# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names say that a value is a secret: the names of settings, headers, attributes and variables. Private.

Settings `password`, `api_token` and `apiKey`, header `X-Api-Key` and variable `DATADOG_KEY` hold secrets; setting
`ca_secret`, header `X-Request-Id` and variable `PARTITION_KEY` do not. Only names are judged here, so a value may still
be a reference or a placeholder. secret_paths.py judges the path of a value.

| function | name | true | false |
|---|---|---|---|
| `is_secret_name` | of a setting, header or variable | `apiToken`, `db_password` | `next_token`, `endpoint` |
| `is_secret_header` | of a header | `authorization`, `x-vendor-key` | `x-request-id` |
| `is_harmless_header` | of a header | `x-scope-orgid`, `accept` | `x-vendor-key`, `x-other` |
| `is_secret_attribute` | of an attribute, with its value | `password` with `abcd` | `password` with `***` |
| `is_setting_of_pairs` | of a setting | `dsn`, `response_headers` | `token` |
| `is_setting_of_headers` | of a setting | `headers`, `response_headers` | `header` |
| `names_credential_source` | of a setting, with its value | `credentials` with `/var/aws` | `credentials` with `abcd` |

Sources: the settings that the Collector types as opaque (`_data/catalogue/opaque.json`), and what vendors call their
credentials.
"""

from __future__ import annotations

import re
from functools import lru_cache

# ── Words of settings and variables, in the spelling of `_snake_case` ──

# Passwords, and what else a person or a program shows to be let in.
_PASSWORD_WORDS = ("pass", "password", "passwd", "passphrase", "pwd")
_LOGIN_WORDS = ("authorization", "credential", "credentials", "secret", "token")
# What stands before `key` in a secret, as in `api_key` and `apikey`: a vendor's product, a user's account, or what the
# key does. Others, such as `partition_key`, are none.
_VENDOR_KEYS = (
    "api",
    "app",
    "application",
    "ingest",
    "ingestion",
    "instrumentation",
    "integration",
    "license",
    "write",
)
_ACCOUNT_KEYS = ("access", "account", "auth", "shared", "shared_access", "storage")
_CRYPTOGRAPHIC_KEYS = ("client_certificate", "encryption", "private", "secret", "signing")
_OWNERS_OF_KEYS = (*_VENDOR_KEYS, *_ACCOUNT_KEYS, *_CRYPTOGRAPHIC_KEYS)
# The text of a private key.
_PRIVATE_KEY_WORDS = ("key_pem", "client_key_data")
# What the owner of a key adds to a URL, so that others may use the URL.
_SIGNATURE_WORDS = ("shared_access_signature", "x_amz_signature")
# Addresses with a password inside.
_ADDRESS_WORDS = ("connection_string", "connectionstring", "dsn")
_SECRET_WORDS = (
    *_PASSWORD_WORDS,
    *_LOGIN_WORDS,
    *(f"{owner}_key" for owner in _OWNERS_OF_KEYS),
    *(f"{owner}key" for owner in _OWNERS_OF_KEYS),
    *_PRIVATE_KEY_WORDS,
    *_SIGNATURE_WORDS,
    *_ADDRESS_WORDS,
)
# The name of a secret may be longer: `db_password`.
_SECRET_ENDS = tuple(f"_{word}" for word in _SECRET_WORDS)
# These names are those of secrets only if they are not longer.
_WHOLE_SECRET_NAMES = frozenset({"cookie", "bearer", "pat"})
# These settings have the name of a Secret of Kubernetes.
_NAMES_OF_KUBERNETES_SECRETS = frozenset(
    {"ca_secret", "tls_secret", "client_ca_secret", "client_tls_secret", "image_pull_secret"}
)
# These tokens are for the next page of a list.
_PAGE_TOKENS = ("pagination_token", "next_token")
# An environment variable whose name ends in _KEY, such as `DATADOG_KEY`, but not these.
_KEY_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*_KEY\Z")
_HARMLESS_KEY_VARIABLES = ("_PARTITION_KEY", "_PRIMARY_KEY", "_PUBLIC_KEY", "_ROUTING_KEY", "_SORT_KEY")
# Where a word of a name begins: between `api` and `Key` of `apiKey`, or at a dash, dot, slash or blank.
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-./\s]")

# Ends of the names of data sources, which are addresses of databases. They are secrets only with a password inside.
DATA_SOURCES = ("dsn", "datasource", "data_source", "connection", "connection_string")
# Ends of the names of lists of headers, as text `NAME=VALUE,NAME=VALUE`.
_HEADER_LISTS = ("_headers", "headers_list")
# What receiver azure_monitor has for `credentials`. Source: contrib's azuremonitorreceiver/config.go.
_LOGIN_METHODS = ("service_principal", "workload_identity", "managed_identity", "default_credentials")

# ── Words of headers, in the spelling of `_header_spelling` ──

# Secrets beside those above: `x-auth`, `set-cookie`, `x-honeycomb-team`, and a vendor's `x-vendor-key`.
_SECRET_HEADER_ENDS = ("-auth", "-cookie", "-team")
_VENDOR_KEY_HEADER = re.compile(r"x-.*-key\Z")
# No secrets: what HTTP says about the request and its content.
_HTTP_HEADERS = ("accept", "cache-control", "connection", "host", "origin", "referer", "user-agent", "x-requested-with")
_CONTENT_WORDS = ("charset", "encoding", "language", "length", "protocol", "schema", "type", "version")
# No secrets: the trace that a request belongs to, and the proxies on its way.
_TRACE_HEADERS = ("traceparent", "tracestate")
_TRACE_OR_PROXY_HEADER = re.compile(r"(?:x-b3-.*|x-forwarded-.*|.*-trace-id)\Z")
# No secrets: where data is from, whose it is, and to which place in the backend it goes.
_SOURCE_WORDS = ("app", "application", "cluster", "env", "environment", "group", "region", "service", "site", "source")
_OWNER_WORDS = ("name", "namespace", "org", "organisation", "organization", "project", "tenant")
_OWNER_IDS = ("account-id", "cluster-id", "org-id", "project-id", "tenant-id")
_OWNER_IDS_IN_ONE_WORD = ("accountid", "clusterid", "orgid", "projectid", "tenantid")
_PLACE_WORDS = ("collection", "database", "dataset", "index", "pipeline", "stream", "table")
_HARMLESS_WORDS = (
    *_CONTENT_WORDS,
    *_SOURCE_WORDS,
    *_OWNER_WORDS,
    *_OWNER_IDS,
    *_OWNER_IDS_IN_ONE_WORD,
    *_PLACE_WORDS,
)
_HARMLESS_HEADERS = frozenset({*_HTTP_HEADERS, *_TRACE_HEADERS})
# The name of such a header may be longer: `x-scope-orgid`.
_HARMLESS_HEADER_ENDS = tuple(f"-{word}" for word in _HARMLESS_WORDS)

# Longer names are no secret's, and no text of others makes a pattern slow.
_LONGEST_NAME = 128
# Shorter values of an attribute that is named like a secret hide one: `x` and `***`.
_SHORTEST_ATTRIBUTE = 4


def is_secret_name(name: str) -> bool:
    """Whether a setting, header or environment variable of this name holds a secret: `apiToken` does."""
    return _is_secret_name_cached(name[:_LONGEST_NAME])


@lru_cache(maxsize=4096)
def _is_secret_name_cached(name: str) -> bool:
    """Answer `is_secret_name` for a name that is cut to a length that may be cached."""
    snake_name = _snake_case(name)
    if snake_name in _NAMES_OF_KUBERNETES_SECRETS or snake_name.endswith(_PAGE_TOKENS):
        return False
    if snake_name in _WHOLE_SECRET_NAMES or f"_{snake_name}".endswith(_SECRET_ENDS):
        return True
    return bool(_KEY_VARIABLE.match(name)) and not f"_{name}".endswith(_HARMLESS_KEY_VARIABLES)


def _snake_case(name: str) -> str:
    """Return a name in lower case, with an underscore between its words: `api_key` for `apiKey` and `Api-Key`."""
    return _BETWEEN_WORDS.sub("_", name).lower()


def is_secret_header(name: str) -> bool:
    """Whether a header of this name holds a credential: `authorization`, `x-api-key`, `cookie`."""
    if is_secret_name(name):
        return True
    header = _header_spelling(name)
    return f"-{header}".endswith(_SECRET_HEADER_ENDS) or bool(_VENDOR_KEY_HEADER.match(header))


def is_harmless_header(name: str) -> bool:
    """Whether a header of this name is known to hold no credential: `accept`, `x-scope-orgid`, `x-b3-traceid`."""
    header = _header_spelling(name)
    if header in _HARMLESS_HEADERS or f"-{header}".endswith(_HARMLESS_HEADER_ENDS):
        return True
    return bool(_TRACE_OR_PROXY_HEADER.match(header))


def _header_spelling(name: str) -> str:
    """Return a name as HTTP/2 spells headers: `x-api-key` for `X_Api_Key`."""
    return name.lower().replace("_", "-")


def is_secret_attribute(name: str, value: str) -> bool:
    """Whether an attribute is named like a secret, and its value is long enough not to hide one."""
    return is_secret_name(name) and len(value) >= _SHORTEST_ATTRIBUTE


def is_setting_of_pairs(name: object) -> bool:
    """Whether a setting of this name may have `NAME=VALUE` inside: a data source, or a list of headers as text."""
    return _is_setting_of_pairs_cached(str(name)[-_LONGEST_NAME:])


@lru_cache(maxsize=4096)
def _is_setting_of_pairs_cached(name: str) -> bool:
    """Answer `is_setting_of_pairs` for the end of a name, which may be cached."""
    return _snake_case(name).endswith((*DATA_SOURCES, *_HEADER_LISTS))


def is_setting_of_headers(name: object) -> bool:
    """Whether the keys below a setting of this name are those of headers: `headers`, `response_headers`."""
    return f"_{name}".endswith("_headers")


def names_credential_source(name: object, value: str) -> bool:
    """Whether a setting such as `credentials` only says where credentials are: in a file, or by which method."""
    is_file_or_method = value.startswith(("/", "./", "~/")) or value in _LOGIN_METHODS
    return is_file_or_method and str(name).lower().startswith("credential")
