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

from .._otelcol.config.paths import is_loopback
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
    given = {part: tls[part] for part in _parts(tls)}
    found = [credential_of(f"tls.{part}", _NAMES[part], source, read) for part, source in given.items()]
    return tuple(one for one in found if _file(one.name) in config_text)


def check_tls(tls: Mapping[str, Any]) -> None:
    """Raise Problem for an option `tls` without all parts of mutual TLS."""
    missing = [part for part in _NAMES if part not in _parts(tls)]
    if _parts(tls) and missing:
        wrong = f"`tls` has no `{missing[0]}`, and mutual TLS needs {', '.join(_NAMES)}"
        raise Problem(wrong, fix=f"Add `{missing[0]}: {{credential: {{path: FILE_ON_THE_HOST}}}}`.")


def client_tls(collector: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the TLS settings of an exporter: with `to`, those of option `tls` if there is one; empty for others."""
    wanted = options.get(_OPTION)
    if wanted and options.get("insecure"):
        raise Problem(f"options '{_OPTION}' and 'insecure' exclude each other", fix="Remove one of the two.")
    usual = bool(options.get("to")) and not options.get("insecure")
    tls = _tls(collector, wanted, usual)
    if not tls:
        return {}
    name = tls.get(SERVER_NAME)
    return {
        "ca_file": _file(_NAMES[CA]),
        "cert_file": _file(_NAMES[CERTIFICATE]),
        "key_file": _file(_NAMES[KEY]),
        **({"server_name_override": name} if name and options.get("to") else {}),
    }


def server_tls(collector: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the TLS settings of a receiver: beyond the loopback, those of option `tls` if there is one."""
    usual = not is_loopback(getattr(collector, "listen_address", "127.0.0.1"))
    if not _tls(collector, options.get(_OPTION), usual):
        return {}
    return {
        "cert_file": _file(_NAMES[CERTIFICATE]),
        "key_file": _file(_NAMES[KEY]),
        "client_ca_file": _file(_NAMES[CA]),
    }


def _tls(collector: Any, wanted: bool | None, usual: bool) -> Mapping[str, Any]:
    """Return option `tls` of a collector if a recipe wants it. Raises Problem if there is none to want."""
    tls: Mapping[str, Any] = getattr(collector, "tls", None) or {}
    has_tls = bool(_parts(tls))
    if wanted and not has_tls:
        wrong = f"option '{_OPTION}' needs the certificates of option `tls`, which only collectors of Linux hosts have"
        raise Problem(wrong, fix="Set `otel_host_tls`, or the options that name Secrets.")
    return tls if wanted or (has_tls and usual and wanted is None) else {}


def _parts(tls: Mapping[str, Any]) -> list[str]:
    return [part for part in _NAMES if tls.get(part)]


def _file(name: str) -> str:
    return f"{_FOLDER}/{name}"
