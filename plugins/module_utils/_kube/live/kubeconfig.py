# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a plain connection to a cluster: one that works without the Kubernetes client, which takes 0.9 s of CPU to load.

`connect` calls `find_plain_connection`, and loads the client if there is no plain connection. A connection is plain if
the options, the environment or one kubeconfig have a token or a certificate for it. It is plain too if the kubeconfig
has the command of `aws eks update-kubeconfig`: this collection makes the tokens of that command itself. For example:

    {"host": "https://a/", "api_key": "t"}                 → PlainConnection(host="https://a", token="t")
    {}, and ~/.kube/config has the user {token: t}          → PlainConnection(host="https://c:6443", token="t", …)
    {}, and ~/.kube/config has {exec: {command: gke-…}}     → None
    {"username": "bob", "password": "p", …}                 → None

All else is left to the client: other commands, auth providers, proxies, impersonation, a pod's own account, and a
kubeconfig that cannot be read. `O11Y_PLAIN_CONNECTION=false` in the environment leaves every connection to the client
(docs/many_clusters.md). Private.
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

# The options of kubernetes.core that only the client understands: with one of them, a connection is not plain.
_CLIENT_OPTIONS = (
    "username",
    "password",
    "proxy",
    "no_proxy",
    "proxy_headers",
    "persist_config",
    "impersonate_user",
    "impersonate_groups",
)
# The same of variables of the environment, and of the keys of a kubeconfig's user and cluster.
_CLIENT_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
_CLIENT_USER_KEYS = ("exec", "auth-provider", "username", "password", "as", "as-groups")
_CLIENT_CLUSTER_KEYS = ("proxy-url", "tls-server-name")
# Kubernetes sets this variable in each pod. There, the client takes the pod's own account.
IN_CLUSTER_VARIABLE = "KUBERNETES_SERVICE_HOST"
# The variable with which the user turns plain connections off.
_SWITCH_VARIABLE = "O11Y_PLAIN_CONNECTION"

LoadYaml = Callable[[str], Any]
"""Returns what a text of YAML holds."""
WriteFile = Callable[[bytes], str]
"""Writes a content, such as a certificate, to a new file, and returns its path."""


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
    write_file: WriteFile,
) -> PlainConnection | None:
    """Return the plain connection that options, environment and kubeconfig name; None if the client has to connect.

    `names_by_alias` are the options of kubernetes.core by their aliases, such as `{"verify_ssl": "validate_certs"}`.
    """
    if not is_plain_allowed(environ) or _needs_client(params, environ):
        return None
    options = _read_options(params, environ, names_by_alias)
    if _are_enough(options):
        return _apply_options(PlainConnection(host=""), options)
    if environ.get(IN_CLUSTER_VARIABLE) and not options.kubeconfig and not options.context:
        return None
    kubeconfig_connection = _read_kubeconfig(options, environ, load_yaml, write_file)
    if kubeconfig_connection is None:
        return None
    return _apply_options(kubeconfig_connection, options)


# ── Options ──


def is_plain_allowed(environ: Mapping[str, str]) -> bool:
    """Whether a connection may be made without the client; only a false value in the environment turns it off."""
    return bool(boolean(environ.get(_SWITCH_VARIABLE) or "true", strict=False))


def read_option(params: Mapping[str, Any], environ: Mapping[str, str], name: str, alias: str) -> Any:
    """Return an option of kubernetes.core, or else its variable of the environment; None or empty if neither is set.

    The variable is named after the option or its alias: `K8S_AUTH_VALIDATE_CERTS` or `K8S_AUTH_VERIFY_SSL`.
    """
    if params.get(name) is not None:
        return params[name]
    value = environ.get(f"K8S_AUTH_{name.upper()}") or environ.get(f"K8S_AUTH_{alias.upper()}")
    if value and name == "validate_certs":
        return value.lower() not in ("0", "false", "no")
    return value


def _needs_client(params: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Return whether an option or a variable is set that only the client understands."""
    if any(environ.get(name) for name in _CLIENT_VARIABLES):
        return True
    return any(read_option(params, environ, name, name) for name in _CLIENT_OPTIONS)


def _read_options(params: Mapping[str, Any], environ: Mapping[str, str], names_by_alias: Mapping[str, str]) -> _Options:
    """Return the options of a plain connection, each from the options of the task or from the environment."""
    values = {name: read_option(params, environ, name, alias) for alias, name in names_by_alias.items()}
    return _Options(**{field.name: values[field.name] for field in fields(_Options)})


def _are_enough(options: _Options) -> bool:
    """Return whether no kubeconfig is needed: the options have a server, and a token or a certificate for it."""
    has_certificate = options.client_cert and options.client_key
    return bool(options.host and (options.api_key or has_certificate))


def _apply_options(connection: PlainConnection, options: _Options) -> PlainConnection:
    """Return a connection in which each option that is set takes the place of what the kubeconfig says."""
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
        # A token of the options takes the place of those that this collection would make.
        eks_parameters=None if options.api_key else connection.eks_parameters,
    )


# ── The kubeconfig ──


def _read_kubeconfig(
    options: _Options, environ: Mapping[str, str], load_yaml: LoadYaml, write_file: WriteFile
) -> PlainConnection | None:
    """Return the connection of a kubeconfig; None if it is not plain, or if the kubeconfig cannot be read.

    What is wrong with a kubeconfig is not told here: the client reads it next, and fails with its own words.
    """
    try:
        if isinstance(options.kubeconfig, dict):
            return _find_connection(options.kubeconfig, options.context, Path(), write_file)
        path = Path(expand_tilde(options.kubeconfig or environ.get("KUBECONFIG") or DEFAULT_PATH))
        config = load_yaml(read_file_text(path))
        return _find_connection(config, options.context, path.parent, write_file)
    except (OSError, LookupError, TypeError, AttributeError, ValueError, binascii.Error):
        return None


def _find_connection(
    config: dict[str, Any], context_name: str | None, folder: Path, write_file: WriteFile
) -> PlainConnection | None:
    """Return the connection of a context, or of the current one; None if it is not plain.

    `folder` is where the kubeconfig is. Raises LookupError, TypeError, AttributeError or ValueError for a kubeconfig
    with missing keys or values of wrong types, and OSError for a file that cannot be read.
    """
    context = _find_entry(config, "context", context_name or config["current-context"])
    cluster = _find_entry(config, "cluster", context["cluster"])
    user = _find_entry(config, "user", context["user"])
    if any(key in cluster for key in _CLIENT_CLUSTER_KEYS):
        return None
    # What a user with a command and a further login means, only the client knows.
    eks_parameters = parse_token_command(user["exec"]) if list(user) == ["exec"] else None
    if eks_parameters:
        without_login = _build_connection(cluster, {}, folder, write_file)
        return replace(without_login, eks_parameters=eks_parameters)
    if any(key in user for key in _CLIENT_USER_KEYS):
        return None
    return _build_connection(cluster, user, folder, write_file)


def _find_entry(config: dict[str, Any], entry_kind: str, name: str) -> dict[str, Any]:
    """Return an entry of a kubeconfig by its kind and its name. Raises LookupError if it is missing.

    For example, `user` and `ann` find {token: t} in `users: [{name: ann, user: {token: t}}]`.
    """
    entries: dict[str, dict[str, Any]] = {entry["name"]: entry[entry_kind] or {} for entry in config[f"{entry_kind}s"]}
    return entries[name]


def _build_connection(
    cluster: dict[str, Any], user: dict[str, Any], folder: Path, write_file: WriteFile
) -> PlainConnection:
    """Return the connection for a cluster and a user of a kubeconfig. Paths in them are relative to its folder."""

    def find_file(entry: dict[str, Any], key: str) -> str | None:
        """Return the path at a key, such as `client-key`; that of a new file for `client-key-data`; else None."""
        content = entry.get(f"{key}-data")
        if content:
            return write_file(base64.b64decode(content))
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
    """Return the token of a user, which `token` or the file at `tokenFile` has; empty for a user without one."""
    if user.get("token"):
        return str(user["token"])
    token_file = user.get("tokenFile")
    if not token_file:
        return ""
    return read_file_text(folder / token_file, CREDENTIAL_LIMIT).strip()
