# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain ways to a cluster, read without the Kubernetes client, which takes long to load.

A token or a certificate, from the options, the environment or one kubeconfig; and the command by which `aws eks
update-kubeconfig` has tokens made, which we do ourselves. Whatever else there is (other commands, providers, proxies,
impersonation, a pod's own account) is left to the client of kubernetes.core, and errors are too.

`O11Y_PLAIN_CONNECTION=false` in the environment leaves every kubeconfig to that client, which takes about 0.9 s of CPU
to load (docs/many_clusters.md). Private.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..._otelcol.bounded.live.bounded_reads import read_file_text
from ..._otelcol.bounded.read_limits import CREDENTIAL_LIMIT
from ..eks_token import parse_token_command
from .kubeconfig_paths import DEFAULT_PATH, expand_tilde

# Options and variables that mean more than a plain connection.
OTHER_OPTIONS = (
    *("username", "password", "proxy", "no_proxy", "proxy_headers", "persist_config"),
    *("impersonate_user", "impersonate_groups"),
)
OTHER_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
OTHER_USER_KEYS = ("exec", "auth-provider", "username", "password", "as", "as-groups")
OTHER_CLUSTER_KEYS = ("proxy-url", "tls-server-name")
IN_CLUSTER_VARIABLE = "KUBERNETES_SERVICE_HOST"
SWITCH_VARIABLE = "O11Y_PLAIN_CONNECTION"

LoadYaml = Callable[[str], Any]
"""Returns what a text of YAML holds."""
KeepFile = Callable[[bytes], str]
"""Writes a file, and returns its path."""


@dataclass(frozen=True)
class PlainConnection:
    """A server, and a token or the files of a certificate for it."""

    host: str
    token: str = ""
    verifies_server: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    eks_parameters: Mapping[str, str] | None = None
    """The EKS cluster for which a command of the kubeconfig would make a token; we make it ourselves."""


def is_plain_allowed(environ: Mapping[str, str]) -> bool:
    """Whether a connection may be made without the client; only a false value in the environment turns it off."""
    return bool(boolean(environ.get(SWITCH_VARIABLE) or "true", strict=False))


def read_option(params: Mapping[str, Any], environ: Mapping[str, str], name: str, alias: str) -> Any:
    """Return an option of kubernetes.core, or its variable under either of its names."""
    if params.get(name) is not None:
        return params[name]
    value = environ.get(f"K8S_AUTH_{name.upper()}") or environ.get(f"K8S_AUTH_{alias.upper()}")
    if value and name == "validate_certs":
        return value.lower() not in ("0", "false", "no")
    return value


def find_plain_connection(
    params: Mapping[str, Any],
    environ: Mapping[str, str],
    names_by_alias: Mapping[str, str],
    load_yaml: LoadYaml,
    keep_file: KeepFile,
) -> PlainConnection | None:
    """Return the connection when it is a plain one, and the switch is on.

    `names_by_alias` are the options by their aliases, `load_yaml` parses YAML, and `keep_file` writes a file and
    returns its path.
    """
    if not is_plain_allowed(environ):
        return None
    options = {name: read_option(params, environ, name, alias) for alias, name in names_by_alias.items()}
    options |= {name: read_option(params, environ, name, name) for name in OTHER_OPTIONS}
    other_settings = [*(options.get(name) for name in OTHER_OPTIONS), *(environ.get(name) for name in OTHER_VARIABLES)]
    if any(other_settings):
        return None
    if _is_without_kubeconfig(options):
        return _apply_options(PlainConnection(host=""), options)
    if environ.get(IN_CLUSTER_VARIABLE) and not options["kubeconfig"] and not options["context"]:
        return None
    file_connection = _read_connection(options, environ, load_yaml, keep_file)
    return _apply_options(file_connection, options) if file_connection else None


def _is_without_kubeconfig(options: Mapping[str, Any]) -> bool:
    """Return whether the options are enough without a kubeconfig: a server, and what says who asks."""
    has_certificate = options["client_cert"] and options["client_key"]
    return bool(options["host"] and (options["api_key"] or has_certificate))


def _apply_options(connection: PlainConnection, options: Mapping[str, Any]) -> PlainConnection:
    """Return a connection with the options that are set in place of what a kubeconfig says."""
    verify = options["validate_certs"]
    return PlainConnection(
        host=(options["host"] or connection.host).rstrip("/"),
        token=options["api_key"] or connection.token,
        verifies_server=connection.verifies_server if verify is None else verify,
        ca_file=options["ca_cert"] or connection.ca_file,
        cert_file=options["client_cert"] or connection.cert_file,
        key_file=options["client_key"] or connection.key_file,
        eks_parameters=None if options["api_key"] else connection.eks_parameters,
    )


def _read_connection(
    options: dict[str, Any], environ: Mapping[str, str], load_yaml: LoadYaml, keep_file: KeepFile
) -> PlainConnection | None:
    """Return the plain connection of a kubeconfig; None if it has another one, or cannot be read."""
    config, folder = options["kubeconfig"], Path()
    try:
        if not isinstance(config, dict):
            path = Path(expand_tilde(config or environ.get("KUBECONFIG") or DEFAULT_PATH))
            config, folder = load_yaml(read_file_text(path)), path.parent
        context = _find_entry(config, "context", options["context"] or config["current-context"])
        cluster = _find_entry(config, "cluster", context["cluster"])
        user = _find_entry(config, "user", context["user"])
        if any(key in cluster for key in OTHER_CLUSTER_KEYS):
            return None
        eks = parse_token_command(user["exec"]) if list(user) == ["exec"] else None
        if eks:  # no token of the user: it is made here
            return replace(_build_connection(cluster, {}, folder, keep_file), eks_parameters=eks)
        if any(key in user for key in OTHER_USER_KEYS):
            return None
        return _build_connection(cluster, user, folder, keep_file)
    except (OSError, LookupError, TypeError, AttributeError, ValueError, binascii.Error):
        return None


def _find_entry(config: dict[str, Any], entry_kind: str, name: str) -> dict[str, Any]:
    """Return an entry of a kubeconfig; a missing one is a LookupError."""
    entries: dict[str, dict[str, Any]] = {entry["name"]: entry[entry_kind] or {} for entry in config[f"{entry_kind}s"]}
    return entries[name]


def _read_token(user: dict[str, Any], folder: Path) -> str:
    """Return the token of a user, which may be in a file; an empty text for a user without one."""
    if user.get("token"):
        return str(user["token"])
    token_file = user.get("tokenFile")
    return read_file_text(folder / token_file, CREDENTIAL_LIMIT).strip() if token_file else ""


def _build_connection(
    cluster: dict[str, Any], user: dict[str, Any], folder: Path, keep_file: KeepFile
) -> PlainConnection:
    """Return the connection for a cluster and a user. Paths in a kubeconfig are relative to its folder."""

    def find_file(entry: dict[str, Any], key: str) -> str | None:
        if entry.get(f"{key}-data"):
            return keep_file(base64.b64decode(entry[f"{key}-data"]))
        return str(folder / entry[key]) if entry.get(key) else None

    return PlainConnection(
        host=cluster["server"],
        token=_read_token(user, folder),
        verifies_server=not cluster.get("insecure-skip-tls-verify"),
        ca_file=find_file(cluster, "certificate-authority"),
        cert_file=find_file(user, "client-certificate"),
        key_file=find_file(user, "client-key"),
    )
