# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command that does not outlive the run, and of which nothing stays if it hangs. Private.

`exec_credential.py` runs the commands of kubeconfigs so. A command may hang, or start a program that hangs, such as a
helper that waits for a browser. A guard process beside the command ends all of them. It reads from a pipe, whose other
end only the process of the run has:

    the command ends in time                            the run writes a line, and the guard ends alone: what the
                                                        command has started in the background, such as an agent, goes on
    the command takes too long or prints too much       the run closes the pipe, and the guard kills the command with
                                                        all that it has started in its process group
    the run is killed                                   the kernel closes the pipe, with the same effect
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..._otelcol.bounded.live.bounded_reads import read_output, start_program

# The script of the shell that starts the guard in the background and then becomes the command. Both are in a process
# group of their own, whose id is the process id of the shell. `$$` is that id, also in the guard.
_GUARDED_SCRIPT = (
    # Descriptor 3 is the pipe, which the shell gets as its input. The command gets no input.
    "exec 3<&0 </dev/null; "
    # The guard waits for a line. If the pipe is closed without one, it kills the process group, itself included.
    '{ read -r line <&3 || kill -9 "-$$"; } '
    # The guard prints nothing: with the output of the command, it would keep open what `read_output` reads to its end.
    ">/dev/null 2>&1 & "
    # The command does not have the pipe.
    'exec 3<&-; exec "$@"'
)
_RELEASE_LINE = b"\n"


class EndedCommand(NamedTuple):
    """A command that has ended."""

    output: bytes
    error_output: bytes
    """What it wrote to standard error."""
    exit_code: int


def run_guarded(args: Sequence[str], env: Mapping[str, str], cwd: str | None, seconds: float) -> EndedCommand:
    """Run a command for at most some seconds, with the variables `env` alone.

    Raises TimeoutExpired, TooLargeError, OSError for a command that does not start, and ValueError or TypeError for an
    argument or a variable that is no text.
    """
    guard_input, guard_line = os.pipe()
    command = ["/bin/sh", "-c", _GUARDED_SCRIPT, "sh", *args]
    with os.fdopen(guard_line, "wb", buffering=0) as guard, os.fdopen(guard_input, "rb", buffering=0) as shell_input:
        _check_command(str(args[0]), env, cwd)
        process = start_program(command, stdin=shell_input, cwd=cwd, env=env, start_new_session=True)
        # Python leaves these two from the right: it closes the pipe first, and then waits for the command. In the other
        # order, it would wait for a command that hangs, which the guard kills only when the pipe is closed.
        with process, guard:
            output, errors = read_output(process, seconds)
            guard.write(_RELEASE_LINE)
    return EndedCommand(output, errors, process.returncode)


def _check_command(command: str, env: Mapping[str, str], cwd: str | None) -> None:
    """Raise an OSError for a command that is not there or may not be started.

    The shell starts in any case, and would report such a command by an exit code and by words of its own.
    """
    path = command
    if os.sep in command:
        path = os.path.join(cwd or "", command)  # noqa: PTH118 - Path drops a leading dot
    if shutil.which(path, path=env.get("PATH")):
        return
    is_there = os.path.exists(path)  # noqa: PTH110 - as above
    code = errno.EACCES if is_there else errno.ENOENT
    raise OSError(code, os.strerror(code))
