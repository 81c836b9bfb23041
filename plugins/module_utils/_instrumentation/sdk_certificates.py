# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates with which SDKs export by TLS: option `tls` of an Instrumentation, checked. Private.

The operator takes them from a Secret or a ConfigMap. The name of a file is a key of it, or an absolute path in the
container of the application:

| options | result |
|---|---|
| `secret_name: tls, ca_file: ca.crt, cert_file: tls.crt, key_file: tls.key` | taken: all are keys of the Secret |
| `config_map_name: ca, ca_file: ca.crt` | taken |
| `ca_file: /etc/ssl/ca.crt` | taken: a path needs neither |
| `config_map_name: ca, cert_file: tls.crt, key_file: tls.key` | refused: a key of a client is in a Secret |
| `ca_file: ca.crt` | refused: nothing says of what it is a key |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._otelcol.errors import Problem


def check_tls(tls_options: Mapping[str, Any]) -> dict[str, str]:
    """Return the given options of `tls`. Raises Problem for a set of which the operator would ignore a part."""
    tls = {key: str(value) for key, value in tls_options.items() if value}
    if tls:
        _check_file_set(tls)
        _check_sources(tls)
    return tls


def _check_file_set(tls: Mapping[str, str]) -> None:
    """Raise Problem for options without a file, or with half of the certificate and key of a client."""
    if ("cert_file" in tls) != ("key_file" in tls):
        raise Problem("its `tls` has one of cert_file and key_file", fix="Give both, or none.")
    if "ca_file" not in tls and "cert_file" not in tls:
        raise Problem("its `tls` uses no file", fix="Give ca_file, such as ca.crt, or cert_file and key_file.")


def _check_sources(tls: Mapping[str, str]) -> None:
    """Raise Problem for a key without the Secret or ConfigMap that has it."""
    if "secret_name" in tls:
        return
    for option in ("cert_file", "key_file"):
        if _is_key(tls.get(option)):
            raise Problem(f"its `tls` has {option}, but no secret_name", fix="Give secret_name, or an absolute path.")
    if "config_map_name" not in tls and _is_key(tls.get("ca_file")):
        wrong = "its `tls` has ca_file, but no config_map_name or secret_name"
        raise Problem(wrong, fix="Give one of them, or an absolute path.")


def _is_key(file: str | None) -> bool:
    """Return whether the name of a file is a key of a Secret or ConfigMap, and no absolute path."""
    return file is not None and not file.startswith("/")
