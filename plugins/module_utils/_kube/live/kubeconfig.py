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

from ..._otelcol.bounded.live.bounded_reads import file_text
from ..._otelcol.bounded.read_limits import CREDENTIAL
from ..eks_token import asked_by
from .kubeconfig_paths import DEFAULT_PATH, without_tilde

# Options and variables that mean more than a plain connection.
OTHER_OPTIONS = (
    *("username", "password", "proxy", "no_proxy", "proxy_headers", "persist_config"),
    *("impersonate_user", "impersonate_groups"),
)
OTHER_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
OTHER_USER_KEYS = ("exec", "auth-provider", "username", "password", "as", "as-groups")
OTHER_CLUSTER_KEYS = ("proxy-url", "tls-server-name")
IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
SWITCH = "O11Y_PLAIN_CONNECTION"

Load = Callable[[str], Any]
"""Returns what a text of YAML holds."""
Keep = Callable[[bytes], str]
"""Writes a file, and returns its path."""


@dataclass(frozen=True)
class PlainConnection:
    """A server, and a token or the files of a certificate for it."""

    host: str
    token: str = ""
    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    eks: Mapping[str, str] | None = None
    """The EKS cluster for which a command of the kubeconfig would make a token; we make it ourselves."""


def is_on(environ: Mapping[str, str]) -> bool:
    """Whether a connection may be made without the client; only a false value in the environment turns it off."""
    return bool(boolean(environ.get(SWITCH) or "true", strict=False))


def option(params: Mapping[str, Any], environ: Mapping[str, str], name: str, alias: str) -> Any:
    """Return an option of kubernetes.core, or its variable under either of its names."""
    if params.get(name) is not None:
        return params[name]
    value = environ.get(f"K8S_AUTH_{name.upper()}") or environ.get(f"K8S_AUTH_{alias.upper()}")
    if value and name == "validate_certs":
        return value.lower() not in ("0", "false", "no")
    return value


def plain_connection(
    params: Mapping[str, Any], environ: Mapping[str, str], names: Mapping[str, str], load: Load, keep: Keep
) -> PlainConnection | None:
    """Return the connection when it is a plain one, and the switch is on.

    `names` are the options by their aliases, `load` parses YAML, and `keep` writes a file and returns its path.
    """
    if not is_on(environ):
        return None
    given = {name: option(params, environ, name, alias) for alias, name in names.items()}
    given |= {name: option(params, environ, name, name) for name in OTHER_OPTIONS}
    means_more = [*(given.get(name) for name in OTHER_OPTIONS), *(environ.get(name) for name in OTHER_VARIABLES)]
    if any(means_more):
        return None
    if _is_direct(given):
        return _with_options(PlainConnection(host=""), given)
    if environ.get(IN_CLUSTER) and not given["kubeconfig"] and not given["context"]:
        return None
    from_file = _from_file(given, environ, load, keep)
    return _with_options(from_file, given) if from_file else None


def _is_direct(given: Mapping[str, Any]) -> bool:
    """Return whether the options are enough without a kubeconfig: a server, and what says who asks."""
    has_certificate = given["client_cert"] and given["client_key"]
    return bool(given["host"] and (given["api_key"] or has_certificate))


def _with_options(connection: PlainConnection, given: Mapping[str, Any]) -> PlainConnection:
    """Return a connection with the options that are set in place of what a kubeconfig says."""
    verify = given["validate_certs"]
    return PlainConnection(
        host=(given["host"] or connection.host).rstrip("/"),
        token=given["api_key"] or connection.token,
        verify=connection.verify if verify is None else verify,
        ca_file=given["ca_cert"] or connection.ca_file,
        cert_file=given["client_cert"] or connection.cert_file,
        key_file=given["client_key"] or connection.key_file,
        eks=None if given["api_key"] else connection.eks,
    )


def _from_file(given: dict[str, Any], environ: Mapping[str, str], load: Load, keep: Keep) -> PlainConnection | None:
    """Return the plain connection of a kubeconfig; None if it has another one, or cannot be read."""
    config, folder = given["kubeconfig"], Path()
    try:
        if not isinstance(config, dict):
            path = Path(without_tilde(config or environ.get("KUBECONFIG") or DEFAULT_PATH))
            config, folder = load(file_text(path)), path.parent
        context = _named(config, "context", given["context"] or config["current-context"])
        cluster = _named(config, "cluster", context["cluster"])
        user = _named(config, "user", context["user"])
        if any(key in cluster for key in OTHER_CLUSTER_KEYS):
            return None
        eks = asked_by(user["exec"]) if list(user) == ["exec"] else None
        if eks:  # no token of the user: it is made here
            return replace(_connection_of(cluster, {}, folder, keep), eks=eks)
        if any(key in user for key in OTHER_USER_KEYS):
            return None
        return _connection_of(cluster, user, folder, keep)
    except (OSError, LookupError, TypeError, AttributeError, ValueError, binascii.Error):
        return None


def _named(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Return an entry of a kubeconfig; a missing one is a LookupError."""
    entries: dict[str, dict[str, Any]] = {entry["name"]: entry[kind] or {} for entry in config[f"{kind}s"]}
    return entries[name]


def _token_of(user: dict[str, Any], folder: Path) -> str:
    """Return the token of a user, which may be in a file; an empty text for a user without one."""
    if user.get("token"):
        return str(user["token"])
    token_file = user.get("tokenFile")
    return file_text(folder / token_file, CREDENTIAL).strip() if token_file else ""


def _connection_of(cluster: dict[str, Any], user: dict[str, Any], folder: Path, keep: Keep) -> PlainConnection:
    """Return the connection for a cluster and a user. Paths in a kubeconfig are relative to its folder."""

    def file(entry: dict[str, Any], key: str) -> str | None:
        if entry.get(f"{key}-data"):
            return keep(base64.b64decode(entry[f"{key}-data"]))
        return str(folder / entry[key]) if entry.get(key) else None

    return PlainConnection(
        host=cluster["server"],
        token=_token_of(user, folder),
        verify=not cluster.get("insecure-skip-tls-verify"),
        ca_file=file(cluster, "certificate-authority"),
        cert_file=file(user, "client-certificate"),
        key_file=file(user, "client-key"),
    )
