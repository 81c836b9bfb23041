# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command that ends in time, and with the run. Private."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any

# kubectl waits for ever. kubelogin, which opens a browser, gives the user 180 s (its --authentication-timeout-sec).
SECONDS = 200.0
# Ends a process group when its input is closed, as it is by the end of the run, however that comes.
_GUARD = ("/bin/sh", "-c", 'read -r group && { read -r end; kill -9 "-$group"; }')


class LateError(Exception):
    """The command took too long, and was ended."""


class Limited(subprocess.Popen):  # type: ignore[type-arg]
    """A command in a session of its own, without input. It ends in time, and with it all that it has started there."""

    def __init__(self, args: Any, **given: Any) -> None:
        given["stdin"] = given.get("stdin") or subprocess.DEVNULL
        self._guard = _guard()
        try:
            super().__init__(args, start_new_session=True, **given)
        except BaseException:
            self._release()
            raise
        if self._guard and self._guard.stdin:
            with suppress(BrokenPipeError):  # the time limit alone ends the command
                self._guard.stdin.write(f"{self.pid}\n".encode())

    def communicate(self, input: Any = None, timeout: float | None = None) -> Any:  # noqa: A002 - its name in Popen
        try:
            return super().communicate(input, SECONDS if timeout is None else timeout)
        except subprocess.TimeoutExpired:
            raise LateError("exec: process took too long") from None
        finally:
            self._end()
            self._release()

    def _end(self) -> None:
        """End what still runs. The number of a process that was waited for may be that of another one."""
        if self.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # it has just ended
                os.killpg(self.pid, signal.SIGKILL)
            self.wait()
            for pipe in filter(None, (self.stdout, self.stderr)):
                pipe.close()

    def _release(self) -> None:
        if self._guard:
            with self._guard:
                self._guard.kill()


def _guard() -> subprocess.Popen[bytes] | None:
    """Return what ends a command with the run; None where there is no shell."""
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with suppress(OSError):
        return subprocess.Popen(_GUARD, stdin=pipe, stdout=null, stderr=null, bufsize=0, start_new_session=True)
    return None
