# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command that ends in time and with the run, together with all that it has started. Private."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..._otelcol.bounded.live.bounded_reads import read_output, start_program

# A shell starts a guard in the background, and then becomes the command, whose input is empty. Both are in a session
# of their own. The guard waits for a line: when its input is closed without one, as it is by the end of the run,
# however that comes, it ends the session.
_GUARD_SCRIPT = '{ read -r line <&3 || kill -9 "-$$"; } >/dev/null 2>&1 &'
_GUARDED_SCRIPT = f'exec 3<&0 </dev/null; {_GUARD_SCRIPT} exec 3<&-; exec "$@"'
_RELEASE_LINE = b"\n"


class EndedCommand(NamedTuple):
    """What a command wrote to its output and to standard error, and its exit code."""

    output: bytes
    error_output: bytes
    exit_code: int


def run_guarded(args: Sequence[str], env: Mapping[str, str], cwd: str | None, seconds: float) -> EndedCommand:
    """Run a command for at most some seconds. What it has started in the background goes on if it ends in time.

    Raises TimeoutExpired, TooLargeError, OSError for a command that does not start, and ValueError or TypeError for an
    argument or a variable that is no text.
    """
    guard_input, guard_line = os.pipe()
    command = ["/bin/sh", "-c", _GUARDED_SCRIPT, "sh", *args]
    with os.fdopen(guard_line, "wb", buffering=0) as guard, os.fdopen(guard_input, "rb", buffering=0) as shell_input:
        _check_command(str(args[0]), env, cwd)
        process = start_program(command, stdin=shell_input, cwd=cwd, env=env, start_new_session=True)
        with process, guard:  # the guard is closed before the process is waited for, which ends it
            output, errors = read_output(process, seconds)
            guard.write(_RELEASE_LINE)
    return EndedCommand(output, errors, process.returncode)


def _check_command(command: str, env: Mapping[str, str], cwd: str | None) -> None:
    """Raise an OSError for a command that is not there or may not be started: the shell has other words for it."""
    path = command
    if os.sep in command:
        path = os.path.join(cwd or "", command)  # noqa: PTH118 - Path drops a leading dot
    if shutil.which(path, path=env.get("PATH")):
        return
    is_there = os.path.exists(path)  # noqa: PTH110 - as above
    code = errno.EACCES if is_there else errno.ENOENT
    raise OSError(code, os.strerror(code))
