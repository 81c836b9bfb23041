# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a kubeconfig that make tokens: one run for each token, and why one made none.

The Kubernetes client only logs a failure, and goes on without a token. It also takes a token for expired five minutes
before its end, so one that lives for less would be made anew before each request. Private.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

from ..._otelcol.bounded.json_text import json_value
from ..._otelcol.bounded.live.bounded_reads import printed, started
from ..._otelcol.bounded.read_limits import TooLargeError
from ..._otelcol.config.config_secrets import secrets_in_objects
from ..._otelcol.config.masking import masker, quoted
from ..._otelcol.config.secret_names import is_secret_name
from ..._otelcol.errors import Problem
from ..option_secrets import SHORTEST_SECRET

# kubectl waits for ever. kubelogin, which opens a browser, gives the user 180 s (its --authentication-timeout-sec).
SECONDS = 200.0
PAUSE_SECONDS = 300  # a network that broke may be back, and the run may have something to undo
# A token is made anew when this share of its life is left, but at most so many seconds before its end. The client
# itself asks for another one five minutes before the end (EXPIRY_SKEW_PREVENTION_DELAY of its kube_config.py).
LAST_SHARE, LAST_SECONDS = 0.1, 300.0
# Where a kubeconfig has what `provideClusterInfo` gives to the command.
_EXTENSION = "client.authentication.k8s.io/exec"
# Starts the command, with nothing to read, beside a guard in the same session. The guard ends the session when its
# input is closed without a line, as it is by the end of the run, however that comes.
_GUARDED = 'exec 3<&0 </dev/null; { read -r line <&3 || kill -9 "-$$"; } >/dev/null 2>&1 & exec 3<&-; exec "$@"'
_SHORT_OPTION = re.compile(r"-\w")
_LAST_LINES = 5
FIX = "Run this command with the environment of this run, and mend what it says."


class _FailedError(Exception):
    """A command made no token: what happened, and what the command wrote to standard error, not to its output.

    `hangs` says that it did not end in time.
    """

    def __init__(self, why: str, error_output: str = "", *, hangs: bool = False) -> None:
        super().__init__(why)
        self.why, self.error_output, self.hangs = why, error_output, hangs


class _EndedCommand(NamedTuple):
    """What a command wrote to its output and to standard error, and its exit code."""

    output: str
    errors: str
    exit_code: int


class _Credential(NamedTuple):
    """What a command made, and until when it is used, in seconds since 1970."""

    status: dict[str, Any]
    until: float


class Watch:
    """One connection: its token while that lives, why its command made none the last time; nothing if it made one."""

    def __init__(self, kube_config: Any) -> None:
        self.problem: Problem | None = None
        self.pause_until = 0.0
        self.running = threading.Lock()  # requests of several threads wait for one command
        self._credential: _Credential | None = None
        provider = getattr(kube_config, "ExecProvider", None)  # a later client may start commands in another way
        if provider and not hasattr(provider, "watched"):
            kube_config.ExecProvider = _watched(provider)

    def note(self, problem: Problem | None) -> None:
        """Keep why the command made no token, or nothing if it made one."""
        self.problem = problem

    @property
    def status(self) -> dict[str, Any] | None:
        """What the command made, while that may be used."""
        if self._credential is None or time.time() >= self._credential.until:
            return None
        return self._credential.status

    def keep(self, status: dict[str, Any]) -> None:
        """Use what the command made until shortly before it expires; not again if it does not say when."""
        now, expiry = time.time(), _expiry(status)
        seconds_before = min(LAST_SHARE * (expiry - now), LAST_SECONDS)
        self._credential = _Credential(status, expiry - seconds_before)

    def forget(self) -> None:
        """Run the command again before the next request: the server has refused what it made."""
        self._credential = None

    @contextmanager
    def on(self) -> Iterator[None]:
        """Note what the command does until the end of the block, in this thread."""
        before = _WATCH.set(self)
        try:
            yield
        finally:
            _WATCH.reset(before)


_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


def _watched(provider: Any) -> Any:
    """Return the client's class for commands, which ends a command in time and notes why one made no token."""

    class Watched(provider):  # type: ignore[misc]
        watched = True

        def __init__(self, exec_config: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(exec_config, *args, **kwargs)
            self._given = exec_config.value

        def run(self, previous_response: Any = None) -> Any:
            """Return the status of the credential; the client calls this before requests."""
            watch = _WATCH.get() or Watch(None)
            with watch.running:
                return watch.status or self._run(watch, previous_response)

        def _run(self, watch: Watch, previous_response: Any) -> Any:
            """Run the command, and note whether it made a token. Raises _FailedError, and Problem during a pause."""
            if watch.problem and time.monotonic() < watch.pause_until:
                raise watch.problem
            try:
                status = _made_status(self, previous_response)
            except _FailedError as failure:
                mask = masker(_spellings_of_all(_secrets(self.args, self.env, self._given)))
                watch.note(_problem(failure, self.args, mask))
                if failure.hangs:  # it would hang again before each request
                    watch.pause_until = time.monotonic() + PAUSE_SECONDS
                raise
            watch.note(None)
            watch.keep(status)
            return status

    return Watched


def _expiry(status: dict[str, Any]) -> float:
    """Return when a credential expires, in seconds since 1970; 0 if it does not say so."""
    try:
        return datetime.fromisoformat(str(status["expirationTimestamp"])).timestamp()
    except (KeyError, ValueError):
        return 0.0


def _made_status(provider: Any, previous_response: Any) -> dict[str, Any]:
    """Run a command, and return the status of the ExecCredential that it prints. Raises _FailedError."""
    info = {
        "apiVersion": provider.api_version,
        "kind": "ExecCredential",
        "spec": _asked_spec(provider, previous_response),
    }
    output = _output(provider.args, {**provider.env, "KUBERNETES_EXEC_INFO": json.dumps(info)}, provider.cwd)
    try:
        credential = json_value(output)
        version, status, _kind = credential["apiVersion"], credential["status"], credential["kind"]
    except (ValueError, LookupError, TypeError) as error:
        raise _FailedError("printed no ExecCredential") from error
    if version != provider.api_version:
        raise _FailedError("printed no ExecCredential")
    if not isinstance(status, dict) or not _logs_in(status):
        raise _FailedError("printed no token")
    return status


def _logs_in(status: dict[str, Any]) -> bool:
    """Whether the status of an ExecCredential has a token, or a certificate with its key."""
    if status.get("token"):
        return True
    return bool(status.get("clientCertificateData") and status.get("clientKeyData"))


def _asked_spec(provider: Any, previous_response: Any) -> dict[str, Any]:
    """Return the spec of the ExecCredential that a command gets: nobody is there to answer it; the cluster if asked."""
    spec: dict[str, Any] = {"interactive": False}
    if previous_response:
        spec["response"] = previous_response
    given_cluster = getattr(provider, "cluster", None)  # client 29 has none
    if given_cluster:
        cluster = dict(given_cluster.value)
        for extension in cluster.get("extensions") or []:
            if extension["name"] == _EXTENSION:
                cluster["config"] = extension["extension"]
                break
        spec["cluster"] = cluster
    return spec


def _output(args: list[Any], env: dict[str, Any], cwd: str | None) -> str:
    """Return what a command prints. Raises _FailedError."""
    try:
        ended = _run_guarded(args, env, cwd)
    except subprocess.TimeoutExpired as error:
        why = f"did not end within {SECONDS:g} s, and has no terminal to ask on"
        raise _FailedError(why, hangs=True) from error
    except TooLargeError as error:
        raise _FailedError("printed far more than a token") from error
    except UnicodeError as error:
        raise _FailedError("printed what is no UTF-8") from error
    except (TypeError, ValueError) as error:
        raise _FailedError("has an argument or a variable that is no text") from error
    except OSError as error:
        raise _FailedError(f"does not start: {error.strerror or type(error).__name__}") from error
    if ended.exit_code:
        raise _FailedError(f"ended with exit code {ended.exit_code}", ended.errors)
    return ended.output


def _run_guarded(args: list[Any], env: dict[str, Any], cwd: str | None) -> _EndedCommand:
    """Run a command, which ends in time and with the run, and with it all that it has started.

    Raises TimeoutExpired, TooLargeError, UnicodeError for other bytes than UTF-8, and what Popen raises.
    """
    reader, writer = os.pipe()
    command = ["/bin/sh", "-c", _GUARDED, "sh", *args]
    with os.fdopen(writer, "wb", buffering=0) as line, os.fdopen(reader, "rb", buffering=0) as input_:
        _check_command(str(args[0]), env, cwd)
        with (
            started(command, stdin=input_, cwd=cwd, env=env, start_new_session=True) as process,
            line as guard,  # closed before the process is waited for, which ends it
        ):
            output, errors = printed(process, SECONDS)
            guard.write(b"\n")  # the guard leaves what the command has left behind
            output_text, errors_text = output.decode(), errors.decode()
    return _EndedCommand(output_text, errors_text, process.returncode)


def _check_command(command: str, env: dict[str, Any], cwd: str | None) -> None:
    """Raise an OSError for a command that is not there or may not be started: the shell has other words for it."""
    path = command
    if os.sep in command:
        path = os.path.join(cwd or "", command)  # noqa: PTH118 - Path drops a leading dot
    if shutil.which(path, path=env.get("PATH")):
        return
    is_there = os.path.exists(path)  # noqa: PTH110 - as above
    code = errno.EACCES if is_there else errno.ENOENT
    raise OSError(code, os.strerror(code))


def _problem(failure: _FailedError, args: list[Any], mask: Callable[[str], str]) -> Problem:
    """Return why a command made no token, with the end of what it said and the words before its first option."""
    wrong = f"the command of the kubeconfig that makes its tokens {failure.why}"
    last_words = "\n".join(mask(failure.error_output.strip()).splitlines()[-_LAST_LINES:])
    if last_words:
        wrong = f"{wrong}: {last_words}"
    program, *others = [str(word) for word in args]
    before_options = takewhile(lambda word: not word.startswith("-"), others)  # options may be secrets of any name
    where = " ".join((program, *before_options))
    return Problem(quoted(wrong, mask=mask), asked="Connect to the cluster", where=quoted(where, mask=mask), fix=FIX)


def _secrets(args: list[Any], env: dict[str, Any], given: Any) -> Iterator[str]:
    """Yield what the command must not say: secrets of the kubeconfig and its variables, and words after `-p`."""
    yield from secrets_in_objects(given)
    for name, value in env.items():
        if value and is_secret_name(name):
            yield str(value)
    for option, value in pairwise(str(word) for word in args):
        if _SHORT_OPTION.fullmatch(option):
            yield value
            yield value.rpartition(":")[2]


def _spellings_of_all(secrets: Iterator[str]) -> set[str]:
    """Return all spellings of secrets that are long enough to be hidden."""
    long_spellings = set()
    for secret in secrets:
        for spelling in _spellings(secret):
            if len(spelling) >= SHORTEST_SECRET:
                long_spellings.add(spelling)
    return long_spellings


def _spellings(secret: str) -> Iterator[str]:
    """Yield how a secret may be printed: as it is, without its line end, line by line, and inside of JSON."""
    stripped = secret.strip()
    yield from (secret, stripped, *secret.splitlines())
    yield from (json.dumps(secret)[1:-1], json.dumps(stripped)[1:-1])
