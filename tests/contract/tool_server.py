# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the environment of the wheel: imports what the command imports, and forks for each run of the command.

The first argument is the program that pip installed. Standard input has a line of JSON for each run, with its words and
the files for its standard streams; standard output has the exit code. A run has its own process, streams and arguments,
so that no run sees what another did.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from importlib import import_module


def prepare() -> None:
    """Import what the command imports, most of it late. What cannot be imported is an error here as in a run."""
    command_line = import_module("otelcoltool.command_line")
    for command in command_line.COMMANDS:
        import_module(f"otelcoltool.commands.{command.name}")


def take_streams(paths: list[str]) -> None:
    """Replace the standard streams by these files."""
    modes = ("r", "w", "w")
    for descriptor, (path, mode) in enumerate(zip(paths, modes, strict=True)):
        os.dup2(os.open(path, os.O_RDWR), descriptor)
        setattr(sys, ("stdin", "stdout", "stderr")[descriptor], os.fdopen(descriptor, mode, closefd=False))


def exit_code(program: str, words: list[str]) -> int:
    """Run the program as Python runs a file, and return its exit code."""
    sys.argv = [program, *words]
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def serve(program: str) -> None:
    """For each line of JSON, fork, run the command, and print its exit code."""
    prepare()
    for line in sys.stdin:
        run = json.loads(line)
        if child := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            continue
        code = 1
        try:
            take_streams(run["streams"])
            words = [os.fsdecode(word.encode("latin-1")) for word in run["words"]]  # a name may be no text
            code = exit_code(program, words)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
