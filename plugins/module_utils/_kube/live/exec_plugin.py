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
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise, takewhile
from typing import Any

from ..._otelcol.bounded.live.bounded_reads import printed, started
from ..._otelcol.bounded.read_limits import TooLargeError
from ..._otelcol.config.masking import is_secret_name, masker, quoted, secrets_in_objects
from ..._otelcol.errors import Problem
from ..option_secrets import SHORTEST_SECRET

# kubectl waits for ever. kubelogin, which opens a browser, gives the user 180 s (its --authentication-timeout-sec).
SECONDS = 200.0
_EXTENSION = "client.authentication.k8s.io/exec"
# Starts the command, with nothing to read, beside a guard in the same session. The guard ends the session when its
# input is closed without a line, as it is by the end of the run, however that comes.
_GUARDED = 'exec 3<&0 </dev/null; { read -r line <&3 || kill -9 "-$$"; } >/dev/null 2>&1 & exec 3<&-; exec "$@"'
_SHORT_OPTION = re.compile(r"-\w")
_LINES = 5
PAUSE_SECONDS = 300  # a network that broke may be back, and the run may have something to undo
FIX = "Run this command with the environment of this run, and mend what it says."


class _FailedError(Exception):
    """A command made no token: what happened, and what the command wrote to standard error, not to its output."""

    def __init__(self, why: str, said: str = "") -> None:
        super().__init__(why)
        self.why, self.said = why, said


# A token is made anew when this share of its life is left, but at most so many seconds before its end. The client
# itself asks for another one five minutes before the end (EXPIRY_SKEW_PREVENTION_DELAY of its kube_config.py).
LAST_SHARE, LAST_SECONDS = 0.1, 300.0


@dataclass(frozen=True)
class _Made:
    """What a command made, and until when it is used, in seconds since 1970."""

    status: dict[str, Any]
    until: float


class Watch:
    """One connection: its token while that lives, why its command made none the last time; nothing if it made one."""

    def __init__(self, kube_config: Any) -> None:
        self.problem: Problem | None = None
        self.pause_until = 0.0
        self.running = threading.Lock()  # requests of several threads wait for one command
        self._made: _Made | None = None
        provider = getattr(kube_config, "ExecProvider", None)  # a later client may start commands in another way
        if provider and not hasattr(provider, "watched"):
            kube_config.ExecProvider = _watched(provider)

    def note(self, problem: Problem | None) -> None:
        """Keep why the command made no token, or nothing if it made one."""
        self.problem = problem

    @property
    def status(self) -> dict[str, Any] | None:
        """What the command made, while that may be used."""
        return self._made.status if self._made and time.time() < self._made.until else None

    def keep(self, status: dict[str, Any]) -> None:
        """Use what the command made until shortly before it expires; not again if it does not say when."""
        now, end = time.time(), _expiry(status)
        self._made = _Made(status, end - min(LAST_SHARE * (end - now), LAST_SECONDS))

    def forget(self) -> None:
        """Run the command again before the next request: the server has refused what it made."""
        self._made = None

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
            watch = _WATCH.get() or Watch(None)
            with watch.running:
                return watch.status or self._run(watch, previous_response)

        def _run(self, watch: Watch, previous_response: Any) -> Any:
            if time.monotonic() < watch.pause_until and watch.problem:
                raise watch.problem
            try:
                status = _status(self, previous_response)
            except _FailedError as error:
                mask = masker({one for secret in _secrets(self.args, self.env, self._given) for one in _forms(secret)})
                watch.note(_problem(error.why, error.said, self.args, mask))
                if isinstance(error.__cause__, subprocess.TimeoutExpired):  # it hangs again before each request
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


def _status(provider: Any, previous_response: Any) -> dict[str, Any]:
    """Return the status of the ExecCredential that a command prints."""
    spec: dict[str, Any] = {"interactive": False}
    if previous_response:
        spec["response"] = previous_response
    given = getattr(provider, "cluster", None)  # client 29 has none
    if given:
        cluster = given.value
        extensions = [item["extension"] for item in cluster.get("extensions") or [] if item["name"] == _EXTENSION]
        spec["cluster"] = cluster | ({"config": extensions[0]} if extensions else {})
    info = {"apiVersion": provider.api_version, "kind": "ExecCredential", "spec": spec}
    said = _output(provider.args, provider.env | {"KUBERNETES_EXEC_INFO": json.dumps(info)}, provider.cwd)
    try:
        credential = json.loads(said)
        version, status, _kind = credential["apiVersion"], credential["status"], credential["kind"]
    except (ValueError, LookupError, TypeError) as error:
        raise _FailedError("printed no ExecCredential") from error
    if version != provider.api_version:
        raise _FailedError("printed no ExecCredential")
    made = status if isinstance(status, dict) else {}
    if not (made.get("token") or (made.get("clientCertificateData") and made.get("clientKeyData"))):
        raise _FailedError("printed no token")
    return made


def _output(args: list[Any], env: dict[str, Any], cwd: str | None) -> str:
    """Return what a command prints. It ends in time and with the run, and with it all that it has started."""
    reader, writer = os.pipe()
    command = ["/bin/sh", "-c", _GUARDED, "sh", *args]
    try:
        with os.fdopen(writer, "wb", buffering=0) as line, os.fdopen(reader, "rb", buffering=0) as input_:
            _find(str(args[0]), env, cwd)
            with (
                started(command, stdin=input_, cwd=cwd, env=env, start_new_session=True) as process,
                line as guard,  # closed before the process is waited for, which ends it
            ):
                output, errors = printed(process, SECONDS)
                guard.write(b"\n")  # the guard leaves what the command has left behind
                text, errors_text = output.decode(), errors.decode()
    except subprocess.TimeoutExpired as error:
        why = f"did not end within {SECONDS:g} s, and has no terminal to ask on"
        raise _FailedError(why) from error
    except TooLargeError as error:
        raise _FailedError("printed far more than a token") from error
    except UnicodeError as error:
        raise _FailedError("printed what is no UTF-8") from error
    except (TypeError, ValueError) as error:
        raise _FailedError("has an argument or a variable that is no text") from error
    except OSError as error:
        raise _FailedError(f"does not start: {error.strerror or type(error).__name__}") from error
    if process.returncode:
        raise _FailedError(f"ended with exit code {process.returncode}", errors_text)
    return text


def _find(command: str, env: dict[str, Any], cwd: str | None) -> None:
    """Raise an OSError for a command that is not there or may not be started: the shell has other words for it."""
    path = os.path.join(cwd or "", command) if os.sep in command else command  # noqa: PTH118 - Path drops a leading dot
    if not shutil.which(path, path=env.get("PATH")):
        code = errno.EACCES if os.path.exists(path) else errno.ENOENT  # noqa: PTH110 - as above
        raise OSError(code, os.strerror(code))


def _problem(why: str, said: str, args: list[Any], mask: Callable[[str], str]) -> Problem:
    last = "\n".join(mask(said.strip()).splitlines()[-_LINES:])
    wrong = f"the command of the kubeconfig that makes its tokens {why}" + (f": {last}" if last else "")
    # Its options may be secrets of any name.
    words = [str(args[0]), *takewhile(lambda word: not word.startswith("-"), map(str, args[1:]))]
    where = quoted(" ".join(words), mask=mask)
    return Problem(quoted(wrong, mask=mask), asked="Connect to the cluster", where=where, fix=FIX)


def _secrets(args: list[Any], env: dict[str, Any], given: Any) -> Iterator[str]:
    """Yield what the command must not say: secrets of the kubeconfig and its variables, and words after `-p`."""
    yield from secrets_in_objects(given)
    yield from (str(value) for name, value in env.items() if value and is_secret_name(name))
    for option, value in pairwise(map(str, args)):
        if _SHORT_OPTION.fullmatch(option):
            yield from (value, value.rpartition(":")[2])


def _forms(secret: str) -> Iterator[str]:
    """Yield how a secret may be printed: as it is, without its line end, line by line, and inside of JSON."""
    forms = (secret, secret.strip(), *secret.splitlines(), json.dumps(secret)[1:-1], json.dumps(secret.strip())[1:-1])
    return (one for one in forms if len(one) >= SHORTEST_SECRET)
