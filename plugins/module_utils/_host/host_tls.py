# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a collector of a host: its CA, its certificate and its key are credentials of its service.

With them, a gateway receives only from clients with a certificate of the CA, and senders trust only servers of the CA.
systemd copies credentials when the service starts, so a changed one restarts it.
Source: configtls/configtls.go. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._otelcol.config.addresses import is_loopback
from .._otelcol.errors import Problem
from .host_credentials import Credential, credential_of

CA, CERTIFICATE, KEY = "ca", "certificate", "key"
SERVER_NAME = "server_name"
_FOLDER = "${env:CREDENTIALS_DIRECTORY}"
_OPTION = "mutual_tls"
# No variable has a dash, so that no credential of `env` has one of these names.
_NAMES = {part: f"tls-{part}" for part in (CA, CERTIFICATE, KEY)}


def tls_credentials(tls: Mapping[str, Any], config_text: str, read: Callable[[str], str]) -> tuple[Credential, ...]:
    """Return the credentials of option `tls` that a config reads. Raises Problem for what no host has.

    `read` returns the text of a file of the controller.
    """
    credentials = [credential_of(f"tls.{part}", _NAMES[part], tls[part], read) for part in _given_parts(tls)]
    return tuple(credential for credential in credentials if _file(credential.name) in config_text)


def check_tls(tls: Mapping[str, Any]) -> None:
    """Raise Problem for an option `tls` without all parts of mutual TLS."""
    given = _given_parts(tls)
    missing = [part for part in _NAMES if part not in given]
    if given and missing:
        wrong = f"`tls` has no `{missing[0]}`, and mutual TLS needs {', '.join(_NAMES)}"
        raise Problem(wrong, fix=f"Add `{missing[0]}: {{credential: {{path: FILE_ON_THE_HOST}}}}`.")


def client_tls(collector: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the TLS settings of an exporter: with `to`, those of option `tls` if there is one; empty for others."""
    is_asked_for = options.get(_OPTION)
    if is_asked_for and options.get("insecure"):
        raise Problem(f"options '{_OPTION}' and 'insecure' exclude each other", fix="Remove one of the two.")
    is_usual = bool(options.get("to")) and not options.get("insecure")
    tls = _tls(collector, is_asked_for, is_usual)
    if not tls:
        return {}
    settings = {
        "ca_file": _file(_NAMES[CA]),
        "cert_file": _file(_NAMES[CERTIFICATE]),
        "key_file": _file(_NAMES[KEY]),
    }
    server_name = tls.get(SERVER_NAME)
    if server_name and options.get("to"):
        settings["server_name_override"] = server_name
    return settings


def server_tls(collector: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the TLS settings of a receiver: beyond the loopback, those of option `tls` if there is one."""
    is_usual = not is_loopback(getattr(collector, "listen_address", "127.0.0.1"))
    if not _tls(collector, options.get(_OPTION), is_usual):
        return {}
    return {
        "cert_file": _file(_NAMES[CERTIFICATE]),
        "key_file": _file(_NAMES[KEY]),
        "client_ca_file": _file(_NAMES[CA]),
    }


def _tls(collector: Any, is_asked_for: bool | None, is_usual: bool) -> Mapping[str, Any]:
    """Return option `tls` of a collector if a recipe uses it. Raises Problem if it is asked for, and there is none.

    A recipe that does not say uses it where that is usual.
    """
    tls: Mapping[str, Any] = getattr(collector, "tls", None) or {}
    has_tls = bool(_given_parts(tls))
    if is_asked_for and not has_tls:
        wrong = f"option '{_OPTION}' needs the certificates of option `tls`, which only collectors of Linux hosts have"
        raise Problem(wrong, fix="Set `otel_host_tls`, or the options that name Secrets.")
    is_used = is_usual if is_asked_for is None else is_asked_for
    return tls if has_tls and is_used else {}


def _given_parts(tls: Mapping[str, Any]) -> list[str]:
    """Return which parts of mutual TLS an option has."""
    return [part for part in _NAMES if tls.get(part)]


def _file(name: str) -> str:
    return f"{_FOLDER}/{name}"
