# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the command by which a kubeconfig has tokens made, in place of the Kubernetes client. Private.

The client only logs a failure of the command, and goes on without a token. It also takes a token for expired five
minutes before its end, so it would run the command before each request if tokens live for less. So `connect` makes a
CommandWatch for each connection with the client. The watch runs the command once for each token, and keeps why the
command made none.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple

from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.bounded.read_limits import TooLargeError
from ..._otelcol.config.masking import make_masker, mask_and_clean
from ..._otelcol.config.paths import mappings_at
from ..._otelcol.errors import Problem
from ..command_secrets import describe_command, list_command_secrets
from .guarded_command import EndedCommand, run_guarded

# kubectl waits for ever. kubelogin, which opens a browser, gives the user 180 s (its --authentication-timeout-sec).
TIMEOUT_SECONDS = 200.0
# A command that hung is not run again for so many seconds. Then a network that broke may be back, and the run may have
# something to undo.
PAUSE_SECONDS = 300
# A token is made anew when this share of its life is left, but at most so many seconds before its end. The client
# itself asks for another one five minutes before the end (EXPIRY_SKEW_PREVENTION_DELAY of its kube_config.py).
LAST_SHARE, LAST_SECONDS = 0.1, 300.0
# The name of the extension of a cluster that is meant for the command.
# Source: "client-go credential plugins" of Kubernetes, `provideClusterInfo`.
_EXEC_EXTENSION = "client.authentication.k8s.io/exec"
# So many lines of what the command wrote to standard error are told.
_LAST_LINES = 5
COMMAND_FIX = "Run this command with the environment of this run, and mend what it says."


class _FailedError(Exception):
    """A command made no token.

    `why` says what the command did, as a predicate. `error_output` is what it wrote to standard error. `hangs` says
    that it did not end in time.
    """

    def __init__(self, why: str, error_output: str = "", *, hangs: bool = False) -> None:
        super().__init__(why)
        self.why, self.error_output, self.hangs = why, error_output, hangs


class _Credential(NamedTuple):
    """The status of an ExecCredential, which has the token, and until when it is used, in seconds since 1970."""

    status: dict[str, Any]
    usable_until: float


class CommandWatch:
    """The command of one connection, with the token that it made last.

    `problem` says why the command made no token the last time; None if it made one.
    """

    def __init__(self, kube_config: Any) -> None:
        self.problem: Problem | None = None
        self.run_lock = threading.Lock()  # requests of several threads wait for one command
        self._pause_until = 0.0
        self._credential: _Credential | None = None
        provider = getattr(kube_config, "ExecProvider", None)  # a later client may start commands in another way
        if provider and not hasattr(provider, "watched"):
            kube_config.ExecProvider = _build_watched_class(provider)

    @contextmanager
    def watch_command(self) -> Iterator[None]:
        """Let this watch run the command that the client starts in this thread until the end of the block."""
        context_token = _WATCH.set(self)
        try:
            yield
        finally:
            _WATCH.reset(context_token)

    @property
    def usable_status(self) -> dict[str, Any] | None:
        """The status of the ExecCredential that the command made; None if it may no longer be used."""
        if self._credential is None or time.time() >= self._credential.usable_until:
            return None
        return self._credential.status

    def forget(self) -> None:
        """Drop the token, which the server has refused: the next request runs the command again."""
        self._credential = None

    def check_pause(self) -> None:
        """Raise the last problem if the command hung a short time ago: it would hang again before each request."""
        if self.problem and time.monotonic() < self._pause_until:
            raise self.problem

    def note_failure(self, problem: Problem, *, hangs: bool) -> None:
        """Keep why the command made no token."""
        self.problem = problem
        if hangs:
            self._pause_until = time.monotonic() + PAUSE_SECONDS

    def note_success(self, status: dict[str, Any]) -> None:
        """Keep the token until shortly before it expires. One that does not say when it expires is not kept."""
        self.problem = self._credential = None
        expiry = _read_expiry(status)
        if expiry is not None:
            seconds_before = min(LAST_SHARE * (expiry - time.time()), LAST_SECONDS)
            self._credential = _Credential(status, expiry - seconds_before)


# The connection for which this thread asks the client for a token.
_WATCH: ContextVar[CommandWatch | None] = ContextVar("watch", default=None)


def _read_expiry(status: Mapping[str, Any]) -> float | None:
    """Return when a credential expires, in seconds since 1970; None if it does not say so."""
    try:
        return datetime.fromisoformat(str(status["expirationTimestamp"])).timestamp()
    except (KeyError, ValueError):
        return None


def _build_watched_class(provider_class: Any) -> Any:
    """Return a subclass of the client's class for commands whose `run` leaves the command to the watch."""

    class WatchedProvider(provider_class):  # type: ignore[misc]
        watched = True

        def __init__(self, exec_config: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(exec_config, *args, **kwargs)
            self._exec_entry = exec_config.value

        def run(self, previous_response: Any = None) -> Any:
            """Return the status of the credential; the client calls this before requests."""
            watch = _WATCH.get() or CommandWatch(None)
            with watch.run_lock:
                return watch.usable_status or _run_watched(watch, self, self._exec_entry, previous_response)

    return WatchedProvider


def _run_watched(watch: CommandWatch, provider: Any, exec_entry: Any, previous_response: Any) -> dict[str, Any]:
    """Run a command, and note whether it made a token. Raises _FailedError, and Problem during a pause.

    `exec_entry` is the entry of the kubeconfig, whose secrets no message shows.
    """
    watch.check_pause()
    try:
        status = _make_status(provider, previous_response)
    except _FailedError as failure:
        watch.note_failure(_build_problem(failure, provider, exec_entry), hangs=failure.hangs)
        raise
    watch.note_success(status)
    return status


def _build_problem(failure: _FailedError, provider: Any, exec_entry: Any) -> Problem:
    """Return the problem of a command that made no token, with the last lines that it wrote to standard error."""
    mask = make_masker(list_command_secrets(provider.args, provider.env, exec_entry))
    wrong = f"the command of the kubeconfig that makes its tokens {failure.why}"
    last_words = "\n".join(mask(failure.error_output.strip()).splitlines()[-_LAST_LINES:])
    if last_words:
        wrong = f"{wrong}: {last_words}"
    command_text = mask_and_clean(describe_command(provider.args), mask=mask)
    return Problem(
        mask_and_clean(wrong, mask=mask), asked="Connect to the cluster", where=command_text, fix=COMMAND_FIX
    )


def _make_status(provider: Any, previous_response: Any) -> dict[str, Any]:
    """Run a command, and return the status of the ExecCredential that it prints. Raises _FailedError."""
    request = _build_request(provider, previous_response)
    output = _run_for_output(provider.args, {**provider.env, "KUBERNETES_EXEC_INFO": request}, provider.cwd)
    try:
        credential = parse_json(output)
        version, status = credential["apiVersion"], credential["status"]
        _kind = credential["kind"]  # it must be there, as for the client, which takes any
    except (ValueError, LookupError, TypeError) as error:
        raise _FailedError("printed no ExecCredential") from error
    if version != provider.api_version:
        raise _FailedError("printed no ExecCredential")
    if not isinstance(status, dict) or not _has_login(status):
        raise _FailedError("printed no token")
    return status


def _has_login(status: Mapping[str, Any]) -> bool:
    """Return whether the status of an ExecCredential has a token, or a certificate with its key."""
    if status.get("token"):
        return True
    return bool(status.get("clientCertificateData") and status.get("clientKeyData"))


def _build_request(provider: Any, previous_response: Any) -> str:
    """Return the ExecCredential that a command gets, as JSON. Raises _FailedError.

    A date is a text there, as for kubectl: Go's package sigs.k8s.io/yaml makes JSON of a kubeconfig.
    """
    spec = _build_request_spec(provider, previous_response)
    request = {"apiVersion": provider.api_version, "kind": "ExecCredential", "spec": spec}
    try:
        return json.dumps(request, default=str)
    except (TypeError, ValueError) as error:
        raise _FailedError("gets a cluster whose extensions are no JSON") from error


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
    """Return what a command prints. Raises _FailedError."""
    ended_command = _run_to_end(args, env, cwd)
    if ended_command.exit_code:
        raise _FailedError(
            f"ended with exit code {ended_command.exit_code}", ended_command.error_output.decode(errors="replace")
        )
    try:
        return ended_command.output.decode()
    except UnicodeError as error:
        raise _FailedError("printed what is no UTF-8") from error


def _run_to_end(args: list[Any], env: dict[str, Any], cwd: str | None) -> EndedCommand:
    """Run a command until its end. Raises _FailedError for one that does not start, hangs or prints too much."""
    try:
        return run_guarded(args, env, cwd, TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        reason = f"did not end within {TIMEOUT_SECONDS:g} s, and has no terminal to ask on"
        raise _FailedError(reason, hangs=True) from error
    except TooLargeError as error:
        raise _FailedError("printed far more than a token") from error
    except (TypeError, ValueError) as error:
        raise _FailedError("has an argument or a variable that is no text") from error
    except OSError as error:
        raise _FailedError(f"does not start: {error.strerror or type(error).__name__}") from error
