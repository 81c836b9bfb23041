# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutual TLS between collectors of hosts, by the option `tls` of a collector. Private.

The option has a CA, a certificate and a key, which are credentials of the service:
`tls: {ca: {credential: {path: /etc/ca.pem}}, certificate: …, key: …}`. A gateway then accepts only clients with a
certificate of the CA, and senders trust only servers with such a certificate. systemd copies credentials when the
service starts, so a changed certificate restarts the service.

`_recipe_layers.py` of plugin_utils gives the TLS settings to the templates of recipes. Those of an exporter are
`{"ca_file": "${env:CREDENTIALS_DIRECTORY}/tls-ca", "cert_file": "…/tls-certificate", "key_file": "…/tls-key"}`.
Source of the names of settings: config/configtls/configtls.go of the Collector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._otelcol.config.addresses import is_loopback
from .._otelcol.errors import Problem
from .host_credentials import Credential, read_credential

# The parts of mutual TLS, as option `tls` names them.
CA = "ca"
CERTIFICATE = "certificate"
KEY = "key"
# The key of option `tls` with the name in the certificates of servers.
SERVER_NAME = "server_name"
_CREDENTIAL_FOLDER = "${env:CREDENTIALS_DIRECTORY}"
# The option of a recipe that asks for mutual TLS, or refuses it.
_MUTUAL_TLS = "mutual_tls"
# The names of the credentials. Variables have no dash, so no credential of option `env` can have one of these names.
_CREDENTIAL_NAMES = {part: f"tls-{part}" for part in (CA, CERTIFICATE, KEY)}


def list_tls_credentials(
    tls: Mapping[str, Any], config_text: str, read_file: Callable[[str], str]
) -> tuple[Credential, ...]:
    """Return the credentials of option `tls` that a config reads. Raises Problem for sources that hosts do not have.

    `read_file` returns the text of a file of the controller.
    """
    read_credentials = []
    for part in _list_given_parts(tls):
        credential = read_credential(f"tls.{part}", _CREDENTIAL_NAMES[part], tls[part], read_file)
        if _credential_path(credential.name) in config_text:
            read_credentials.append(credential)
    return tuple(read_credentials)


def check_tls_option(tls: Mapping[str, Any]) -> None:
    """Raise Problem for an option `tls` that has some parts of mutual TLS, and not all."""
    given_parts = _list_given_parts(tls)
    missing_parts = [part for part in _CREDENTIAL_NAMES if part not in given_parts]
    if given_parts and missing_parts:
        wrong = f"`tls` has no `{missing_parts[0]}`, and mutual TLS needs {', '.join(_CREDENTIAL_NAMES)}"
        raise Problem(wrong, fix=f"Add `{missing_parts[0]}: {{credential: {{path: FILE_ON_THE_HOST}}}}`.")


def build_client_tls(collector: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the TLS settings of an exporter of a recipe with these options; empty without mutual TLS.

    `options` are those of the recipe: `mutual_tls`, `insecure` and `to` count here. `collector` is any collector; only
    a `HostCollector` has option `tls`.

    An exporter that sends to collectors of the inventory (option `to`) uses mutual TLS if the collector has option
    `tls`, unless the options say otherwise.
    """
    is_requested, is_insecure = options.get(_MUTUAL_TLS), bool(options.get("insecure"))
    if is_requested and is_insecure:
        raise Problem(f"options '{_MUTUAL_TLS}' and 'insecure' exclude each other", fix="Remove one of the two.")
    is_default = bool(options.get("to")) and not is_insecure
    tls_option = _choose_tls_option(collector, is_requested, is_default)
    if not tls_option:
        return {}
    settings = {
        "ca_file": _credential_path(_CREDENTIAL_NAMES[CA]),
        "cert_file": _credential_path(_CREDENTIAL_NAMES[CERTIFICATE]),
        "key_file": _credential_path(_CREDENTIAL_NAMES[KEY]),
    }
    # The name is that of the gateways of `to` alone. A server at another endpoint has a certificate for its own name.
    server_name = tls_option.get(SERVER_NAME)
    if server_name and options.get("to"):
        settings["server_name_override"] = server_name
    return settings


def build_server_tls(collector: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the TLS settings of a receiver of a recipe with these options; empty without mutual TLS.

    A receiver that other hosts reach uses mutual TLS if the collector has option `tls`, unless the options say
    otherwise.
    """
    is_default = not is_loopback(getattr(collector, "listen_address", "127.0.0.1"))
    if not _choose_tls_option(collector, options.get(_MUTUAL_TLS), is_default):
        return {}
    return {
        "cert_file": _credential_path(_CREDENTIAL_NAMES[CERTIFICATE]),
        "key_file": _credential_path(_CREDENTIAL_NAMES[KEY]),
        "client_ca_file": _credential_path(_CREDENTIAL_NAMES[CA]),
    }


def _choose_tls_option(collector: Any, is_requested: bool | None, is_default: bool) -> Mapping[str, Any]:
    """Return option `tls` of a collector if a component uses it; empty if it does not.

    `is_requested` is what the user says, and None if the user says nothing; then `is_default` counts. Raises Problem
    for a request without option `tls`.
    """
    tls_option: Mapping[str, Any] = getattr(collector, "tls", None) or {}
    has_tls = bool(_list_given_parts(tls_option))
    if is_requested and not has_tls:
        wrong = (
            f"option '{_MUTUAL_TLS}' needs the certificates of option `tls`, which only collectors of Linux hosts have"
        )
        raise Problem(wrong, fix="Set `otel_host_tls`, or the options that name Secrets.")
    is_used = is_default if is_requested is None else is_requested
    return tls_option if has_tls and is_used else {}


def _list_given_parts(tls: Mapping[str, Any]) -> list[str]:
    """Return which parts of mutual TLS an option has."""
    return [part for part in _CREDENTIAL_NAMES if tls.get(part)]


def _credential_path(name: str) -> str:
    """Return the path of a credential, as the config of the service names it."""
    return f"{_CREDENTIAL_FOLDER}/{name}"
