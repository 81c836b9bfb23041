# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a plain connection to a cluster: one that needs no Kubernetes client, which takes 0.9 s of CPU to load. Private.

`connect` calls it, and takes the client of kubernetes.core if there is no plain connection. A connection is plain if it
has a token or a certificate of the options, of the environment or of one kubeconfig. It also is if the kubeconfig has
the command of `aws eks update-kubeconfig`, whose tokens this collection makes itself. All else is left to the client:
other commands, providers, proxies, impersonation, a pod's own account, and what cannot be read.

`O11Y_PLAIN_CONNECTION=false` in the environment turns plain connections off (docs/many_clusters.md).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..._otelcol.bounded.live.bounded_reads import read_file_text
from ..._otelcol.bounded.read_limits import CREDENTIAL_LIMIT
from ..eks_token_commands import parse_token_command
from .kubeconfig_paths import DEFAULT_PATH, expand_tilde

# Options, variables and keys of a kubeconfig with which a connection is not plain.
OTHER_OPTIONS = (
    "username",
    "password",
    "proxy",
    "no_proxy",
    "proxy_headers",
    "persist_config",
    "impersonate_user",
    "impersonate_groups",
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
    """The EKS cluster that this collection makes tokens for, as `parse_token_command` returns it; None for others."""


@dataclass(frozen=True)
class _Options:
    """The options of kubernetes.core that a plain connection has; None or empty for one that is not set."""

    kubeconfig: Any
    """The path of a kubeconfig, or its content."""
    context: str | None
    host: str | None
    api_key: str | None
    validate_certs: bool | None
    ca_cert: str | None
    client_cert: str | None
    client_key: str | None


def find_plain_connection(
    params: Mapping[str, Any],
    environ: Mapping[str, str],
    names_by_alias: Mapping[str, str],
    load_yaml: LoadYaml,
    keep_file: KeepFile,
) -> PlainConnection | None:
    """Return the plain connection that options, environment and kubeconfig name; None if it is not plain.

    `names_by_alias` are the options of kubernetes.core by their aliases.
    """
    if not is_plain_allowed(environ) or _has_other_settings(params, environ):
        return None
    options = _read_options(params, environ, names_by_alias)
    if _is_without_kubeconfig(options):
        return _apply_options(PlainConnection(host=""), options)
    if environ.get(IN_CLUSTER_VARIABLE) and not options.kubeconfig and not options.context:
        return None
    file_connection = _read_kubeconfig(options, environ, load_yaml, keep_file)
    return _apply_options(file_connection, options) if file_connection else None


# ── Options ──


def is_plain_allowed(environ: Mapping[str, str]) -> bool:
    """Whether a connection may be made without the client; only a false value in the environment turns it off."""
    return bool(boolean(environ.get(SWITCH_VARIABLE) or "true", strict=False))


def read_option(params: Mapping[str, Any], environ: Mapping[str, str], name: str, alias: str) -> Any:
    """Return an option of kubernetes.core, or else its variable, which is named after the option or its alias.

    So option `host` is `K8S_AUTH_HOST` in the environment.
    """
    if params.get(name) is not None:
        return params[name]
    value = environ.get(f"K8S_AUTH_{name.upper()}") or environ.get(f"K8S_AUTH_{alias.upper()}")
    if value and name == "validate_certs":
        return value.lower() not in ("0", "false", "no")
    return value


def _has_other_settings(params: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Return whether an option or a variable is set with which a connection is not plain."""
    if any(environ.get(name) for name in OTHER_VARIABLES):
        return True
    return any(read_option(params, environ, name, name) for name in OTHER_OPTIONS)


def _read_options(params: Mapping[str, Any], environ: Mapping[str, str], names_by_alias: Mapping[str, str]) -> _Options:
    values = {name: read_option(params, environ, name, alias) for alias, name in names_by_alias.items()}
    return _Options(**{field.name: values[field.name] for field in fields(_Options)})


def _is_without_kubeconfig(options: _Options) -> bool:
    """Return whether the options are enough without a kubeconfig: a server, and a token or certificate for it."""
    has_certificate = options.client_cert and options.client_key
    return bool(options.host and (options.api_key or has_certificate))


def _apply_options(connection: PlainConnection, options: _Options) -> PlainConnection:
    """Return a connection with the options that are set in place of what a kubeconfig says."""
    verifies_server = options.validate_certs
    if verifies_server is None:
        verifies_server = connection.verifies_server
    return PlainConnection(
        host=(options.host or connection.host).rstrip("/"),
        token=options.api_key or connection.token,
        verifies_server=verifies_server,
        ca_file=options.ca_cert or connection.ca_file,
        cert_file=options.client_cert or connection.cert_file,
        key_file=options.client_key or connection.key_file,
        eks_parameters=None if options.api_key else connection.eks_parameters,
    )


# ── The kubeconfig ──


def _read_kubeconfig(
    options: _Options, environ: Mapping[str, str], load_yaml: LoadYaml, keep_file: KeepFile
) -> PlainConnection | None:
    """Return the connection of a kubeconfig; None if it is not plain, or if the kubeconfig cannot be read."""
    try:
        if isinstance(options.kubeconfig, dict):
            return _find_connection(options.kubeconfig, options.context, Path(), keep_file)
        path = Path(expand_tilde(options.kubeconfig or environ.get("KUBECONFIG") or DEFAULT_PATH))
        config = load_yaml(read_file_text(path))
        return _find_connection(config, options.context, path.parent, keep_file)
    except (OSError, LookupError, TypeError, AttributeError, ValueError, binascii.Error):
        return None


def _find_connection(
    config: dict[str, Any], context_name: str | None, folder: Path, keep_file: KeepFile
) -> PlainConnection | None:
    """Return the connection of a context, or of the current one; None if it is not plain.

    Raises one of several errors for a kubeconfig of another form.
    """
    context = _find_entry(config, "context", context_name or config["current-context"])
    cluster = _find_entry(config, "cluster", context["cluster"])
    user = _find_entry(config, "user", context["user"])
    if any(key in cluster for key in OTHER_CLUSTER_KEYS):
        return None
    eks_parameters = parse_token_command(user["exec"]) if list(user) == ["exec"] else None
    if eks_parameters:
        without_login = _build_connection(cluster, {}, folder, keep_file)
        return replace(without_login, eks_parameters=eks_parameters)
    if any(key in user for key in OTHER_USER_KEYS):
        return None
    return _build_connection(cluster, user, folder, keep_file)


def _find_entry(config: dict[str, Any], entry_kind: str, name: str) -> dict[str, Any]:
    """Return an entry of a kubeconfig by its name; `entry_kind` is `context`, `cluster` or `user`.

    Raises LookupError if it is missing.
    """
    entries: dict[str, dict[str, Any]] = {entry["name"]: entry[entry_kind] or {} for entry in config[f"{entry_kind}s"]}
    return entries[name]


def _build_connection(
    cluster: dict[str, Any], user: dict[str, Any], folder: Path, keep_file: KeepFile
) -> PlainConnection:
    """Return the connection for a cluster and a user. Paths in a kubeconfig are relative to its folder."""

    def find_file(entry: dict[str, Any], key: str) -> str | None:
        """Return the path that an entry has, or that of a new file with the content that it has."""
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


def _read_token(user: dict[str, Any], folder: Path) -> str:
    """Return the token of a user, which may be in a file; an empty text for a user without one."""
    if user.get("token"):
        return str(user["token"])
    token_file = user.get("tokenFile")
    return read_file_text(folder / token_file, CREDENTIAL_LIMIT).strip() if token_file else ""
