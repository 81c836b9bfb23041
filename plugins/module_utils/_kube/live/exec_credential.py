# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the command of a kubeconfig that makes tokens, and read the ExecCredential that it prints. Private.

`exec_plugin.py` calls `run_for_credential`. The command gets an ExecCredential in the variable KUBERNETES_EXEC_INFO,
and prints another one:

    {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
     "status": {"token": "…", "expirationTimestamp": "2026-01-01T00:00:00Z"}}

Source: "client-go credential plugins" in Kubernetes' documentation.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.bounded.read_limits import TooLargeError
from ..._otelcol.config.paths import mappings_at
from .guarded_command import EndedCommand, run_guarded

# kubectl waits for ever. kubelogin, which opens a browser, gives the user 180 s (its --authentication-timeout-sec).
TIMEOUT_SECONDS = 200.0
# The name of the extension of a cluster that is meant for the command, see `provideClusterInfo` in the source.
_EXEC_EXTENSION = "client.authentication.k8s.io/exec"


class NoCredentialError(Exception):
    """A command made no token."""

    def __init__(self, why: str, error_output: str = "", *, hangs: bool = False) -> None:
        super().__init__(why)
        self.why = why
        """What the command did, as a predicate, such as `printed no token`."""
        self.error_output = error_output
        """What it wrote to standard error."""
        self.hangs = hangs
        """Whether it did not end in time."""


def run_for_credential(provider: Any, previous_response: Any) -> dict[str, Any]:
    """Run a command, and return the status of the ExecCredential that it prints, which has the token.

    `provider` is an object of the client's class ExecProvider. Raises NoCredentialError.
    """
    request = _build_request(provider, previous_response)
    output = _run_for_output(provider.args, {**provider.env, "KUBERNETES_EXEC_INFO": request}, provider.cwd)
    try:
        credential = parse_json(output)
        version, status = credential["apiVersion"], credential["status"]
        _kind = credential["kind"]  # it must be there, as for the client, which takes any
    except (ValueError, LookupError, TypeError) as error:
        raise NoCredentialError("printed no ExecCredential") from error
    if version != provider.api_version:
        raise NoCredentialError("printed no ExecCredential")
    if not isinstance(status, dict) or not _has_login(status):
        raise NoCredentialError("printed no token")
    return status


def _has_login(status: Mapping[str, Any]) -> bool:
    """Return whether the status of an ExecCredential has a token, or a certificate with its key."""
    if status.get("token"):
        return True
    return bool(status.get("clientCertificateData") and status.get("clientKeyData"))


def _build_request(provider: Any, previous_response: Any) -> str:
    """Return the ExecCredential that a command gets, as JSON. Raises NoCredentialError.

    A date is a text there, as for kubectl: Go's package sigs.k8s.io/yaml makes JSON of a kubeconfig.
    """
    spec = _build_request_spec(provider, previous_response)
    request = {"apiVersion": provider.api_version, "kind": "ExecCredential", "spec": spec}
    try:
        return json.dumps(request, default=str)
    except (TypeError, ValueError) as error:
        raise NoCredentialError("gets a cluster whose extensions are no JSON") from error


def _build_request_spec(provider: Any, previous_response: Any) -> dict[str, Any]:
    """Return the spec of the ExecCredential that a command gets, with the cluster if the kubeconfig asks for it."""
    spec: dict[str, Any] = {"interactive": False}  # nobody is there to answer its questions
    if previous_response:
        spec["response"] = previous_response
    given_cluster = getattr(provider, "cluster", None)  # client 29 has none
    if given_cluster:
        spec["cluster"] = _build_request_cluster(given_cluster.value)
    return spec


def _build_request_cluster(live_cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cluster that a command gets, with the first extension that is meant for it as `config`."""
    cluster = dict(live_cluster)
    for extension in mappings_at(cluster, "extensions"):
        if extension.get("name") == _EXEC_EXTENSION:
            cluster["config"] = extension.get("extension")
            break
    return cluster


def _run_for_output(args: list[Any], env: dict[str, Any], cwd: str | None) -> str:
    """Return what a command prints. Raises NoCredentialError."""
    ended_command = _run_to_end(args, env, cwd)
    if ended_command.exit_code:
        raise NoCredentialError(
            f"ended with exit code {ended_command.exit_code}", ended_command.error_output.decode(errors="replace")
        )
    try:
        return ended_command.output.decode()
    except UnicodeError as error:
        raise NoCredentialError("printed what is no UTF-8") from error


def _run_to_end(args: list[Any], env: dict[str, Any], cwd: str | None) -> EndedCommand:
    """Run a command until its end. Raises NoCredentialError for one that does not start, hangs or prints too much."""
    try:
        return run_guarded(args, env, cwd, TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        reason = f"did not end within {TIMEOUT_SECONDS:g} s, and has no terminal to ask on"
        raise NoCredentialError(reason, hangs=True) from error
    except TooLargeError as error:
        raise NoCredentialError("printed far more than a token") from error
    except (TypeError, ValueError) as error:
        raise NoCredentialError("has an argument or a variable that is no text") from error
    except OSError as error:
        raise NoCredentialError(f"does not start: {error.strerror or type(error).__name__}") from error
