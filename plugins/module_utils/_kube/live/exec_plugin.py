# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a command of a kubeconfig made no token: the Kubernetes client only logs it, and goes on without one. Private."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise, takewhile
from types import SimpleNamespace
from typing import Any

from ..._config.secrets import is_secret_name, masker, quoted, secrets_in_objects
from ..._errors import Problem
from . import limited
from .explain import SHORTEST_SECRET

# What the client says of a command that fails: its exit code, and its standard error.
_ENDED = re.compile(r"exec: process returned (-?\d+)(?:\. (.*))?\Z", re.DOTALL)
_SHORT_OPTION = re.compile(r"-\w")
_LINES = 5
PAUSE_SECONDS = 300  # a network that broke may be back, and the run may have something to undo
FIX = "Run this command with the environment of this run, and mend what it says."


class Watch:
    """One connection: why its command made no token the last time, and nothing if it made one."""

    def __init__(self, kube_config: Any) -> None:
        self.problem: Problem | None = None
        self.late: tuple[limited.LateError, float] | None = None
        provider = getattr(kube_config, "ExecProvider", None)  # a later client may start commands in another way
        if provider and not hasattr(provider, "watched"):
            kube_config.ExecProvider = _watched(provider)
            module = sys.modules[provider.__module__]
            if getattr(module, "subprocess", None) is subprocess:
                module.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": limited.Limited})  # type: ignore[attr-defined]

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
    """Return the client's class for commands, with a note of how each ends."""

    class Watched(provider):  # type: ignore[misc]
        watched = True

        def __init__(self, exec_config: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(exec_config, *args, **kwargs)
            self._given = exec_config.value

        def run(self, *args: Any, **kwargs: Any) -> Any:
            try:
                with _once():
                    status = super().run(*args, **kwargs)
            except Exception as error:
                self._note(*_why(error))
                raise
            self._note("" if _is_credential(status) else "printed no token")
            return status

        def _note(self, why: str, said: str = "") -> None:
            if watch := _WATCH.get():
                watch.problem = self._problem(why, said) if why else None

        def _problem(self, why: str, said: str) -> Problem:
            mask = masker({one for secret in _secrets(self.args, self.env, self._given) for one in _forms(secret)})
            return _problem(why, said, self.args, mask)

    return Watched


@contextmanager
def _once() -> Iterator[None]:
    """Let a connection wait for a command that hangs once in some minutes, rather than before each request."""
    watch = _WATCH.get()
    if watch and watch.late and time.monotonic() < watch.late[1]:
        raise watch.late[0]
    try:
        yield
    except limited.LateError as late:
        if watch:
            watch.late = late, time.monotonic() + PAUSE_SECONDS
        raise


def _is_credential(status: Any) -> bool:
    made = status if isinstance(status, dict) else {}
    return bool(made.get("token") or (made.get("clientCertificateData") and made.get("clientKeyData")))


def _why(error: Exception) -> tuple[str, str]:
    """Return what happened, and what the command wrote to standard error; its output may be a token."""
    if isinstance(error, limited.LateError):
        return f"did not end within {limited.SECONDS:g} s, and has no terminal to ask on", ""
    if isinstance(error, OSError):
        return f"does not start: {error.strerror or type(error).__name__}", ""
    if isinstance(error, UnicodeError):
        return "printed what is no UTF-8", ""
    if isinstance(error, TypeError):
        return "has an argument or a variable that is no text", ""
    ended = _ENDED.match(str(error))
    return (f"ended with exit code {ended[1]}", ended[2] or "") if ended else ("printed no ExecCredential", "")


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
