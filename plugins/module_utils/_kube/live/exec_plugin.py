# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the command by which a kubeconfig has tokens made, in place of the Kubernetes client. Private.

The client only logs a failure of the command, and goes on without a token. It also takes a token for expired five
minutes before its end, so it would run the command before each request if tokens live for less. So `connect` makes a
CommandWatch for each connection with the client. The watch runs the command once for each token, and keeps why the
command made none, for example:

    Connect to the cluster: the command of the kubeconfig that makes its tokens ended with exit code 1: no login
    (kubelogin get-token). Run this command with the environment of this run, and mend what it says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple

from ..._otelcol.config.masking import make_masker, mask_and_clean
from ..._otelcol.errors import Problem
from ..command_secrets import describe_command, list_command_secrets
from .exec_credential import NoCredentialError, run_for_credential

# A command that hung is not run again for so many seconds. Then a network that broke may be back, and the run may have
# something to undo.
PAUSE_SECONDS = 300
# A token is made anew when this share of its life is left.
LAST_SHARE = 0.1
# But at most so many seconds before its end. The client itself asks for another one five minutes before the end
# (EXPIRY_SKEW_PREVENTION_DELAY of its kube_config.py).
LAST_SECONDS = 300.0
# So many lines of what the command wrote to standard error are told.
_LAST_LINES = 5
COMMAND_FIX = "Run this command with the environment of this run, and mend what it says."


class _Credential(NamedTuple):
    """A token that a command made."""

    status: dict[str, Any]
    """The status of the ExecCredential, which has the token."""
    usable_until: float
    """In seconds since 1970."""


class CommandWatch:
    """The command of one connection, with the token that it made last."""

    def __init__(self, kube_config: Any) -> None:
        """Let the client's module `kube_config` leave its commands to watches; None changes nothing there."""
        self.problem: Problem | None = None
        """Why the command made no token the last time; None if it made one."""
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
            # A share, so that a token which lives for a minute is not made anew before each request.
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
            # Outside of a `watch_command`, nothing is remembered: the command belongs to no connection of ours.
            watch = _WATCH.get() or CommandWatch(None)
            with watch.run_lock:
                return watch.usable_status or _run_watched(watch, self, self._exec_entry, previous_response)

    return WatchedProvider


def _run_watched(watch: CommandWatch, provider: Any, exec_entry: Any, previous_response: Any) -> dict[str, Any]:
    """Run a command, and note whether it made a token. Raises NoCredentialError, and Problem during a pause.

    `exec_entry` is the entry of the kubeconfig, whose secrets no message shows.
    """
    watch.check_pause()
    try:
        status = run_for_credential(provider, previous_response)
    except NoCredentialError as failure:
        watch.note_failure(_build_problem(failure, provider, exec_entry), hangs=failure.hangs)
        raise
    watch.note_success(status)
    return status


def _build_problem(failure: NoCredentialError, provider: Any, exec_entry: Any) -> Problem:
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
