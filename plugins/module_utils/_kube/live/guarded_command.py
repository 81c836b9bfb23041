# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command that ends in time and with the run, together with all that it has started. Private.

`exec_credential.py` runs the commands of kubeconfigs so. A command may hang, or start a program that hangs; when the
run is killed, nothing of it may stay. A guard process beside the command sees to that.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..._otelcol.bounded.live.bounded_reads import read_output, start_program

# The script of the shell that starts a guard in the background and then becomes the command. Both are in a session of
# their own, whose id is the process id of the shell. The parts of the script:
#
#   exec 3<&0 </dev/null    descriptor 3 is the input of the shell, a pipe from this process; the command gets no input
#   read -r line <&3        the guard waits for a line from this process
#   || kill -9 "-$$"        the pipe was closed without a line, as by the end of the run: kill the whole session
#   exec 3<&-; exec "$@"    the command does not have the pipe
_GUARDED_SCRIPT = 'exec 3<&0 </dev/null; { read -r line <&3 || kill -9 "-$$"; } >/dev/null 2>&1 & exec 3<&-; exec "$@"'
# With this line the guard ends alone, and leaves what the command has started in the background.
_RELEASE_LINE = b"\n"


class EndedCommand(NamedTuple):
    """A command that has ended."""

    output: bytes
    error_output: bytes
    """What it wrote to standard error."""
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
